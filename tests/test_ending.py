"""A stop and the end of the time break off every wait of a run, whatever it waits for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from apo import Budget, BudgetExhausted, Completion, Decoding, Interrupted, Message, Price, Request
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.retry import Retry
from apo.errors import ModelError, RateLimitError
from apo.model import Allowance
from apo.storage.journal import Journal
from apo.usage import Usage
from tests.virtual_time import run_virtually

DAY = Allowance("requests", 100.0, 0.0, 82_800.0)
"""What the header `x-ratelimit-reset-requests: 23h` says."""


class Slow:
    """Answers after some seconds.

    Args:
        answer: what it answers, or what it fails with.
        seconds: how long it takes.
        then: what all calls but the first fail with; None for none.
    """

    name = "slow"

    def __init__(
        self,
        answer: Completion | ModelError,
        seconds: float = 1.5,
        then: ModelError | None = None,
    ) -> None:
        self.answer, self.seconds, self.then = answer, seconds, then
        self.asked = 0

    async def complete(self, request: Request) -> Completion:
        self.asked += 1
        answer = self.then if self.then and self.asked > 1 else self.answer
        await asyncio.sleep(self.seconds)
        if isinstance(answer, ModelError):
            raise answer
        return answer

    async def aclose(self) -> None:
        pass


def clock() -> float:
    return asyncio.get_running_loop().time()


USED = Usage(input_tokens=9, output_tokens=1)
REFUSED = RateLimitError("!", retry_after=60)
TOKENS = Budget(max_tokens=30)
WAITS: dict[str, tuple[Slow, Budget, dict[str, Any], float]] = {
    "a turn": (Slow(Completion("x"), 5), Budget(), {}, 5),
    "a header's day": (
        Slow(Completion("x", allowances=(DAY,)), then=RateLimitError("!")),
        Budget(),
        {},
        3,
    ),
    "a stated rate": (Slow(Completion("x")), Budget(), {"requests_per_minute": 0.1}, 1.5),
    "a reservation": (Slow(Completion("x", USED), 5), TOKENS, {"max_concurrency": 4}, 5),
    "another attempt": (Slow(REFUSED), Budget(), {}, 3),
    "a provider's batch": (Slow(Completion("x"), 80_000), Budget(), {}, 0),
}
"""By what a run waits for: model, budget, limits, and seconds until the calls have ended."""


def scene(wait: str, minutes: float | None) -> tuple[Caller, list[Call], Journal]:
    model, budget, limits, _ = WAITS[wait]
    model.asked = 0
    endpoint = Endpoint("task", model, Price(0, 0), 10, patient=wait == "a provider's batch")
    journal = Journal()
    given: dict[str, Any] = {"max_concurrency": 1, **limits}
    caller = Caller(
        journal,
        Meter(Budget(max_tokens=budget.max_tokens, max_minutes=minutes), clock=clock),
        limits=Limits(**given),
        retry=Retry(max_attempts=1000),
    )
    requests = [Request((Message("user", text),), Decoding()) for text in "abcdef"]
    return caller, [Call.to(endpoint, request) for request in requests], journal


def virtually(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtually(work())


@pytest.mark.parametrize("wait", WAITS)
def test_a_stop_ends_each_wait_within_the_calls_under_way(wait: str) -> None:
    async def main() -> None:
        caller, calls, journal = scene(wait, None)
        caller.charge(calls)
        work = [asyncio.create_task(caller.answer(call)) for call in calls]
        await asyncio.sleep(2)
        asked = WAITS[wait][0].asked
        caller.stop()
        found = await asyncio.gather(*work, return_exceptions=True)
        assert clock() <= max(2, WAITS[wait][3]) + 1e-9
        assert WAITS[wait][0].asked == asked < 1 + len(calls)
        answers = [each for each in found if isinstance(each, Completion)]
        others = [each for each in found if not isinstance(each, Completion)]
        assert {type(each) for each in others} == {Interrupted}
        assert caller.meter.spent.calls == caller.meter.charged == len(answers)
        journal.close()

    virtually(main)


@pytest.mark.parametrize("wait", WAITS)
def test_the_end_of_the_time_does_too(wait: str) -> None:
    async def main() -> None:
        caller, calls, journal = scene(wait, 0.05)
        caller.charge(calls)
        start = clock()
        work = [asyncio.create_task(caller.answer(call)) for call in calls]
        found = await asyncio.gather(*work, return_exceptions=True)
        assert clock() - start < 3 + max(1.5, WAITS[wait][3])
        others = [each for each in found if not isinstance(each, Completion)]
        assert {type(each) for each in others} == {BudgetExhausted}
        assert "The time is over" in str(others[-1])
        journal.close()

    virtually(main)


def test_a_call_is_not_begun_after_the_end_of_the_time() -> None:
    async def main() -> None:
        caller, calls, journal = scene("a turn", 0.2)  # 12 seconds; an answer takes 5.
        caller.charge(calls)
        work = [asyncio.create_task(caller.answer(call)) for call in calls]
        await asyncio.gather(*work, return_exceptions=True)
        assert (WAITS["a turn"][0].asked, clock()) == (3, 15)
        journal.close()

    virtually(main)


def test_a_time_out_of_the_model_itself_is_not_taken_for_the_end() -> None:
    class Broken(Slow):
        async def complete(self, request: Request) -> Completion:
            raise TimeoutError("its own")

    async def main() -> None:
        endpoint = Endpoint("task", Broken(Completion("x")), patient=True)
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget(max_minutes=1), clock=clock))
            call = Call.to(endpoint, Request((Message("user", "a"),), Decoding()))
            caller.charge([call])
            with pytest.raises(TimeoutError, match="its own"):
                await caller.answer(call)

    virtually(main)
