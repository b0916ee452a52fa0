"""Models through LiteLLM: asked over a real connection, with its real errors."""

import asyncio
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from apo.errors import (
    AuthenticationError,
    ContextLengthError,
    LikelihoodError,
    ModelError,
    RateLimitError,
    SettingsError,
)
from apo.model import Completion, Decoding, Message, Request
from apo.models import open_model
from apo.models.litellm_model import LiteLlmModel
from apo.models.prices import find_price

ASK = Request((Message("system", "Say."), Message("user", "안녕")), Decoding(max_tokens=5))
ANSWER = {
    "choices": [{"message": {"role": "assistant", "content": "네"}, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    "model": "served",
}
Ask = Callable[[int, dict[str, Any]], Completion]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask a server of ours, which speaks OpenAI's protocol, and says what it is told to."""

    def asked(status: int, said: dict[str, Any]) -> Completion:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                got.append(json.loads(self.rfile.read(size)))
                data = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there.
                pass

        got: list[dict[str, Any]] = []
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            monkeypatch.setenv("OPENAI_API_BASE", f"http://127.0.0.1:{server.server_port}/v1")
            monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefghijklmnop")

            async def one() -> Completion:
                model = open_model("litellm/openai/m")
                try:
                    return await model.complete(ASK)
                finally:
                    await model.aclose()

            try:
                found = asyncio.run(one())
            finally:
                server.shutdown()
        [body] = got
        assert body["model"] == "m"
        assert body["messages"] == [{"role": m.role, "content": m.content} for m in ASK.messages]
        assert (body["temperature"], body["max_tokens"]) == (0.0, 5)
        return found

    return asked


pytestmark = [
    pytest.mark.slow,  # Its import takes seconds.
    pytest.mark.filterwarnings("ignore"),  # Its own, at import and at its end.
]


def test_an_answer_is_read_as_from_any_server(ask: Ask) -> None:
    found = ask(200, ANSWER)
    assert (found.text, found.truncated) == ("네", True)
    assert (found.usage.input_tokens, found.usage.output_tokens) == (7, 5)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "Incorrect API key", AuthenticationError),
        (429, "Slow down", RateLimitError),
        (400, "This model's maximum context length is 8 tokens", ContextLengthError),
    ],
)
def test_errors_are_those_of_other_models(
    status: int, message: str, kind: type[ModelError], ask: Ask
) -> None:
    with pytest.raises(kind) as raised:
        ask(status, {"error": {"message": message, "code": None}})
    assert message in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_what_cannot_be_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"provider of 'litellm/nosuch/m'.*docs\.litellm\.ai"):
        open_model("litellm/nosuch/m")
    with pytest.raises(LikelihoodError):
        asyncio.run(open_model("litellm/openai/m").complete(ASK._replace(continuation="x")))
    monkeypatch.setattr("apo.models.litellm_model.find_spec", dict[str, None]().get)
    with pytest.raises(SettingsError, match=r"pip install 'apo\[litellm\]'"):
        open_model("litellm/openai/m")


def test_prices_are_those_of_its_provider() -> None:
    assert find_price("litellm/openai/gpt-4o-mini") == find_price("openai/gpt-4o-mini") is not None


def test_what_litellm_would_drop_is_said() -> None:
    blind, seeing = map(
        open_model, ("litellm/cohere/command-r-08-2024", "litellm/mistral/mistral-large-latest")
    )
    assert isinstance(blind, LiteLlmModel)
    assert isinstance(seeing, LiteLlmModel)
    assert "images" in blind.lacks
    assert "images" not in seeing.lacks
