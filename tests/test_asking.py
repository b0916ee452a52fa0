"""Attempts until there is an answer: early retries, providers' limits, second asks, fallbacks."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, BudgetExhausted, ModelUnavailable, Options, Price, Usage, aoptimize
from apo.calls.adaptive import ROUND
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.costs import Cost
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.retry import Retry
from apo.calls.traffic import Traffic, traffic_to
from apo.errors import (
    AuthenticationError,
    ContentFilterError,
    LoadingError,
    ModelError,
    QuotaError,
    RateLimitError,
    TransportError,
)
from apo.model import Completion, Message, Model, Request
from apo.storage.journal import Journal
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from tests.virtual_time import run_virtually

DOLLAR = Price(1_000_000.0, 1_000_000.0)
"""A dollar for each token."""
USED = Usage(input_tokens=9, output_tokens=1)
BOUND = 9 + 10
"""Tokens of a call at most: one byte, eight for the chat's markup, ten of output."""


def virtually(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtually(work())


def clock() -> float:
    return asyncio.get_running_loop().time()


async def turns(n: int = 20) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


# --- a provider that refuses ----------------------------------------------------------------


Step = float | ModelError | str


class Provider:
    """Answers within a second; refuses by chance, beyond calls at once, or beyond a rate.

    Args:
        share: of attempts that it refuses by chance.
        at_once: calls that it serves at once.
        a_second: calls that it takes in a second.
        retry_after: seconds that a refusal asks to wait.
    """

    name = "provider"

    def __init__(
        self,
        *,
        share: float = 0.0,
        at_once: int | None = None,
        a_second: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.share, self.at_once, self.a_second = share, at_once, a_second
        self.retry_after = retry_after
        self.refused = self.busy = 0
        self.sent: list[float] = []
        self._taken: deque[float] = deque()
        self._rng = random.Random(0)

    async def complete(self, request: Request) -> Completion:
        self.sent.append(clock())
        if self._refuses():
            self.refused += 1
            await asyncio.sleep(0.02)
            raise RateLimitError("slow down", self.retry_after)
        self._taken.append(clock())
        self.busy += 1
        try:
            await asyncio.sleep(1)
        finally:
            self.busy -= 1
        return Completion(text="x", usage=USED)

    def _refuses(self) -> bool:
        while self._taken and self._taken[0] <= clock() - 1:
            self._taken.popleft()
        return (
            self._rng.random() < self.share
            or (self.at_once is not None and self.busy >= self.at_once)
            or (self.a_second is not None and len(self._taken) >= self.a_second)
        )

    async def aclose(self) -> None:
        pass


async def crowd(provider: Provider, calls: int) -> tuple[float, Traffic]:
    """Make so many calls, 64 at once at most; seconds that it took."""
    limits = Limits(max_concurrency=64)
    with Journal() as journal:
        caller = Caller(journal, Meter(Budget()), limits=limits)
        work = [to(provider, str(i)) for i in range(calls)]
        caller.charge(work)
        await asyncio.gather(*map(caller.answer, work))  # Raises when one fails for good.
        assert caller.busy == 0
        assert caller.meter.spent.calls == calls
        assert caller.meter.spent.retries == provider.refused
    traffic = traffic_to(provider.name, limits)
    assert traffic.busy == 0
    return clock(), traffic


def to(
    model: Model, text: str, *, price: Price | None = None, fallback: Endpoint | None = None
) -> Call:
    endpoint = Endpoint("task", model, price, max_output=10, fallback=fallback)
    return Call.to(endpoint, Request(messages=(Message("user", text),)))


@pytest.mark.parametrize("retry_after", [None, 1, 10])
def test_chance_refusals_lower_no_limit_and_nobody_sits_them_out(retry_after: int | None) -> None:
    async def main() -> None:
        random.seed(0)
        provider = Provider(share=0.1, retry_after=retry_after)
        took, traffic = await crowd(provider, 1000)
        assert traffic.limit == 64
        assert took < 1000 / 64 * (1.6 if retry_after != 10 else 3)  # Some are refused thrice.

    virtually(main)


@pytest.mark.parametrize("retry_after", [None, 1])
def test_more_chance_refusals_are_not_taken_for_a_limit(retry_after: int | None) -> None:
    async def main() -> None:
        random.seed(0)
        provider = Provider(share=0.3, retry_after=retry_after)
        took, _ = await crowd(provider, 1000)
        assert took < 8 * 1000 / 64

    virtually(main)


@pytest.mark.parametrize("at_once", [8, 30])
@pytest.mark.parametrize("retry_after", [None, 1])
def test_a_limit_on_calls_at_once_is_found(at_once: int, retry_after: int | None) -> None:
    async def main() -> None:
        random.seed(0)
        provider = Provider(at_once=at_once, retry_after=retry_after)
        took, traffic = await crowd(provider, 600)
        assert at_once * 0.5 <= traffic.limit <= at_once * 1.5 + 1
        assert took < 1.5 * 600 / at_once
        assert provider.refused < 2 * 600

    virtually(main)


@pytest.mark.parametrize("retry_after", [None, 1])
def test_a_limit_on_calls_a_second_is_found(retry_after: int | None) -> None:
    async def main() -> None:
        random.seed(0)
        provider = Provider(a_second=10, retry_after=retry_after)
        took, traffic = await crowd(provider, 600)
        assert 5 <= traffic.limit <= 15
        assert took < 1.5 * 600 / 10
        assert provider.refused < 600

    virtually(main)


def test_a_stated_rate_is_never_exceeded_and_nothing_is_refused() -> None:
    async def main() -> None:
        provider = Provider(a_second=10)
        limits = Limits(max_concurrency=64, requests_per_minute=540)
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget()), limits=limits)
            work = [to(provider, str(i)) for i in range(100)]
            caller.charge(work)
            await asyncio.gather(*map(caller.answer, work))
        sent = provider.sent
        for i, first in enumerate(sent):
            assert sum(at < first + 60 for at in sent[i:]) <= 540 + 9
        assert provider.refused <= 9  # The first burst, at most.

    virtually(main)


# --- time on the wire -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scripts", "places", "times"),
    [
        ([[1.0, "x"]] * 3, 1, [(1, 0), (1, 1), (1, 2)]),
        ([[1.0, "x"]] * 3, 2, [(1, 0), (1, 0), (1, 1)]),
        ([[2.0, RateLimitError("!", 5)], [1.0, "x"]], 4, [(1, 7)]),
        ([[2.0, ContentFilterError("!")]], 4, [(2, 0)]),
    ],
    ids=["one place", "two places", "a refusal before", "refused for good"],
)
def test_the_time_in_the_queue_is_told_apart(
    scripts: Sequence[Sequence[Step]], places: int, times: list[tuple[float, float]]
) -> None:
    async def main() -> None:
        model = Scripted(*scripts)
        retry = Retry(first_wait=0)
        with Journal() as journal:
            limits = Limits(max_concurrency=places)
            caller = Caller(journal, Meter(Budget()), limits=limits, retry=retry)
            work = [to(model, str(i)) for i in range(len(times))]
            caller.charge(work)
            await asyncio.gather(*map(caller.answer, work), return_exceptions=True)
            entries = [journal.find(call.key) for call in work]
            assert [(e.seconds, e.waited) for e in entries if e] == times

    virtually(main)


class Loaded:
    """A model that has to be loaded first, and works on two calls at once."""

    name, slots = "loaded", 2
    open = False

    async def ready(self) -> None:
        if not self.open:
            await asyncio.sleep(60)
        self.open = True

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(1)
        return Completion(text="x", usage=USED)

    async def aclose(self) -> None:
        pass


def test_loading_is_no_call_and_slots_are_waited_for_here() -> None:
    async def main() -> None:
        model = Loaded()
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget()), limits=Limits(max_concurrency=16))
            work = [to(model, str(i)) for i in range(5)]
            caller.charge(work)
            await asyncio.gather(*map(caller.answer, work))
            entries = [journal.find(call.key) for call in work]
            times = [(60, 1), (60, 1), (61, 1), (61, 1), (62, 1)]
            assert [(e.waited, e.seconds) for e in entries if e] == times

    virtually(main)


# --- scripted -------------------------------------------------------------------------------


class Scripted:
    """Each attempt follows the next script: waits so many seconds, then answers or raises."""

    def __init__(self, *scripts: Sequence[Step], name: str = "scripted") -> None:
        self.scripts, self.name = list(scripts), name
        self.asked, self.cancelled = 0, 0

    async def complete(self, request: Request) -> Completion:
        script = self.scripts[min(self.asked, len(self.scripts) - 1)]
        self.asked += 1
        try:
            for step in script:
                if isinstance(step, ModelError):
                    raise step
                if isinstance(step, str):
                    return Completion(text=step, usage=USED)
                await asyncio.sleep(step)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        raise AssertionError("The script ends without an answer.")

    async def aclose(self) -> None:
        pass


@contextmanager
def hedging(
    model: Model, budget: Budget | None = None, *, places: int = 4
) -> Generator[tuple[Caller, Traffic]]:
    """A caller that hedges; answers usually take a second, so three is late."""
    limits = Limits(max_concurrency=places, hedge=True)
    traffic = traffic_to(model.name, limits)
    for _ in range(ROUND):
        traffic.served("task", 1, 1.0, Completion(text="x"))
    with Journal() as journal:
        caller = Caller(journal, Meter(budget or Budget(max_usd=1000)), limits=limits)
        yield caller, traffic
        assert traffic.busy == caller.busy == 0
        spent = caller.meter.spent
        left = caller.meter.limit("max_usd") - (spent.usd or 0) - spent.lost_usd
        assert caller.meter.try_reserve(Cost(0, 0, left))  # No reservation is left.


async def ask(caller: Caller, call: Call) -> str:
    caller.charge([call])
    return (await caller.answer(call)).text


@pytest.mark.parametrize(("loads", "served"), [(300, True), (2000, False)])
def test_a_server_that_loads_its_model_is_waited_for(loads: float, served: bool) -> None:
    class Loads(Scripted):
        async def complete(self, request: Request) -> Completion:
            self.asked += 1
            if clock() < loads:
                raise LoadingError("503: Loading model")
            return Completion(text="x", usage=USED)

    async def main() -> None:
        model = Loads()
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget()))
            call = to(model, "a")
            caller.charge([call])
            if served:
                assert (await caller.answer(call)).text == "x"
                assert loads <= clock() <= loads + 8
            else:
                with pytest.raises(ModelUnavailable, match="Loading model"):
                    await caller.answer(call)
                assert 600 <= clock() < 700

    virtually(main)


def test_an_answer_in_time_is_not_asked_for_again() -> None:
    async def main() -> None:
        model = Scripted([2.9, "first"])
        with hedging(model) as (caller, _):
            assert await ask(caller, to(model, "a", price=DOLLAR)) == "first"
            assert model.asked == 1
            assert caller.meter.spent.lost_tokens == 0

    virtually(main)


@pytest.mark.parametrize(
    ("scripts", "answer", "seconds"),
    [
        (([5.0, "first"], [9.0, "second"]), "first", 5),
        (([9.0, "first"], [1.0, "second"]), "second", 4),
        (([5.0, "first"], [2.0, "second"]), "first", 5),
        (([4.0, RateLimitError("!")], [3.0, "second"]), "second", 6),
        (([9.0, "first"], [1.0, RateLimitError("!")]), "first", 9),
        (([4.0, "first"], [1.0, RateLimitError("!")]), "first", 4),
        (([4.0, RateLimitError("!")], [1.0, "second"]), "second", 4),
    ],
    ids=["first", "second", "both at once", "first fails", "second fails", "one of both", "other"],
)
def test_the_first_answer_counts(
    scripts: tuple[Sequence[Step], ...], answer: str, seconds: float
) -> None:
    async def main() -> None:
        model = Scripted(*scripts)
        with hedging(model) as (caller, _):
            call = to(model, "a", price=DOLLAR)
            assert await ask(caller, call) == answer
            assert clock() == pytest.approx(seconds)
            assert model.asked == 2
            entry = caller.journal.find(call.key)
            assert entry is not None
            assert (entry.reply, entry.retries) == (answer, 0)
            waited = 3 if answer == "second" else 0
            assert entry.seconds == pytest.approx(seconds - waited)
            assert entry.waited == waited
            spent = caller.meter.spent
            assert (spent.calls, spent.tokens, spent.lost_tokens) == (1, 10, BOUND)
            assert caller.journal.lost() == (BOUND, BOUND)

    virtually(main)


def test_when_both_fail_it_is_tried_again() -> None:
    async def main() -> None:
        cut = TransportError("cut", billed=True)
        model = Scripted([4.0, cut], [2.0, cut], [1.0, "third"])
        with hedging(model) as (caller, _):
            assert await ask(caller, to(model, "a", price=DOLLAR)) == "third"
            assert model.asked == 3
            assert caller.meter.spent.retries == 1
            assert caller.meter.spent.lost_tokens == 2 * BOUND

    virtually(main)


@pytest.mark.parametrize("after", [1.0, 3.0, 4.0])
def test_a_cancellation_leaves_nothing_behind(after: float) -> None:
    """`run_virtually` fails when a task is left."""

    async def main() -> None:
        model = Scripted([100.0, "first"], [100.0, "second"])
        with hedging(model) as (caller, _):
            call = to(model, "a", price=DOLLAR)
            work = asyncio.create_task(ask(caller, call))
            await asyncio.sleep(after)
            await turns()
            await caller.abandon()
            await asyncio.gather(work, return_exceptions=True)
            assert model.cancelled == model.asked == (1 if after < 3 else 2)
            assert caller.journal.find(call.key) is None
            assert caller.meter.spent.lost_tokens in (0, BOUND)

    virtually(main)


def test_a_cancelled_wait_for_the_next_attempt_leaves_nothing_behind() -> None:
    async def main() -> None:
        model = Scripted([RateLimitError("!", 50)])
        with hedging(model) as (caller, _):
            work = asyncio.create_task(ask(caller, to(model, "a", price=DOLLAR)))
            await asyncio.sleep(1)
            await caller.abandon()
            await asyncio.gather(work, return_exceptions=True)

    virtually(main)


def test_no_second_ask_without_room_in_the_budget() -> None:
    async def main() -> None:
        model = Scripted([9.0, "first"])
        with hedging(model, Budget(max_usd=BOUND + 1)) as (caller, _):
            assert await ask(caller, to(model, "a", price=DOLLAR)) == "first"
            assert model.asked == 1

    virtually(main)


def test_no_second_ask_without_a_free_place() -> None:
    async def main() -> None:
        model = Scripted([9.0, "first"])
        with hedging(model, places=1) as (caller, _):
            assert await ask(caller, to(model, "a", price=DOLLAR)) == "first"
            assert model.asked == 1

    virtually(main)


# --- fallback -------------------------------------------------------------------------------


def with_fallback(first: Model, second: Model) -> Call:
    other = Endpoint("optimizer", second, Price(2_000_000.0, 2_000_000.0), max_output=10)
    endpoint = Endpoint("optimizer", first, DOLLAR, max_output=10, fallback=other)
    return Call.to(endpoint, Request(messages=(Message("user", "a"),)))


@pytest.mark.parametrize(
    "error", [RateLimitError("!"), AuthenticationError("no key"), QuotaError("no credit")]
)
def test_the_fallback_answers_for_the_optimizer_model(error: ModelError, tmp_path: Path) -> None:
    async def session(first: Scripted, second: Scripted) -> tuple[Caller, str]:
        with Journal(tmp_path / "journal.db") as journal:
            meter = Meter(Budget(max_usd=1000))
            caller = Caller(journal, meter, retry=Retry(max_attempts=3))
            text = await ask(caller, with_fallback(first, second))
            return caller, text

    down, up = Scripted([error], name="down"), Scripted(["from the fallback"], name="up")
    caller, text = run_virtually(session(down, up))
    assert text == "from the fallback"
    assert down.asked == (3 if isinstance(error, RateLimitError) else 1)
    assert caller.meter.spent.usd == 2 * 10  # Priced as the fallback is.

    again = Scripted(["never"], name="down"), Scripted(["never"], name="up")
    later, text = run_virtually(session(*again))
    assert text == "from the fallback"
    assert [model.asked for model in again] == [0, 0]
    assert later.meter.spent.usd == caller.meter.spent.usd
    assert later.meter.spent.calls == 1


def test_when_the_fallback_fails_as_well_the_run_stops() -> None:
    async def main() -> None:
        down = Scripted([RateLimitError("!")], name="down")
        also = Scripted([RateLimitError("!")], name="also")
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget()), retry=Retry(max_attempts=2))
            with pytest.raises(ModelUnavailable, match="also gave no answer in 2 attempts"):
                await ask(caller, with_fallback(down, also))
            assert (down.asked, also.asked) == (2, 2)
            assert caller.meter.charged == 0

    virtually(main)


def test_the_fallbacks_price_bounds_what_it_may_spend() -> None:
    async def main() -> None:
        down, up = Scripted([QuotaError("empty")], name="down"), Scripted(["x"], name="up")
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget(max_usd=2 * BOUND - 1)))
            with pytest.raises(BudgetExhausted):
                await ask(caller, with_fallback(down, up))
            assert (down.asked, up.asked) == (1, 0)

    virtually(main)


def test_a_run_keeps_its_fallback_to_the_optimizer_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = FakeOptimizerModel(failures=(QuotaError("empty"),) * 10_000)
    up, task = FakeOptimizerModel(name="up"), FakeModel()

    def opened(name: str, **_: Any) -> Model:
        assert name == "up"
        return up

    monkeypatch.setattr("apo.evaluation.endpoints.open_model", opened)

    def run(task_model: FakeModel) -> Any:
        return run_virtually(
            aoptimize(
                fake_task(),
                "random-search",
                model=task_model,
                optimizer_model=down,
                budget=Budget(max_calls=300),
                options=Options(track=False, fallback_model="up"),
                home=tmp_path,
            )
        )

    result = run(task)
    assert up.requests
    assert not down.requests
    assert result.best is not None
    with pytest.raises(QuotaError):
        run(FakeModel(failures=(QuotaError("empty"),) * 10_000))
