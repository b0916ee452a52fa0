"""Fakes that are real: a scripted model, and a server that says given bytes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from apo.model import Completion, Model, Request
from apo.usage import Usage

VARIABLES = [
    "APO_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_ENDPOINT",
    "LLAMACPP_BASE_URL",
    "LLAMA_API_KEY",
    "OLLAMA_HOST",
    "OPENAI_API_KEY",
    "OPENAI_API_VERSION",
    "OPENAI_BASE_URL",
    "VLLM_API_KEY",
    "VLLM_BASE_URL",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
]


class Scripted:
    """A model that answers by a function, which may wait or raise."""

    name = "scripted"

    def __init__(self, answer: Callable[[Request], Completion | Awaitable[Completion]]) -> None:
        self.answer = answer

    async def complete(self, request: Request) -> Completion:
        answer = self.answer(request)
        return answer if isinstance(answer, Completion) else await answer

    async def aclose(self) -> None:
        pass


def echo(request: Request) -> Completion:
    text = f"{request.messages[-1].content}|{request.seed}"
    return Completion(text=text, usage=Usage(input_tokens=5, output_tokens=3, cached_tokens=2))


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def scripted() -> Callable[[Callable[[Request], Completion | Awaitable[Completion]]], Model]:
    return Scripted


@pytest.fixture
def echo_model() -> Model:
    return Scripted(echo)


Saying = Callable[[bytes], AbstractAsyncContextManager[str]]


@pytest.fixture
def saying() -> Saying:
    """Serve given bytes, whatever is asked; gives the base URL."""

    @asynccontextmanager
    async def serve(reply: bytes) -> AsyncGenerator[str]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ]
            await reader.readexactly(sum(lengths))
            writer.write(reply)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"

    return serve
