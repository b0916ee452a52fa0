"""Models in batches: what is sent, what comes back, and what a later process takes from it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from apo.errors import (
    BadRequestError,
    ContextLengthError,
    LikelihoodError,
    ModelError,
    QuotaError,
    RateLimitError,
    RunError,
    SettingsError,
    TransportError,
    UnreachableError,
)
from apo.model import Completion, Decoding, Message, Model, Request
from apo.models.address import Address
from apo.models.batches.batch import BatchModel
from apo.models.batches.log import BatchLog, Sent
from apo.models.batches.terms import batch_address, batch_price
from apo.models.prices import Price, find_price
from apo.testing.chat_server import ChatServer

Script = Callable[[Callable[[Request], Completion | Awaitable[Completion]]], Model]


def ask(text: str, **more: object) -> Request:
    return Request(messages=(Message("user", text),), **more)  # type: ignore[arg-type]


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


def batched(server: ChatServer, folder: Path, **more: object) -> BatchModel:
    log = BatchLog(folder / "batches.jsonl")
    options = {"quiet": 0.0, "sleep": at_once, **more}
    return BatchModel(batch_address(server.model_name), log, **options)  # type: ignore[arg-type]


async def settled(work: Awaitable[Completion]) -> str:
    try:
        return (await work).text
    except ModelError as error:
        return type(error).__name__


async def all_of(model: BatchModel, *texts: str) -> list[str]:
    return list(await asyncio.gather(*(settled(model.complete(ask(text))) for text in texts)))


def test_what_waits_goes_in_one_batch(echo_model: Model, tmp_path: Path) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = batched(server, tmp_path)
            sampled = ask("c", decoding=Decoding(temperature=0.5, max_tokens=7), seed=9)
            first, second, third = await asyncio.gather(
                *(model.complete(request) for request in (ask("a"), ask("b"), sampled))
            )
            assert await all_of(model, "d") == ["d|0"]
            await model.aclose()
            assert [first.text, second.text, third.text] == ["a|0", "b|0", "c|9"]
            assert first.usage.input_tokens == 5
            assert model.name == server.model_name
            assert [b["request_counts"]["total"] for b in server.batches.made] == [3, 1]
            assert {b["endpoint"] for b in server.batches.made} == {"/v1/chat/completions"}
            assert {b["completion_window"] for b in server.batches.made} == {"24h"}

    asyncio.run(run())


def test_equal_requests_are_paid_once(echo_model: Model, tmp_path: Path) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = batched(server, tmp_path)
            assert await all_of(model, "a", "a") == ["a|0", "a|0"]
            await model.aclose()
            assert list(server.batches.answered.values()) == [1]

    asyncio.run(run())


def test_a_batch_has_a_size(echo_model: Model, tmp_path: Path) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = batched(server, tmp_path, max_requests=2)
            assert await all_of(model, "a", "b", "c") == ["a|0", "b|0", "c|0"]
            await model.aclose()
            sizes = [b["request_counts"]["total"] for b in server.batches.made]
            assert sorted(sizes) == [1, 2]

    asyncio.run(run())


def test_it_is_waited_for_in_growing_steps(echo_model: Model, tmp_path: Path) -> None:
    waits: list[float] = []

    async def run() -> None:
        async with ChatServer(echo_model) as server:
            server.batches.seconds = float("inf")

            async def sleep(seconds: float) -> None:
                waits.append(seconds)
                assert model.waiting.startswith("waiting for 1 in the Batch API (0 of 1 calls, in")
                if len(waits) == 14:
                    server.batches.seconds = 0.0

            model = batched(server, tmp_path, sleep=sleep)
            assert model.waiting == ""
            assert await all_of(model, "a") == ["a|0"]
            await model.aclose()
            assert model.waiting == ""

    asyncio.run(run())
    assert waits[:3] == [1.0, 1.5, 2.25]
    assert waits[-2:] == [60.0, 60.0]


def test_what_fails_is_the_error_of_a_direct_call(scripted: Script, tmp_path: Path) -> None:
    def answer(request: Request) -> Completion:
        raise {"long": ContextLengthError, "no": BadRequestError}[request.messages[0].content]("x")

    async def run() -> None:
        async with ChatServer(scripted(answer)) as server:
            model = batched(server, tmp_path)
            assert await all_of(model, "long", "no") == ["ContextLengthError", "BadRequestError"]
            await model.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["failing", "expiring"])
def test_what_is_left_over_can_be_asked_again(
    fault: str, echo_model: Model, tmp_path: Path
) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            setattr(server.batches, fault, 0.5)
            model = batched(server, tmp_path)
            texts = [f"{i}" for i in range(20)]
            found = await all_of(model, *texts)
            failed = [t for t, f in zip(texts, found, strict=True) if f == "TransportError"]
            assert 0 < len(failed) < 20
            assert await all_of(model, *failed) == [f"{text}|0" for text in failed]
            await model.aclose()
            assert set(server.batches.answered.values()) == {1}
            assert len(server.batches.answered) == 20

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "message", "kind", "says"),
    [
        ("invalid_model", "No such model.", BadRequestError, "No such model.*without --batch"),
        ("billing_hard_limit_reached", "Empty.", QuotaError, "no credit left"),
    ],
)
def test_a_batch_that_is_refused_says_why(
    code: str,
    message: str,
    kind: type[ModelError],
    says: str,
    echo_model: Model,
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            server.batches.refusal = (code, message)
            model = batched(server, tmp_path)
            with pytest.raises(kind, match=says):
                await model.complete(ask("a"))
            await model.aclose()
            # Once it has been mended, the next process asks again.
            server.batches.refusal = None
            model = batched(server, tmp_path)
            assert await all_of(model, "a") == ["TransportError"]
            assert await all_of(model, "a") == ["a|0"]
            await model.aclose()

    asyncio.run(run())


def test_more_than_the_queue_takes_goes_in_parts(echo_model: Model, tmp_path: Path) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            batches = server.batches
            batches.max_requests = 3

            def moment(now: str) -> None:
                if now == "uploaded":  # The batch stays in the queue until it is asked for.
                    batches.seconds = float("inf")

            async def sleep(_: float) -> None:
                batches.seconds = 0.0

            batches.moment = moment
            model = batched(server, tmp_path, sleep=sleep)
            left = [f"{i}" for i in range(8)]
            for _ in range(3):
                found = await all_of(model, *left)
                left = [t for t, f in zip(left, found, strict=True) if f == "RateLimitError"]
            await model.aclose()
            assert not left
            done = [b for b in batches.made if b["status"] == "completed"]
            assert [b["request_counts"]["total"] for b in done] == [2, 2, 2, 2]
            assert set(batches.answered.values()) == {1}

    asyncio.run(run())


def test_a_cancelled_batch_ends_the_run_once(echo_model: Model, tmp_path: Path) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            server.batches.seconds = float("inf")

            async def cancel(_: float) -> None:
                server.batches.made[0]["status"] = "cancelled"
                server.batches.seconds = 0.0

            model = batched(server, tmp_path, sleep=cancel)
            with pytest.raises(BadRequestError, match=r"cancelled at the provider.*apo resume"):
                await model.complete(ask("a"))
            await model.aclose()
            model = batched(server, tmp_path)
            assert await all_of(model, "a") == ["TransportError"]
            assert await all_of(model, "a") == ["a|0"]
            await model.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("moment", ["uploaded", "created", "asked", "fetched"])
def test_a_process_that_is_gone_is_taken_over_from(
    moment: str, echo_model: Model, tmp_path: Path
) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            server.batches.seconds = float("inf") if moment == "asked" else 0.0
            reached = asyncio.Event()
            server.batches.moment = lambda now: reached.set() if now == moment else None
            gone = batched(server, tmp_path)
            calls = [asyncio.ensure_future(gone.complete(ask(text))) for text in "abc"]
            await reached.wait()  # The reply has not gone out: it never hears of it.
            await gone.aclose()
            await asyncio.gather(*calls, return_exceptions=True)
            assert all(call.cancelled() for call in calls)

            server.batches.moment, server.batches.seconds = str, 0.0
            model = batched(server, tmp_path)
            found = await all_of(model, "a", "b", "d")
            again = [t for t, f in zip("abd", found, strict=True) if f == "TransportError"]
            assert again == (["a", "b"] if moment == "uploaded" else [])
            assert await all_of(model, *again) == [f"{text}|0" for text in again]
            assert await all_of(model, "c") == ["c|0"]
            await model.aclose()
            assert set(server.batches.answered.values()) == {1}
            assert len(server.batches.answered) == 4
            assert len(server.batches.made) == (3 if moment == "uploaded" else 2)

    asyncio.run(run())


def test_one_lost_answer_makes_no_second_batch(echo_model: Model, tmp_path: Path) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = batched(server, tmp_path)
            assert await all_of(model, "a") == ["a|0"]

            def fail(now: str) -> None:
                if now == "created":
                    server.batches.moment = str
                    raise TransportError("The reply is lost.")

            server.batches.moment = fail
            assert await all_of(model, "b") == ["b|0"]
            await model.aclose()
            assert len(server.batches.made) == 2

    asyncio.run(run())


def test_a_batch_of_another_account_is_not_paid_again(echo_model: Model, tmp_path: Path) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            gone = batched(server, tmp_path)
            assert await all_of(gone, "a") == ["a|0"]
            await gone.aclose()
            server.batches.made.clear()
            model = batched(server, tmp_path)
            with pytest.raises(BadRequestError, match=r"batch-0.*batches\.jsonl.*paid once more"):
                await model.complete(ask("a"))
            await model.aclose()

    asyncio.run(run())


def test_a_server_that_is_none(tmp_path: Path, saying: Callable[..., Any]) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>"
    none = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"

    async def run(url: str) -> ModelError:
        log = BatchLog(tmp_path / "batches.jsonl")
        model = BatchModel(batch_address(f"{url}#m"), log, quiet=0.0, sleep=at_once)
        with pytest.raises(ModelError) as caught:
            await model.complete(ask("a"))
        await model.aclose()
        log.path.unlink()
        return caught.value

    async def both() -> None:
        async with saying(none) as url:
            assert "no Batch API" in str(await run(url))
        async with saying(page) as url:
            assert "is no file and no batch" in str(await run(url))
        assert isinstance(await run("http://127.0.0.1:9/v1"), UnreachableError)

    asyncio.run(both())


def test_a_wrong_key_stays_hidden(
    echo_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APO_API_KEY", "sk-wrong-secret")

    async def run() -> None:
        async with ChatServer(echo_model, key="sk-right") as server:
            model = batched(server, tmp_path)
            with pytest.raises(ModelError, match="APO_API_KEY") as caught:
                await model.complete(ask("a"))
            await model.aclose()
            assert "sk-wrong-secret" not in repr(caught.value)
            assert caught.value.__context__ is None

    asyncio.run(run())
    assert b"sk-wrong" not in (tmp_path / "batches.jsonl").read_bytes()


def test_azure_asks_the_resource(
    echo_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with ChatServer(echo_model, key="k") as server:
            monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.base_url.removesuffix("/v1"))
            monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
            log = BatchLog(tmp_path / "batches.jsonl")
            model = BatchModel(batch_address("azure/d"), log, quiet=0.0, sleep=at_once)
            assert await all_of(model, "a") == ["a|0"]
            await model.aclose()
            assert server.batches.made[0]["endpoint"] == "/chat/completions"

    asyncio.run(run())


def test_no_likelihoods(tmp_path: Path) -> None:
    address = Address(name="x#m", model="m", url="x")
    model = BatchModel(address, BatchLog(tmp_path / "batches.jsonl"))
    with pytest.raises(LikelihoodError, match="--batch"):
        asyncio.run(model.complete(ask("a", continuation="b")))


@pytest.mark.parametrize(
    "name", ["embedded", "anthropic/claude", "http://a/v1,http://b/v1#m", object()]
)
def test_who_has_no_batches(name: object) -> None:
    with pytest.raises(SettingsError, match=r"--batch cannot be used with.*openai/NAME"):
        batch_address(name)


def test_half_the_price_unless_it_is_stated() -> None:
    whole, half = find_price("openai/gpt-4o-mini"), batch_price("openai/gpt-4o-mini", {})
    assert whole is not None
    assert half == Price(whole.input / 2, whole.output / 2)
    stated = Price(1.0, 2.0, 0.5)
    assert batch_price("openai/gpt-4o-mini", {"gpt-4o-mini": stated}) == stated
    assert batch_price("openai/no-such-model", {}) is None


def test_the_log_survives_a_torn_line(tmp_path: Path) -> None:
    log = BatchLog(tmp_path / "batches.jsonl")
    assert log.read() == {}
    first, second = Sent(["a", "b"]), Sent(["b"])
    log.intend(first)
    first.batch = "batch-1"
    log.started(first)
    with log.path.open("ab") as file:
        file.write(b'\n{"token": "to')
    log.intend(second)
    read = log.read()
    assert {key: (sent.token, sent.batch) for key, sent in read.items()} == {
        "a": (first.token, "batch-1"),
        "b": (second.token, ""),
    }
    assert all(sent.resumed for sent in read.values())
    log.path.write_bytes(orjson.dumps([1]) + b"\n\xff\n5\n{}")
    assert log.read() == {}


def test_a_log_that_cannot_be_written_stops_before_anything_is_sent(
    echo_model: Model, tmp_path: Path
) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = batched(server, tmp_path / "nowhere")
            with pytest.raises(RunError, match=r"Cannot write .*batches\.jsonl"):
                await model.complete(ask("a"))
            await model.aclose()
            assert not server.batches.made

    asyncio.run(run())


def test_a_refusal_to_a_single_request_is_waited_out(echo_model: Model, tmp_path: Path) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            server.batches.max_requests = 0
            model = batched(server, tmp_path)
            with pytest.raises(RateLimitError, match="Enqueued token limit"):
                await model.complete(ask("a"))
            await model.aclose()

    asyncio.run(run())
