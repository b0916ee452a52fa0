"""Waits are capped, final errors are final; the limit on calls at once gives way and recovers."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import ModelError
from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    MalformedReplyError,
    QuotaError,
    RateLimitError,
    TransportError,
)
from apo.retry import Retry, Slots

PURE = settings(deadline=None, derandomize=True)
RETRIED = [RateLimitError("x"), TransportError("x"), MalformedReplyError("x")]
FINAL = [
    AuthenticationError("x"),
    QuotaError("x"),
    BadRequestError("x"),
    ContextLengthError("x"),
    ContentFilterError("x"),
    ModelError("x"),
]


@pytest.mark.parametrize("error", RETRIED, ids=lambda e: type(e).__name__)
def test_passing_errors_are_retried_until_the_last_attempt(error: ModelError) -> None:
    retry = Retry(max_attempts=3)
    assert retry.wait(1, error) is not None
    assert retry.wait(2, error) is not None
    assert retry.wait(3, error) is None
    assert Retry(max_attempts=1).wait(1, error) is None


@pytest.mark.parametrize("error", FINAL, ids=lambda e: type(e).__name__)
def test_final_errors_are_not_retried(error: ModelError) -> None:
    assert Retry().wait(1, error) is None


@PURE
@given(st.integers(1, 10_000), st.floats(0, 100), st.floats(0, 100))
def test_no_wait_is_longer_than_the_cap_or_the_doubling(
    attempt: int, first: float, cap: float
) -> None:
    retry = Retry(max_attempts=10**6, first_wait=first, max_wait=cap)
    wait = retry.wait(attempt, TransportError("x"))
    assert wait is not None
    assert 0 <= wait <= cap
    if attempt < 60:
        assert wait <= first * 2 ** (attempt - 1)


@PURE
@given(st.floats(-10, 1e9) | st.just(float("inf")), st.booleans())
def test_retry_after_is_honoured_up_to_the_cap(asked: float, limited: bool) -> None:
    error: ModelError = (
        RateLimitError("x", asked) if limited else TransportError("x", retry_after=asked)
    )
    wait = Retry(first_wait=0.5, max_wait=60).wait(1, error)
    assert wait is not None
    assert min(60, max(asked, 0)) <= wait <= 60
    assert wait <= max(asked, 0) + 0.5


def test_waits_are_spread() -> None:
    waits = {Retry(first_wait=8).wait(1, TransportError("x")) for _ in range(20)}
    assert len(waits) > 10


# --- slots ----------------------------------------------------------------------------------


class Work:
    """Calls that take a slot and hold it until they are told to end."""

    def __init__(self, slots: Slots) -> None:
        self.slots, self.order = slots, list[int]()
        self.most = 0
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.ends: dict[int, asyncio.Event] = {}

    def start(self, *names: int) -> None:
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._one(name))

    async def _one(self, name: int) -> None:
        async with self.slots:
            self.order.append(name)
            self.most = max(self.most, self.slots.busy)
            await self.ends[name].wait()

    async def end(self, *names: int) -> None:
        for name in names:
            self.ends[name].set()
            await self.tasks[name]
        await turns()


async def turns(n: int = 10) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


def test_no_more_than_the_limit_in_the_order_of_asking() -> None:
    async def main() -> None:
        work = Work(Slots(2))
        work.start(*range(6))
        await turns()
        assert work.order == [0, 1]
        await work.end(1, 0)
        assert work.order == [0, 1, 2, 3]
        await work.end(2, 3, 4, 5)
        assert work.order == list(range(6))
        assert (work.most, work.slots.busy) == (2, 0)

    asyncio.run(main())


def test_one_halving_for_all_refusals_of_a_round() -> None:
    async def main() -> None:
        slots = Slots(16)
        work = Work(slots)
        work.start(*range(16))
        await turns()
        for name in range(16):  # All sixteen that are under way come back with a 429.
            await work.end(name)
            slots.slower()
        assert slots.limit == 8
        work.start(*range(20, 28))
        await turns()
        await work.end(20)
        slots.slower()
        assert slots.limit == 4
        await work.end(*range(21, 28))

    asyncio.run(main())


def test_a_server_that_only_refuses_brings_the_limit_to_one_and_not_below() -> None:
    slots = Slots(16)
    for _ in range(200):
        slots.slower()
    assert slots.limit == 1


def test_a_lower_limit_holds_for_the_next_calls() -> None:
    async def main() -> None:
        slots = Slots(4)
        work = Work(slots)
        work.start(*range(8))
        await turns()
        slots.slower()
        await work.end(0, 1)
        assert slots.busy == 2  # Two ended; no others took their place.
        await work.end(2)
        assert work.order == [0, 1, 2, 3, 4]
        await work.end(3, 4, 5, 6, 7)

    asyncio.run(main())


def test_a_round_of_answers_raises_the_limit_by_about_one_up_to_the_most() -> None:
    slots = Slots(8)
    slots.slower()
    assert slots.limit == 4
    for _ in range(4):
        slots.faster()
    assert 4.8 < slots.limit <= 5
    for _ in range(100):
        slots.faster()
    assert slots.limit == 8


def test_a_cancelled_wait_loses_no_slot() -> None:
    async def main() -> None:
        slots = Slots(1)
        work = Work(slots)
        work.start(0, 1, 2)
        await turns()
        work.tasks[1].cancel()  # While it waits.
        await turns()
        await work.end(0)
        assert work.order == [0, 2]
        work.tasks[2].cancel()  # While it works.
        await turns()
        assert slots.busy == 0
        work.start(5)
        await work.end(5)
        assert work.order[-1] == 5

    asyncio.run(main())


def test_a_slot_that_was_just_given_to_a_cancelled_call_is_free() -> None:
    async def main() -> None:
        slots = Slots(1)
        work = Work(slots)

        async def first() -> None:
            async with slots:
                work.start(1)
                await turns()
            work.tasks[1].cancel()  # It has the slot, and has not run since.

        await first()
        await turns()
        assert work.tasks[1].cancelled()
        assert (slots.busy, work.order) == (0, [])

    asyncio.run(main())


def test_a_failing_call_gives_its_slot_back() -> None:
    async def main() -> None:
        slots = Slots(1)

        async def fail() -> None:
            async with slots:
                raise TransportError("x")

        for _ in range(3):
            with pytest.raises(TransportError):
                await fail()
        assert slots.busy == 0

    asyncio.run(main())
