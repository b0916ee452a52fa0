"""Turns to a model: places that never get lost, rates that hold, a limit that finds its level."""

import asyncio
import gc
import random
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.calls.adaptive import ROUND, Concurrency
from apo.calls.headers import TRIED_AGAIN
from apo.calls.limits import Limits
from apo.calls.traffic import RECENT, Traffic, traffic_to
from apo.model import Allowance, Completion, Message, Request
from apo.usage import Usage
from tests.virtual_time import run_virtually

ANSWER = Completion(text="x")


def virtually(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtually(work())


def clock() -> float:
    return asyncio.get_running_loop().time()


def said(remaining: float, reset: float, limit: float = 100) -> Completion:
    return Completion(text="x", allowances=(Allowance("requests", limit, remaining, reset),))


async def turns(n: int = 5) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


# --- places ---------------------------------------------------------------------------------


def test_turns_are_given_in_the_order_of_asking() -> None:
    async def main() -> None:
        traffic, order = Traffic(Limits(max_concurrency=2)), list[int]()

        async def call(i: int) -> None:
            await traffic.enter(1)
            order.append(i)
            await asyncio.sleep(1)
            traffic.leave()

        await asyncio.gather(*(call(i) for i in range(7)))
        assert order == list(range(7))
        assert traffic.busy == 0
        assert clock() == 4

    virtually(main)


@given(
    plan=st.lists(
        st.tuples(st.floats(0, 5), st.floats(0, 3), st.integers(1, 200)), min_size=1, max_size=30
    ),
    places=st.integers(1, 4),
)
def test_whoever_is_cancelled_whenever_no_place_is_lost(
    plan: list[tuple[float, float, int]], places: int
) -> None:
    async def main() -> None:
        limits = Limits(max_concurrency=places, requests_per_minute=120, tokens_per_minute=6000)
        traffic, most = Traffic(limits), list[int]()

        async def call(tokens: int) -> None:
            await traffic.enter(tokens)
            most.append(traffic.busy)
            try:
                await asyncio.sleep(1)
            finally:
                traffic.leave()

        async def impatient(start: float, patience: float, tokens: int) -> None:
            await asyncio.sleep(start)
            work = asyncio.create_task(call(tokens))
            await asyncio.sleep(patience)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

        await asyncio.gather(*(impatient(*each) for each in plan))
        assert traffic.busy == 0
        assert max(most, default=0) <= places
        await asyncio.sleep(300)
        assert traffic.try_enter(1)  # Nobody is taken to wait who has gone.

    virtually(main)


def test_a_turn_that_comes_with_a_cancellation_is_given_back() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(max_concurrency=1))
        await traffic.enter(1)
        late = asyncio.create_task(traffic.enter(1))
        await turns()
        traffic.leave()  # Its turn is set, and before it runs it is cancelled.
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        assert late.cancelled()
        assert traffic.busy == 0

    virtually(main)


def test_a_call_that_others_wait_for_goes_before_those_that_wait_already() -> None:
    async def main() -> None:
        traffic, gone = Traffic(Limits(max_concurrency=1)), list[str]()

        async def go(name: str, *, ahead: bool) -> None:
            await traffic.enter(1, ahead=ahead)
            gone.append(name)
            await asyncio.sleep(1)
            traffic.leave()

        names = {"first": False, "second": False, "third": False, "ahead": True, "too": True}
        await asyncio.gather(*(go(name, ahead=ahead) for name, ahead in names.items()))
        assert gone == ["first", "ahead", "too", "second", "third"]

    virtually(main)


def test_who_stood_behind_a_large_call_goes_when_that_is_cancelled() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(tokens_per_minute=600))
        await traffic.enter(1000)  # 99 s overdrawn.
        large = asyncio.create_task(traffic.enter(10))
        small = asyncio.create_task(traffic.enter(1))
        await turns()
        large.cancel()
        await small
        assert clock() == pytest.approx(99.1)

    virtually(main)


def test_try_enter_takes_only_what_nobody_waits_for() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(max_concurrency=1))
        assert traffic.try_enter(1)
        assert not traffic.try_enter(1)
        waits = asyncio.create_task(traffic.enter(1))
        await turns()
        traffic.leave()
        assert not traffic.try_enter(1)
        await waits
        traffic.leave()
        assert traffic.try_enter(1)

    virtually(main)


# --- rates ----------------------------------------------------------------------------------


def test_stated_requests_a_minute_hold_in_every_window() -> None:
    async def main() -> None:
        traffic, sent = Traffic(Limits(requests_per_minute=120)), list[float]()
        for _ in range(100):
            await traffic.enter(1)
            sent.append(clock())
            traffic.leave()
        for i, first in enumerate(sent):
            assert sum(first <= at < first + 10 for at in sent[i:]) <= 2 * 10 + 2
        assert sent[-1] == pytest.approx(49, abs=0.1)  # And no slower than that.

    virtually(main)


def test_tokens_are_settled_at_what_the_answer_took() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(tokens_per_minute=6000))
        await traffic.enter(100)
        usage = Usage(input_tokens=20, output_tokens=30)
        traffic.served("task", 100, 1.0, Completion(text="x", usage=usage))
        traffic.leave()
        await traffic.enter(50)
        assert clock() == 0  # The other half had not been taken.
        await traffic.enter(100)
        assert clock() == pytest.approx(1)

    virtually(main)


def test_the_size_of_answers_is_learned() -> None:
    async def main() -> None:
        traffic = Traffic()
        request = Request(messages=(Message("user", "x" * 400),))
        before = traffic.size(request)
        usage = Usage(input_tokens=100, output_tokens=4)
        for _ in range(300):
            traffic.served("task", before, 1.0, Completion(text="x", usage=usage))
        assert before > 300
        assert traffic.size(request) == pytest.approx(104, abs=3)

    virtually(main)


def test_another_run_does_not_start_the_minute_anew() -> None:
    async def main() -> None:
        limits = Limits(requests_per_minute=60)
        traffic = traffic_to("m", limits)
        await traffic.enter(1)
        traffic.leave()
        assert traffic_to("m", limits) is traffic
        await traffic.enter(1)
        assert clock() == pytest.approx(1)

    virtually(main)


def test_while_both_ask_the_higher_concurrency_holds() -> None:
    async def main() -> None:
        traffic = traffic_to("m", Limits(max_concurrency=8))
        await traffic.enter(1)
        assert traffic_to("m", Limits(max_concurrency=2)).limit == 8
        assert traffic_to("m", Limits(max_concurrency=9)).limit == 9
        traffic.leave()
        assert traffic_to("m", Limits(max_concurrency=2)).limit == 2

    virtually(main)


def test_traffic_goes_with_its_loop() -> None:
    async def main() -> weakref.ref[asyncio.AbstractEventLoop]:
        traffic = traffic_to("m", Limits(requests_per_minute=1))
        await traffic.enter(1)
        waits = asyncio.create_task(traffic.enter(1))
        await turns()
        waits.cancel()
        return weakref.ref(asyncio.get_running_loop())

    loop = run_virtually(main())
    gc.collect()
    assert loop() is None


# --- headers --------------------------------------------------------------------------------


def test_headers_hold_calls_back_until_something_is_left() -> None:
    async def main() -> None:
        traffic = Traffic()
        await asyncio.sleep(1000)
        await traffic.enter(1)
        traffic.served("task", 1, 0.1, said(remaining=0, reset=50))
        traffic.leave()
        await traffic.enter(1)
        assert clock() == pytest.approx(1000.5)

    virtually(main)


def test_news_of_a_better_rate_reaches_who_waits_already() -> None:
    async def main() -> None:
        traffic = Traffic()
        await traffic.enter(1)
        await traffic.enter(1)
        traffic.served("task", 1, 0.1, said(remaining=0, reset=50, limit=1))  # One in 50 s.
        waits = asyncio.create_task(traffic.enter(1))
        await asyncio.sleep(1)
        traffic.served("task", 1, 0.1, said(remaining=0, reset=50))  # Two a second.
        traffic.leave()
        await waits
        assert clock() < 2

    virtually(main)


def test_a_limit_that_stops_nothing_is_not_believed_any_more() -> None:
    async def main() -> None:
        traffic, nothing_left = Traffic(), said(remaining=0, reset=86400)
        assert not await traffic.enter(1)
        assert not traffic.served("task", 1, 0.1, nothing_left)
        against = await traffic.enter(1)  # One goes to try it out.
        assert against == {"requests"}
        waits = asyncio.create_task(traffic.enter(1))
        await asyncio.sleep(1)
        assert traffic.whole_in() == ("requests", 86399)
        assert traffic.served("task", 1, 0.1, nothing_left, against) == {"requests"}
        traffic.leave()
        assert not await waits
        assert not traffic.served("task", 1, 0.1, nothing_left)
        for _ in range(50):
            assert not await traffic.enter(1)
            traffic.leave()
        assert clock() == 1
        assert traffic.whole_in() == ("", 0)

    virtually(main)


def test_a_limit_that_is_meant_is_tried_out_once_a_minute() -> None:
    async def main() -> None:
        traffic = Traffic()
        await traffic.enter(1)
        traffic.served("task", 1, 0.1, said(remaining=0, reset=86400))
        for i in range(5):
            assert await traffic.enter(1) == {"requests"}
            assert clock() == pytest.approx(TRIED_AGAIN * i)
            traffic.refused(0, 0.1)
            traffic.leave()

    virtually(main)


def test_what_is_left_soon_is_not_tried_out_with_what_is_not() -> None:
    async def main() -> None:
        traffic = Traffic()
        await traffic.enter(1)
        tokens = Allowance("tokens", 100, 0, 50)
        requests = Allowance("requests", 100, 0, 86400)
        found = Completion(text="x", allowances=(tokens, requests))
        traffic.served("task", 1, 0.1, found)
        assert await traffic.enter(10) == {"requests"}
        assert clock() == pytest.approx(5)  # Ten tokens of a hundred in 50 s.

    virtually(main)


# --- the limit ------------------------------------------------------------------------------


async def meet(traffic: Traffic, served: int, refused: int, retry_after: float = 0.0) -> None:
    """One after the other, a hundredth of a second each when refused and a second when served."""
    outcomes = [True] * served + [False] * refused
    random.Random(0).shuffle(outcomes)
    for answered in outcomes:
        await traffic.enter(1)
        took = 1.0 if answered else 0.01
        await asyncio.sleep(took)
        if answered:
            traffic.served("task", 1, took, ANSWER)
        else:
            traffic.refused(retry_after, took)
        traffic.leave()


def test_few_refusals_leave_the_limit_and_hold_back_the_refused_one_alone() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(max_concurrency=64))
        await meet(traffic, served=180, refused=20, retry_after=100)
        assert traffic.limit == 64
        assert not traffic.troubled
        assert clock() < 200

    virtually(main)


def test_while_many_are_refused_a_retry_after_holds_all_back() -> None:
    async def main() -> None:
        at_once = Concurrency(16)
        traffic = Traffic(at_once=at_once)
        for _ in range(ROUND):
            traffic.refused(30, 0.0)
        assert traffic.troubled
        waits = asyncio.gather(*(traffic.enter(1) for _ in range(3)))
        await turns()
        traffic.refused(10, 0.0)  # Shorter than what holds already.
        await asyncio.sleep(29)
        assert not waits.done()
        at_once.limit = 16.0  # It has fallen to one.
        await waits
        assert clock() == 30

    virtually(main)


def test_a_limit_that_fell_to_one_recovers() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(max_concurrency=16))
        for _ in range(20 * ROUND):
            traffic.refused(0, 0.0)
        assert traffic.limit == 1
        await meet(traffic, served=40 * ROUND, refused=0)
        assert traffic.limit == 16
        assert not traffic.troubled

    virtually(main)


def test_answers_that_take_ever_longer_lower_the_limit() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(max_concurrency=64))
        for _ in range(256):
            traffic.served("task", 1, 1.0, ANSWER)
        assert traffic.limit == 64
        for _ in range(128):
            traffic.served("task", 1, 10.0, ANSWER)
        assert traffic.limit < 60

    virtually(main)


@pytest.mark.parametrize("first", [0.0, 0.01, 1.0, 50.0])
def test_one_odd_first_answer_lowers_nothing(first: float) -> None:
    async def main() -> None:
        traffic, rng = Traffic(Limits(max_concurrency=16)), random.Random(0)
        traffic.served("task", 1, first, ANSWER)
        for _ in range(200):
            traffic.served("task", 1, rng.uniform(0.2, 3.0), ANSWER)
            assert traffic.limit == 16

    virtually(main)


def test_roles_have_their_own_usual_time() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(max_concurrency=16))
        for _ in range(200):
            traffic.served("task", 1, 0.1, ANSWER)
            traffic.served("optimizer", 1, 20.0, ANSWER)
        assert traffic.limit == 16
        assert traffic.straggles_after("task") == pytest.approx(0.3)
        assert traffic.straggles_after("optimizer") == pytest.approx(60)

    virtually(main)


def test_nothing_straggles_before_the_usual_time_is_known() -> None:
    async def main() -> None:
        traffic = Traffic()
        for _ in range(ROUND):
            assert traffic.straggles_after("task") is None
            traffic.served("task", 1, 1.0, ANSWER)
        assert traffic.straggles_after("task") == 3

    virtually(main)


# --- signs of life --------------------------------------------------------------------------


def test_each_answer_wakes_one_who_was_refused() -> None:
    async def main() -> None:
        traffic = Traffic()
        with traffic.sign_of_life() as one, traffic.sign_of_life() as two:
            traffic.served("task", 1, 1.0, ANSWER)
            assert (one.done(), two.done()) == (True, False)
            traffic.served("task", 1, 1.0, ANSWER)
            assert two.done()
        traffic.served("task", 1, 1.0, ANSWER)  # Nobody is left to be woken.

    virtually(main)


def test_an_answer_of_just_now_wakes_one_who_is_refused_after_it() -> None:
    async def main() -> None:
        traffic = Traffic()
        traffic.served("task", 1, 1.0, ANSWER)
        await asyncio.sleep(RECENT)
        with traffic.sign_of_life() as one, traffic.sign_of_life() as two:
            assert (one.done(), two.done()) == (True, False)  # One answer, one sign.
        traffic.served("task", 1, 1.0, ANSWER)
        await asyncio.sleep(2 * RECENT)
        with traffic.sign_of_life() as late:
            assert not late.done()

    virtually(main)


def test_nobody_is_woken_while_many_are_refused() -> None:
    async def main() -> None:
        traffic = Traffic(Limits(max_concurrency=16))
        for _ in range(ROUND):
            traffic.refused(0, 0.0)
        with traffic.sign_of_life() as sign:
            traffic.served("task", 1, 1.0, ANSWER)
            assert not sign.done()

    virtually(main)
