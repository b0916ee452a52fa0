"""The loopback server: faults that do not depend on order, counters, and the ways to start it."""

import asyncio
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import (
    AuthenticationError,
    BadRequestError,
    MalformedReplyError,
    ModelError,
    QuotaError,
    RateLimitError,
    SettingsError,
    TransportError,
)
from apo.model import Completion, Decoding, Message, Model, Request
from apo.models import open_model
from apo.testing.chat_server import ChatServer
from apo.testing.faults import DELIVERED, Faults
from apo.testing.server import serve

Script = Callable[[Callable[[Request], Completion | Awaitable[Completion]]], Model]
KINDS = list(Faults().shares())


def ask(text: str) -> Request:
    return Request(messages=(Message("user", text),), decoding=Decoding(temperature=0.5), seed=9)


def post(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(f"{url}/chat/completions", body, headers)
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def chat(**more: object) -> bytes:
    return json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
    ).encode()


def test_the_model_gets_what_it_gets_in_process(scripted: Script) -> None:
    got: list[Request] = []

    def answer(request: Request) -> Completion:
        got.append(request)
        return Completion(text="x")

    request = Request(
        messages=(Message("system", "a"), Message("user", "b"), Message("assistant", "c")),
        decoding=Decoding(temperature=0.5, top_p=0.9, max_tokens=7, stop=("z",)),
        seed=9,
    )

    async def run() -> None:
        async with ChatServer(scripted(answer)) as server:
            model = open_model(server.model_name)
            await model.complete(request)
            await model.aclose()

    asyncio.run(run())
    assert got == [request]


def test_blocking_use_and_counters(echo_model: Model) -> None:
    with serve(echo_model) as server:
        post(server.base_url, chat(), Authorization="Bearer abc")
        status, body = post(server.base_url, chat(), Authorization="Bearer abc")
        assert status == 200
        assert body["usage"] == {
            "prompt_tokens": 5,
            "completion_tokens": 3,
            "total_tokens": 8,
            "prompt_tokens_details": {"cached_tokens": 2},
        }
    assert (server.requests, server.answered, server.in_flight) == (2, 2, 0)
    assert server.by_fault == {}
    assert server.seen[0].path == "/v1/chat/completions"
    assert server.seen[0].headers["authorization"] == "Bearer abc"
    assert server.seen[0].body == json.loads(chat())
    with pytest.raises(urllib.error.URLError):
        post(server.base_url, chat())


def test_the_default_seed_is_zero(echo_model: Model) -> None:
    with serve(echo_model) as server:
        _, body = post(server.base_url, chat(temperature=1))
    assert "hi|0" in json.dumps(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"\xff",
        b"{}",
        chat(messages="x"),
        chat(messages=[{"role": "user"}]),
        chat(messages=[5]),
        chat(messages=[{"role": "user", "content": [{"type": "image"}]}]),
        chat(temperature=9),
        chat(temperature="hot"),
        chat(seed="x"),
        chat(stop=5),
        chat(stream=True),
        chat(n=2),
    ],
)
def test_bad_requests(echo_model: Model, body: bytes) -> None:
    with serve(echo_model) as server:
        status, error = post(server.base_url, body)
    assert status == 400
    assert error["error"]
    assert (server.answered, server.by_fault) == (0, {"400": 1})


def test_content_in_parts(echo_model: Model) -> None:
    parts = [{"type": "text", "text": "가"}, {"type": "text", "text": "나"}]
    with serve(echo_model) as server:
        _, body = post(server.base_url, chat(messages=[{"role": "user", "content": parts}]))
    assert "가나|0" in json.dumps(body, ensure_ascii=False)


def test_only_the_key_is_accepted(echo_model: Model) -> None:
    with serve(echo_model, key="right") as server:
        assert post(server.base_url, chat())[0] == 401
        assert post(server.base_url, chat(), Authorization="Bearer wrong")[0] == 401
        assert post(server.base_url, chat(), Authorization="Bearer right")[0] == 200
        assert post(server.base_url, chat(), **{"api-key": "right"})[0] == 200
    assert (server.requests, server.answered, server.by_fault) == (4, 2, {"401": 2})


@pytest.mark.parametrize("status", [401, 404, 418, 503])
def test_a_stated_status(echo_model: Model, status: int) -> None:
    with serve(echo_model, faults=Faults(status=status)) as server:
        assert [post(server.base_url, chat())[0] for _ in range(5)] == [status] * 5
    assert server.by_fault == {str(status): 5}


def test_a_port_in_use_is_an_oserror(echo_model: Model) -> None:
    with serve(echo_model) as server:
        port = int(server.base_url.split(":")[2].removesuffix("/v1"))
        with pytest.raises(OSError, match=str(port)), serve(echo_model, port=port):
            pass


@pytest.mark.parametrize("shares", [{"cut": -0.1}, {"cut": 0.6, "html": 0.5}, {"hang": 1.1}])
def test_shares_out_of_range(shares: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="at most 1"):
        Faults(**shares)  # type: ignore[arg-type]  # shares


SHARES = st.lists(st.floats(0, 1), min_size=len(KINDS), max_size=len(KINDS)).map(
    lambda weights: {k: w / max(1.0, sum(weights)) for k, w in zip(KINDS, weights, strict=True)}
)


@given(SHARES, st.binary(), st.integers(0, 50), st.integers(0, 5), st.integers())
def test_every_request_succeeds_in_time(
    shares: dict[str, float], content: bytes, attempt: int, in_a_row: int, seed: int
) -> None:
    faults = Faults(**shares, max_in_a_row=in_a_row, seed=seed)  # type: ignore[arg-type]  # shares
    draws = [faults.draw(content, attempt + i) for i in range(in_a_row + 1)]
    assert None in draws
    assert draws == [faults.draw(content, attempt + i) for i in range(in_a_row + 1)]


def test_shares_come_out_as_stated() -> None:
    faults = Faults(rate_limit=0.2, cut=0.1, null_content=0.05, max_in_a_row=10**9)
    drawn = Counter(faults.draw(b"%d" % i, 0) for i in range(4000))
    assert drawn["rate_limit"] / 4000 == pytest.approx(0.2, abs=0.03)
    assert drawn["cut"] / 4000 == pytest.approx(0.1, abs=0.03)
    assert drawn["null_content"] / 4000 == pytest.approx(0.05, abs=0.02)
    assert set(drawn) == {"rate_limit", "cut", "null_content", None}
    other = Faults(rate_limit=0.2, cut=0.1, null_content=0.05, seed=1)
    assert any(faults.draw(b"%d" % i, 0) != other.draw(b"%d" % i, 0) for i in range(50))


async def until_answered(model: Model, request: Request) -> int:
    for attempt in range(1, 9):
        try:
            await model.complete(request)
        except ModelError:
            continue
        return attempt
    raise AssertionError("never answered")


def test_faults_do_not_depend_on_order_or_concurrency(echo_model: Model) -> None:
    faults = Faults(rate_limit=0.2, server_error=0.1, cut=0.1, html=0.1, cut_json=0.1, seed=5)
    texts = [f"질문 {i}" for i in range(40)]

    async def run(order: list[str], concurrency: int) -> tuple[dict[str, int], Counter[str]]:
        async with ChatServer(echo_model, faults=faults) as server:
            model = open_model(server.model_name, max_connections=concurrency)
            tries = await asyncio.gather(*(until_answered(model, ask(text)) for text in order))
            await model.aclose()
        assert server.answered == len(texts)
        assert server.requests == sum(tries) == len(texts) + sum(server.by_fault.values())
        return dict(zip(order, tries, strict=True)), server.by_fault

    one = asyncio.run(run(texts, 1))
    assert one == asyncio.run(run(texts[::-1], 16))
    assert max(one[0].values()) > 2
    assert len(one[1]) == 5


def test_a_hanging_answer_ends_at_its_cap(echo_model: Model) -> None:
    with serve(echo_model, faults=Faults(hang=1, max_hang=0.01)) as server:
        request = urllib.request.Request(f"{server.base_url}/chat/completions", chat())
        with pytest.raises(urllib.error.HTTPError, match="504") as caught:
            urllib.request.urlopen(request)
        caught.value.close()


@pytest.mark.slow
def test_the_command_serves_the_embedded_model_until_interrupted() -> None:
    command = [sys.executable, "-m", "apo.testing.server", "--latency-ms", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        status, body = post(url, chat())
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert status == 200
    assert body["object"] == "chat.completion"


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--cut", "7"], ["--port", "99999999"], ["--nonsense"]])
def test_the_command_refuses_in_words(options: list[str]) -> None:
    command = [sys.executable, "-m", "apo.testing.server", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


WHAT_IT_IS: dict[str, type[ModelError]] = {
    "rate_limit": RateLimitError,
    "server_error": TransportError,
    "hang": TransportError,
    "cut": TransportError,
    "html": MalformedReplyError,
    "cut_json": MalformedReplyError,
    "null_content": MalformedReplyError,
    "unavailable": TransportError,
    "overloaded": TransportError,
    "request_timeout": TransportError,
    "no_credit": QuotaError,
    "bad_key": AuthenticationError,
    "redirect": BadRequestError,
    "error_body": TransportError,
    "invalid_utf8": MalformedReplyError,
    "wrong_type": MalformedReplyError,
    "empty": MalformedReplyError,
    "drop": TransportError,
    "head_only": TransportError,
    "huge": MalformedReplyError,
}


def test_every_fault_is_known() -> None:
    assert {*WHAT_IT_IS, *DELIVERED} == {*KINDS}


@pytest.mark.parametrize("fault", WHAT_IT_IS)
def test_what_a_fault_is_to_the_client(
    echo_model: Model, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APO_API_KEY", "sk-of-a-user-0123")

    async def run() -> None:
        faults = Faults(**{fault: 1}, max_hang=0.01)  # type: ignore[arg-type]  # a share
        async with ChatServer(echo_model, faults=faults, key="sk-of-a-user-0123") as server:
            model = open_model(server.model_name)
            with pytest.raises(WHAT_IT_IS[fault]) as caught:
                await model.complete(ask("hi"))
            await model.aclose()
        assert "sk-of-a-user" not in str(caught.value)
        assert server.by_fault == {fault: 1}
        assert not server.answers

    asyncio.run(run())


@pytest.mark.parametrize("fault", DELIVERED)
def test_what_is_delivered_is_paid(echo_model: Model, fault: str) -> None:
    async def run() -> None:
        faults = Faults(**{fault: 1}, drip_seconds=0)  # type: ignore[arg-type]  # a share
        async with ChatServer(echo_model, faults=faults) as server:
            model = open_model(server.model_name)
            for text in ("one", "one", "two"):
                # The next call may take up the connection in the moment in which it is dropped.
                await until_answered(model, ask(text))
            await model.aclose()
        assert sorted(server.answers.values()) == [1, 2]
        assert server.by_fault == {fault: 3}

    asyncio.run(run())


def test_the_ledger_counts_whole_answers_alone(echo_model: Model) -> None:
    async def run() -> None:
        async with ChatServer(echo_model, faults=Faults(cut=1, max_in_a_row=1)) as server:
            model = open_model(server.model_name)
            for text in ("one", "two"):
                assert await until_answered(model, ask(text)) == 2
            await model.aclose()
        assert [*server.answers.values()] == [1, 1]
        assert (server.requests, server.answered) == (4, 2)

    asyncio.run(run())
