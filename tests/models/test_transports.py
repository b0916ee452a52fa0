"""Both transports, against a server over real HTTP: the same answers and the same errors."""

import asyncio
import json
import logging
import re
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    MalformedReplyError,
    ModelError,
    QuotaError,
    RateLimitError,
    TransportError,
)
from apo.model import Completion, Decoding, Message, Model, Request
from apo.models import Transport, open_model
from apo.testing.chat_server import ChatServer
from apo.testing.faults import Faults
from apo.usage import Usage

KEY = "sk-proj-Qx7vT9wLm2ZpR4nB"
Script = Callable[[Callable[[Request], Completion | Awaitable[Completion]]], Model]
Saying = Callable[[bytes], AbstractAsyncContextManager[str]]

pytestmark = pytest.mark.parametrize("transport", ["aiohttp", "openai"])


def ask(text: str = "hello", **decoding: float) -> Request:
    return Request(
        messages=(Message("system", "Answer."), Message("user", text)),
        decoding=Decoding(**{"temperature": 1.0, **decoding}),  # type: ignore[arg-type]  # floats
        seed=7,
    )


async def fail(model: Model, request: Request | None = None) -> ModelError:
    """The error that a call ends with."""
    try:
        completion = await model.complete(request or ask())
    except ModelError as error:
        return error
    finally:
        await model.aclose()
    raise AssertionError(f"no error, but {completion}")


async def fail_on(
    served: Model, transport: Transport, faults: Faults, seconds: float = 30.0
) -> ModelError:
    async with ChatServer(served, faults=faults) as server:
        return await fail(open_model(server.model_name, transport=transport, timeout=seconds))


@pytest.mark.parametrize(
    "text",
    [
        "안녕하세요, 반갑습니다",
        "👩‍👩‍👧‍👦 🇰🇷",
        '{x} {{y}} %s \\ "q"',
        "a\x00b\x1b[31m\u2028\r\n",
        "",
        "e\u0301",
    ],
)
def test_text_arrives_unchanged(echo_model: Model, transport: Transport, text: str) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = open_model(server.model_name, transport=transport)
            completion = await model.complete(ask(text))
            await model.aclose()
        usage = Usage(input_tokens=5, output_tokens=3, cached_tokens=2)
        assert completion == Completion(text=f"{text}|7", usage=usage, model="scripted")
        assert server.seen[0].body == {
            "model": "scripted",
            "messages": [
                {"role": "system", "content": "Answer."},
                {"role": "user", "content": text},
            ],
            "temperature": 1.0,
            "seed": 7,
        }

    asyncio.run(run())


def test_options_that_are_set_are_sent(echo_model: Model, transport: Transport) -> None:
    decoding = Decoding(
        temperature=0.0,
        top_p=0.5,
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        max_tokens=9,
        stop=("끝", "\n"),
    )

    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = open_model(server.model_name, transport=transport)
            await model.complete(Request(messages=(Message("user", "x"),), decoding=decoding))
            await model.aclose()
        body = server.seen[0].body
        assert {k: v for k, v in body.items() if k not in ("model", "messages")} == {
            "temperature": 0.0,
            "top_p": 0.5,
            "frequency_penalty": 0.1,
            "presence_penalty": -0.1,
            "max_tokens": 9,
            "stop": ["끝", "\n"],
        }

    asyncio.run(run())


@pytest.mark.parametrize("path", ["", "/", "/chat/completions"])
def test_base_url_is_joined(echo_model: Model, transport: Transport, path: str) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = open_model(f"{server.base_url}{path}#m/x:1b", transport=transport)
            await model.complete(ask())
            await model.aclose()
        assert server.seen[0].path == "/v1/chat/completions"
        assert server.seen[0].body["model"] == "m/x:1b"
        assert "authorization" not in server.seen[0].headers

    asyncio.run(run())


def test_rate_limit(echo_model: Model, transport: Transport) -> None:
    error = asyncio.run(fail_on(echo_model, transport, Faults(rate_limit=1, retry_after="7.5")))
    assert isinstance(error, RateLimitError)
    assert error.retry_after == 7.5
    error = asyncio.run(fail_on(echo_model, transport, Faults(rate_limit=1)))
    assert isinstance(error, RateLimitError)
    assert error.retry_after is None


def test_server_error(echo_model: Model, transport: Transport) -> None:
    error = asyncio.run(fail_on(echo_model, transport, Faults(server_error=1, retry_after="2")))
    assert isinstance(error, TransportError)
    assert (error.retry_after, error.billed) == (2.0, False)
    assert "500" in str(error)


def test_time_out_may_be_billed(echo_model: Model, transport: Transport) -> None:
    error = asyncio.run(fail_on(echo_model, transport, Faults(hang=1), seconds=0.2))
    assert isinstance(error, TransportError)
    assert error.billed
    assert "0.2 s" in str(error)


def test_a_trickle_of_bytes_times_out(saying: Saying, transport: Transport) -> None:
    """The time is for the whole attempt: a server that dribbles does not extend it."""

    async def run() -> ModelError:
        async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: 100000\r\n\r\n")
            try:
                while True:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            finally:
                writer.close()

        async with await asyncio.start_server(dribble, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1#m"
            return await fail(open_model(url, transport=transport, timeout=0.4))

    error = asyncio.run(run())
    assert isinstance(error, TransportError)
    assert error.billed


def test_cut_connection_may_be_billed(echo_model: Model, transport: Transport) -> None:
    error = asyncio.run(fail_on(echo_model, transport, Faults(cut=1)))
    assert isinstance(error, TransportError)
    assert error.billed


def test_no_connection_is_not_billed(transport: Transport) -> None:
    def ignore(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def closed_port() -> int:
        async with await asyncio.start_server(ignore, "127.0.0.1", 0) as server:
            return int(server.sockets[0].getsockname()[1])

    async def run() -> ModelError:
        url = f"http://127.0.0.1:{await closed_port()}/v1#m"
        return await fail(open_model(url, transport=transport))

    error = asyncio.run(run())
    assert isinstance(error, TransportError)
    assert not error.billed
    assert "cannot connect" in str(error)


@pytest.mark.parametrize("fault", ["html", "cut_json", "null_content"])
def test_malformed_bodies(echo_model: Model, transport: Transport, fault: str) -> None:
    error = asyncio.run(fail_on(echo_model, transport, Faults(**{fault: 1.0})))  # type: ignore[arg-type]  # a share
    assert isinstance(error, MalformedReplyError)
    assert error.billed


GOOD = b'{"choices":[{"message":{"content":"%s"},"finish_reason":"stop"}]}'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", GOOD % b"\xff\xfe"),
        ("application/json", b""),
        ("application/json", b"null"),
        ("application/json", b"[]"),
        ("application/json", b'{"choices":[]}'),
        ("application/json", b'{"choices":[{"message":"hi"}]}'),
        ("application/json", b'{"choices":[{"message":{"content":{"label":5}}}]}'),
        ("application/json", b'{"error":{"message":"upstream"}}'),
        ("text/event-stream", b"data: {}\n\n"),
        ("text/plain", GOOD % b"hi"),
    ],
)
def test_a_200_that_is_no_chat_completion(
    saying: Saying, transport: Transport, kind: str, body: bytes
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"

    async def run() -> ModelError:
        async with saying(head.encode() + body) as url:
            return await fail(open_model(f"{url}#m", transport=transport))

    assert isinstance(asyncio.run(run()), MalformedReplyError)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            [{"id": "gemma3:4b"}, {"id": "qwen3:8b"}, {"id": "질문:1b"}],
            " The server has 'qwen3:8b', 'gemma3:4b', '질문:1b'.",
        ),
        (
            [{"id": f"qwen3:{n}b"} for n in range(9)],
            " The server has 'qwen3:0b', 'qwen3:1b', 'qwen3:2b', 'qwen3:3b' and 5 more.",
        ),
        ([{"id": "qwen3"}, {"id": "qwen3:8b"}], ""),  # It has it, and refuses for another reason.
        ([], ""),
        ("none", ""),
        ([1, {"id": None}, {"name": "x"}], ""),
    ],
)
def test_a_model_that_is_not_there_is_told_beside_those_that_are(
    saying: Saying, transport: Transport, data: object, told: str
) -> None:
    body = json.dumps({"error": "model 'qwen3' not found", "data": data}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"

    async def run() -> ModelError:
        async with saying(f"{head}\r\n\r\n".encode() + body) as url:
            return await fail(open_model(f"{url}#qwen3", transport=transport))

    error = asyncio.run(run())
    assert isinstance(error, BadRequestError)
    assert re.search(r"Check the model 'qwen3' and the base URL http://[\d.:]+/v1\.", str(error))
    assert str(error).endswith(f"/v1.{told}")


def test_a_server_that_does_not_list_its_models(saying: Saying, transport: Transport) -> None:
    async def run() -> ModelError:
        async with saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>") as url:
            return await fail(open_model(f"{url}#m", transport=transport))

    assert re.search(r"base URL http://[\d.:]+/v1\.$", str(asyncio.run(run())))


def test_what_is_not_http(saying: Saying, transport: Transport) -> None:
    async def run() -> ModelError:
        async with saying(b"SSH-2.0-OpenSSH_9.6\r\n") as url:
            return await fail(open_model(f"{url}#m", transport=transport))

    assert isinstance(asyncio.run(run()), TransportError)


@pytest.mark.parametrize(("megabytes", "fits"), [(5, True), (17, False)])
def test_huge_replies(scripted: Script, transport: Transport, megabytes: int, fits: bool) -> None:
    text = "가" * (megabytes * 2**20 // 3)

    async def run() -> None:
        async with ChatServer(scripted(lambda _: Completion(text=text))) as server:
            model = open_model(server.model_name, transport=transport)
            if fits:
                assert (await model.complete(ask())).text == text
                await model.aclose()
            else:
                error = await fail(model)
                assert isinstance(error, MalformedReplyError)
                assert "16 MB" in str(error)

    asyncio.run(run())


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("no"),
        QuotaError("no"),
        BadRequestError("no"),
        RateLimitError("no"),
        ContextLengthError("no"),
        ContentFilterError("no"),
        TransportError("no"),
    ],
)
def test_a_served_models_error_comes_back(
    scripted: Script, transport: Transport, error: ModelError
) -> None:
    def answer(_: Request) -> Completion:
        raise error

    assert type(asyncio.run(fail_on(scripted(answer), transport, Faults()))) is type(error)


def test_truncated_and_uncounted(scripted: Script, transport: Transport) -> None:
    async def run() -> Completion:
        served = scripted(lambda _: Completion(text="", truncated=True))
        async with ChatServer(served) as server:
            model = open_model(server.model_name, transport=transport)
            completion = await model.complete(ask())
            await model.aclose()
            return completion

    found = asyncio.run(run())
    assert found == Completion(text="", usage=Usage(), truncated=True, model="scripted")


@pytest.mark.slow
def test_sixty_four_at_once(scripted: Script, transport: Transport) -> None:
    """Nobody is answered before 64 are on the wire, so fewer at once would never end."""
    on_the_wire, full = 0, asyncio.Event()

    async def answer(request: Request) -> Completion:
        nonlocal on_the_wire
        on_the_wire += 1
        if on_the_wire == 64:
            full.set()
        await full.wait()
        return Completion(text=request.messages[-1].content)

    async def run() -> None:
        async with ChatServer(scripted(answer)) as server:
            model = open_model(server.model_name, transport=transport)
            texts = [f"번호 {i}" for i in range(200)]
            answers = await asyncio.gather(*(model.complete(ask(text)) for text in texts))
            await model.aclose()
        assert [answer.text for answer in answers] == texts
        assert server.max_in_flight == 64
        assert (server.requests, server.answered) == (200, 200)

    asyncio.run(run())


def test_max_connections_holds(echo_model: Model, transport: Transport) -> None:
    async def run() -> None:
        async with ChatServer(echo_model, latency=0.001) as server:
            model = open_model(server.model_name, transport=transport, max_connections=3)
            await asyncio.gather(*(model.complete(ask(str(i))) for i in range(30)))
            await model.aclose()
        assert server.max_in_flight == 3

    asyncio.run(run())


def test_waiting_for_a_connection_is_not_timed(echo_model: Model, transport: Transport) -> None:
    async def run() -> None:
        async with ChatServer(echo_model, latency=0.1) as server:
            model = open_model(
                server.model_name, transport=transport, max_connections=1, timeout=0.5
            )
            await asyncio.gather(*(model.complete(ask(str(i))) for i in range(8)))
            await model.aclose()
        assert server.answered == 8

    asyncio.run(run())


def test_a_model_works_again_after_it_was_closed(echo_model: Model, transport: Transport) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = open_model(server.model_name, transport=transport)
            await model.aclose()
            for _ in range(2):
                await model.complete(ask())
                await model.aclose()
        assert server.answered == 2

    asyncio.run(run())


def test_half_a_surrogate_pair_is_refused_before_sending(
    echo_model: Model, transport: Transport
) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            error = await fail(open_model(server.model_name, transport=transport), ask("\ud83d"))
        assert isinstance(error, BadRequestError)
        assert "surrogate" in str(error)
        assert server.requests == 0

    asyncio.run(run())


def test_the_key_is_sent_and_never_shown(
    echo_model: Model,
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server echoes the wrong key, as some do."""
    caplog.set_level(logging.DEBUG)

    async def run(key: str) -> tuple[Model, BaseException | None, dict[str, str]]:
        monkeypatch.setenv("APO_API_KEY", key)
        async with ChatServer(echo_model, key="the-right-one") as server:
            model = open_model(server.model_name, transport=transport)
            try:
                await model.complete(ask())
                error = None
            except ModelError as problem:
                error = problem
            await model.aclose()
            return model, error, server.seen[0].headers

    _, none, _ = asyncio.run(run("the-right-one"))
    assert none is None
    model, error, headers = asyncio.run(run(f"{KEY}\n"))
    assert headers["authorization"] == f"Bearer {KEY}"
    assert isinstance(error, AuthenticationError)
    assert "APO_API_KEY" in str(error)
    assert error.__context__ is None
    shown = [repr(model), model.name, repr(error), *traceback.format_exception(error), caplog.text]
    for text in shown:
        assert KEY[:12] not in text
        assert KEY[-8:] not in text


def test_user_and_password_of_a_url(
    echo_model: Model, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APO_API_KEY", KEY)

    async def run() -> None:
        async with ChatServer(echo_model, key="else") as server:
            url = server.base_url.replace("//", "//kim:pa%2Fss-w%C3%B6rd@")
            model = open_model(f"{url}#m", transport=transport)
            assert model.name == f"{server.base_url}#m"
            error = await fail(model)
        basic = server.seen[0].headers["authorization"]
        assert basic == "Basic a2ltOnBhL3NzLXfDtnJk"
        assert basic.removeprefix("Basic ") not in str(error)
        assert "password in the URL" in str(error)

    asyncio.run(run())


def test_azure(echo_model: Model, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with ChatServer(echo_model, key=KEY) as server:
            monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.base_url.removesuffix("/v1") + "/")
            monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
            model = open_model("azure/내 모델", transport=transport)
            await model.complete(ask(max_tokens=5))
            monkeypatch.setenv("OPENAI_API_VERSION", "2030-01-01-preview")
            other = open_model("azure/x", transport=transport)
            await other.complete(ask())
            await model.aclose()
            await other.aclose()
        first, second = server.seen
        assert first.path == (
            "/openai/deployments/%EB%82%B4%20%EB%AA%A8%EB%8D%B8/chat/completions"
            "?api-version=2024-10-21"
        )
        assert first.headers["api-key"] == KEY
        assert "authorization" not in first.headers
        assert first.body["max_completion_tokens"] == 5
        assert second.path.endswith("/x/chat/completions?api-version=2030-01-01-preview")

    asyncio.run(run())


def test_a_redirect_is_not_followed(
    echo_model: Model, saying: Saying, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APO_API_KEY", KEY)

    async def run() -> None:
        async with ChatServer(echo_model) as other:
            reply = f"HTTP/1.1 307 Go\r\nLocation: {other.base_url}/chat/completions\r\n"
            async with saying(f"{reply}Content-Length: 0\r\n\r\n".encode()) as url:
                error = await fail(open_model(f"{url}#m", transport=transport))
        assert isinstance(error, BadRequestError)
        assert other.base_url in str(error)
        assert other.requests == 0

    asyncio.run(run())


def test_a_cancelled_call_frees_its_connection(scripted: Script, transport: Transport) -> None:
    arrived, never = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Completion:
        if request.messages[-1].content == "first":
            arrived.set()
            await never.wait()
        return Completion(text="x")

    async def run() -> None:
        async with ChatServer(scripted(answer)) as server:
            model = open_model(server.model_name, transport=transport, max_connections=1)
            call = asyncio.create_task(model.complete(ask("first")))
            await arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await model.complete(ask("second"))).text == "x"
            await model.aclose()

    asyncio.run(run())
