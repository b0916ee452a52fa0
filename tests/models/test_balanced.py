"""One model on several servers: the least busy is asked, one that fails is left alone a while."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from apo.errors import (
    ContextLengthError,
    ModelError,
    RateLimitError,
    SettingsError,
    TransportError,
    UnreachableError,
)
from apo.model import Completion, Message, Request
from apo.models import open_model
from apo.models.balanced import BalancedModel
from apo.models.embedded import Embedded
from apo.models.prices import FREE, find_price
from apo.testing.chat_server import ChatServer
from tests.virtual_time import run_virtually

REQUEST = Request(messages=(Message("user", "a"),))


class Server:
    """Answers after so many seconds, or fails as it is told."""

    def __init__(self, name: str, seconds: float = 1.0, error: ModelError | None = None) -> None:
        self.name, self.seconds, self.error = name, seconds, error
        self.asked: list[float] = []
        self.closed = False

    async def complete(self, request: Request) -> Completion:
        self.asked.append(clock())
        error = self.error
        await asyncio.sleep(self.seconds if error is None else 0.01)
        if error is not None:
            raise error
        return Completion(text=self.name)

    async def aclose(self) -> None:
        self.closed = True


def virtually(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtually(work())


def clock() -> float:
    return asyncio.get_running_loop().time()


async def ask(model: BalancedModel, times: int = 1) -> list[str]:
    """Ask one after the other; what is raised counts as its class's name."""
    said: list[str] = []
    for _ in range(times):
        try:
            said.append((await model.complete(REQUEST)).text)
        except ModelError as error:
            said.append(type(error).__name__)
    return said


def busy(model: BalancedModel) -> list[int]:
    return [replica.busy for replica in model._replicas]  # pyright: ignore[reportPrivateUsage] (no way to see it from outside)


def test_each_call_goes_where_the_fewest_are_under_way() -> None:
    async def main() -> None:
        a, b, c = Server("a", 10), Server("b", 1), Server("c", 1)
        model = BalancedModel("m", [a, b, c])
        await asyncio.gather(*(model.complete(REQUEST) for _ in range(6)))
        assert [len(server.asked) for server in (a, b, c)] == [2, 2, 2]
        slow = asyncio.gather(*(model.complete(REQUEST) for _ in range(3)))
        await asyncio.sleep(2)
        assert await ask(model, 4) == ["b"] * 4  # One is still under way at a.
        await slow
        assert busy(model) == [0, 0, 0]

    virtually(main)


@pytest.mark.parametrize("error", [TransportError("500"), RateLimitError("429")])
def test_three_failures_drain_a_server_and_one_call_tries_it_again(error: ModelError) -> None:
    async def main() -> None:
        bad, good = Server("bad", error=error), Server("good", 0.01)
        model = BalancedModel("m", [bad, good])
        assert await ask(model, 3) == [type(error).__name__] * 3
        assert await ask(model, 20) == ["good"] * 20
        await asyncio.sleep(1)
        probes = await asyncio.gather(*(ask(model) for _ in range(8)))
        assert [said for (said,) in probes].count("good") == 7
        await asyncio.sleep(1)
        assert await ask(model, 5) == ["good"] * 5  # Two seconds this time.
        bad.error = None
        await asyncio.sleep(1)
        assert await ask(model) == ["bad"]
        said = await asyncio.gather(*(ask(model) for _ in range(8)))
        assert said.count(["bad"]) == 4  # Back in full.

    virtually(main)


def test_one_that_nobody_listens_at_is_drained_at_once_and_costs_no_attempt() -> None:
    async def main() -> None:
        gone, here = Server("gone", error=UnreachableError("refused")), Server("here")
        model = BalancedModel("m", [gone, here])
        assert await ask(model, 5) == ["here"] * 5
        assert gone.asked == pytest.approx([0, 1.01, 3.02 + 0.01], abs=0.02)

    virtually(main)


def test_many_calls_that_fail_at_once_drain_a_server_once() -> None:
    async def main() -> None:
        a, b = Server("a", error=TransportError("cut")), Server("b", 0.01)
        model = BalancedModel("m", [a, b])
        await asyncio.gather(*(ask(model) for _ in range(32)))
        a.error = None
        await asyncio.sleep(1.1)
        assert await ask(model) == ["a"]

    virtually(main)


def test_a_success_between_makes_failures_no_row() -> None:
    async def main() -> None:
        a, b = Server("a", 0.01), Server("b", 0.01)
        model = BalancedModel("m", [a, b])
        for _ in range(5):
            a.error = TransportError("500")
            assert await ask(model, 2) == ["TransportError"] * 2
            a.error = None
            assert await ask(model) == ["a"]

    virtually(main)


def test_when_all_are_down_the_last_error_is_raised_and_all_come_back() -> None:
    async def main() -> None:
        servers = [Server(name, error=UnreachableError(f"no {name}")) for name in "abc"]
        model = BalancedModel("m", servers)
        with pytest.raises(UnreachableError, match="no c"):
            await model.complete(REQUEST)
        assert [len(server.asked) for server in servers] == [1, 1, 1]
        for server in servers:
            server.error = None
        assert len(set(await ask(model, 1))) == 1  # Asked although it rests: there is no other.
        await asyncio.sleep(1)
        assert len(await ask(model, 3)) == 3

    virtually(main)


def test_a_request_that_is_refused_for_good_says_nothing_about_the_server() -> None:
    async def main() -> None:
        model = BalancedModel(
            "m", [a := Server("a", error=ContextLengthError("long")), Server("b")]
        )
        assert await ask(model, 5) == ["ContextLengthError"] * 5
        a.error = None
        assert await ask(model) == ["a"]

    virtually(main)


def test_a_cancelled_call_is_under_way_no_more() -> None:
    async def main() -> None:
        bad, other = Server("bad", error=UnreachableError("!")), Server("b", 100)
        model = BalancedModel("m", [bad, other])
        work = [asyncio.create_task(model.complete(REQUEST)) for _ in range(3)]
        await asyncio.sleep(1.5)
        bad.error, bad.seconds = None, 100
        work.append(asyncio.create_task(model.complete(REQUEST)))  # The probe.
        await asyncio.sleep(1)
        assert busy(model) == [1, 3]
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        assert busy(model) == [0, 0]
        bad.seconds = 0.01
        assert await ask(model, 2) == ["bad", "bad"]  # A new probe, and back.
        await model.aclose()
        assert bad.closed
        assert other.closed

    virtually(main)


# --- by name --------------------------------------------------------------------------------


def test_the_name_says_all_servers_and_hides_what_is_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APO_API_KEY", "sk-secret")
    model = open_model("http://127.0.0.1:1/v1,http://u:pass@127.0.0.1:2/v1#m")
    assert model.name == "http://127.0.0.1:1/v1,http://127.0.0.1:2/v1#m"
    assert "secret" not in repr(vars(model))
    assert "pass" not in repr(vars(model))


def test_servers_on_this_machine_are_free() -> None:
    assert find_price("http://127.0.0.1:1/v1,http://localhost:2/v1#m") == FREE


def test_a_list_needs_its_model() -> None:
    with pytest.raises(SettingsError):
        open_model("http://a/v1,http://b/v1")


@pytest.mark.parametrize("transport", ["aiohttp", "openai"])
def test_both_servers_are_asked_each_with_the_key(
    transport: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with (
            ChatServer(Embedded(), key="sk-test", latency=0.01) as a,
            ChatServer(Embedded(), key="sk-test", latency=0.01) as b,
        ):
            monkeypatch.setenv("APO_API_KEY", "sk-test")
            model = open_model(f"{a.base_url},{b.base_url}#embedded", transport=transport)
            await asyncio.gather(*(model.complete(REQUEST) for _ in range(6)))
            await model.aclose()
            assert (a.answered, b.answered) == (3, 3)

    asyncio.run(main())
