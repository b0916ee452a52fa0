"""The meter: nothing is ever overspent, and nothing is refused that could still be paid."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import Budget, BudgetExhausted, Message, Price, Request, SettingsError, Spent, Usage
from apo.calls.costs import Cost, actual, worst_case
from apo.calls.meter import Meter

PURE = settings(deadline=None, derandomize=True, max_examples=100)


def call(tokens: int, usd: float | None = None) -> Cost:
    return Cost(tokens, 0, usd)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# --- limits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max_calls", "max_tokens", "max_usd", "max_minutes"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_is_above_zero(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"{name} is .*greater than 0"):
        Budget(**{name: value})


def test_what_must_be_bounded() -> None:
    assert not Budget().meters_tokens
    assert not Budget(max_calls=1, max_minutes=1).meters_tokens
    assert Budget(max_tokens=1).meters_tokens
    assert Budget(max_usd=1).meters_tokens


# --- calls ----------------------------------------------------------------------------------


def test_calls_are_paid_by_the_batch_or_not_at_all() -> None:
    meter = Meter(Budget(max_calls=10))
    meter.charge(6)
    with pytest.raises(BudgetExhausted, match="5 more calls would overspend: 6 of 10 are spent"):
        meter.charge(5)
    meter.charge(4)
    meter.charge(0)
    with pytest.raises(BudgetExhausted):
        meter.charge(1)
    meter.refund(1)
    meter.charge(1)


@PURE
@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))))
def test_charged_calls_never_pass_the_limit(limit: int, steps: list[tuple[int, int]]) -> None:
    meter, charged = Meter(Budget(max_calls=limit)), 0
    for calls, back in steps:
        try:
            meter.charge(calls)
        except BudgetExhausted:
            assert charged + calls > limit
        else:
            charged += calls
        returned = min(back, charged)
        meter.refund(returned)
        charged -= returned
        assert charged <= limit


def test_what_is_held_back_for_each_purpose_adds_up() -> None:
    meter = Meter(Budget(max_calls=10, max_tokens=100))
    meter.hold_back("verdict", max_calls=4, max_tokens=50)
    meter.hold_back("finalist", max_calls=1)
    assert (meter.limit("max_calls"), meter.limit("max_tokens")) == (5, 50)
    assert meter.limit("max_usd") == float("inf")
    with pytest.raises(BudgetExhausted):
        meter.charge(6)
    meter.hold_back("verdict", max_calls=2)
    meter.charge(7)
    meter.hold_back("verdict")
    meter.hold_back("finalist")
    meter.charge(3)


# --- minutes --------------------------------------------------------------------------------


def test_minutes_of_all_sessions_count() -> None:
    clock = Clock()
    meter = Meter(Budget(max_minutes=2), earlier_seconds=60, clock=clock)
    clock.now += 59.9
    meter.charge(1)
    clock.now += 0.1
    assert meter.seconds == pytest.approx(120)
    with pytest.raises(BudgetExhausted, match=r"The time is over: 2\.0 minutes"):
        meter.charge(1)


def test_held_minutes_come_back() -> None:
    clock = Clock()
    meter = Meter(Budget(max_minutes=10), clock=clock)
    meter.hold_back("verdict", max_minutes=2)
    clock.now += 8 * 60
    with pytest.raises(BudgetExhausted):
        meter.charge(1)
    meter.hold_back("verdict")
    meter.charge(1)


def test_a_share_of_what_is_left_of_each_limit() -> None:
    meter = Meter(Budget(max_minutes=10, max_calls=8), earlier_seconds=120, clock=Clock())
    meter.charge(2)
    assert meter.remains(0.5) == pytest.approx({"max_minutes": 4, "max_calls": 3})


def test_answers_of_earlier_sessions_take_no_time() -> None:
    """Else a run whose time was over could never be resumed to its verdict."""
    meter = Meter(Budget(max_minutes=1, max_calls=5), earlier_seconds=61)
    meter.charge(3, kept=3)
    with pytest.raises(BudgetExhausted, match="time"):
        meter.charge(2, kept=1)
    with pytest.raises(BudgetExhausted, match="overspend"):
        meter.charge(3, kept=3)


# --- bounds and costs -----------------------------------------------------------------------


@PURE
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.integers(1, 5000))
def test_the_bound_covers_a_token_for_every_byte(texts: list[str], max_output: int) -> None:
    request = Request(messages=tuple(Message("user", text) for text in texts))
    bound = worst_case(request, Price(2.0, 8.0), max_output)
    assert bound.input_tokens >= sum(len(text.encode()) for text in texts)
    assert bound.output_tokens == max_output
    assert bound.usd == pytest.approx((2 * bound.input_tokens + 8 * max_output) / 1e6)
    assert worst_case(request, None, max_output).usd is None


def test_unknown_usage_is_counted_at_its_bound() -> None:
    price, bound = Price(1.0, 1.0), Cost(100, 50, 1.0)
    assert actual(Usage(), price, lambda: bound) == Cost(100, 50, 150e-6)
    assert actual(Usage(input_tokens=7), price, lambda: bound) == Cost(7, 50, 57e-6)
    assert actual(Usage(output_tokens=0), None, lambda: bound) == Cost(100, 0, None)
    assert actual(Usage(input_tokens=0, output_tokens=0), price, lambda: bound) == Cost(0, 0, 0.0)


def test_cached_tokens_cost_less() -> None:
    usage = Usage(input_tokens=100, output_tokens=0, cached_tokens=60)
    assert actual(usage, Price(10.0, 1.0, 1.0), lambda: Cost(0, 0, 0.0)).usd == pytest.approx(
        460e-6
    )


def test_money_is_unknown_once_a_price_is() -> None:
    meter = Meter(Budget())
    meter.spent.add(Cost(10, 1, 0.5))
    assert meter.spent == Spent(calls=1, input_tokens=10, output_tokens=1, usd=0.5)
    meter.spent.add(Cost(10, 1, None), Usage(cached_tokens=4))
    meter.spent.add(Cost(10, 1, 0.5))
    assert meter.spent.usd is None
    assert (meter.spent.tokens, meter.spent.cached_tokens) == (33, 4)
    assert meter.spent.to_dict()["usd"] is None


# --- reservations ---------------------------------------------------------------------------


def run(work: Coroutine[Any, Any, object]) -> None:
    asyncio.run(work)


async def turns(n: int = 10) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


def test_without_a_limit_nothing_is_reserved() -> None:
    async def main() -> None:
        meter = Meter(Budget(max_calls=1))
        for _ in range(5):
            await meter.reserve(call(10**9))
            meter.release(call(10**9))
        assert meter.try_reserve(call(10**9))

    run(main())


def test_the_exact_limit_fits_and_one_more_does_not() -> None:
    async def main() -> None:
        meter = Meter(Budget(max_tokens=100))
        await meter.reserve(call(100))
        meter.release(call(100))
        meter.spent.add(call(60))
        await meter.reserve(call(40))
        meter.release(call(40))
        with pytest.raises(BudgetExhausted, match=r"may take 41 tokens.* 60 tokens"):
            await meter.reserve(call(41))

    run(main())


def test_dollars_lost_are_spent() -> None:
    async def main() -> None:
        meter = Meter(Budget(max_usd=1))
        meter.spent.lost_usd = 0.5
        await meter.reserve(call(1, 0.5))
        meter.release(call(1, 0.5))
        with pytest.raises(BudgetExhausted, match=r"\$0\.5100"):
            await meter.reserve(call(1, 0.51))

    run(main())


def test_dollars_need_a_price() -> None:
    with pytest.raises(SettingsError, match="--price"):
        run(Meter(Budget(max_usd=1)).reserve(call(1)))


def test_a_call_that_does_not_fit_waits_for_those_under_way() -> None:
    async def main() -> None:
        meter = Meter(Budget(max_tokens=100))
        await meter.reserve(call(80))
        waiting = asyncio.create_task(meter.reserve(call(50)))
        await turns()
        assert not waiting.done()
        meter.release(call(80))
        meter.spent.add(call(50))
        await waiting

        meter.release(call(50))
        meter.spent.add(call(20))
        await meter.reserve(call(20))
        refused = asyncio.create_task(meter.reserve(call(21)))
        await turns()
        assert not refused.done()
        meter.release(call(20))
        meter.spent.add(call(10))
        with pytest.raises(BudgetExhausted):
            await refused

    run(main())


def test_admission_follows_the_order_of_asking() -> None:
    """A small call does not overtake a large one that waits."""

    async def main() -> None:
        meter, order = Meter(Budget(max_tokens=100)), list[int]()

        async def ask(size: int) -> None:
            await meter.reserve(call(size))
            order.append(size)

        await meter.reserve(call(90))
        asked = [asyncio.create_task(ask(size)) for size in (50, 5, 6)]
        await turns()
        assert order == []
        meter.release(call(90))
        await asyncio.gather(*asked)
        assert order == [50, 5, 6]

    run(main())


def test_a_cancelled_wait_leaves_the_gate_open() -> None:
    async def main() -> None:
        meter = Meter(Budget(max_tokens=100))
        await meter.reserve(call(90))
        waiting = asyncio.create_task(meter.reserve(call(50)))
        behind = asyncio.create_task(meter.reserve(call(10)))
        await turns()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await behind
        assert waiting.cancelled()

    run(main())


CALLS = st.lists(
    st.tuples(st.integers(0, 60), st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=12
)


@PURE
@given(CALLS, st.integers(1, 200), st.integers(1, 40))
def test_random_calls_at_once_never_overspend(
    calls: list[tuple[int, float, int]], max_tokens: int, cents: int
) -> None:
    """Calls of a bound, the share of it that they take, and how long they take."""

    async def main() -> None:
        meter = Meter(Budget(max_tokens=max_tokens, max_usd=cents / 100))
        refused: list[Cost] = []

        async def one(size: int, share: float, rounds: int) -> None:
            bound, took = call(size, size / 100), int(size * share)
            try:
                await meter.reserve(bound)
            except BudgetExhausted:
                refused.append(bound)
                return
            try:
                await turns(rounds)
                assert meter.spent.tokens + took <= max_tokens
            finally:
                meter.release(bound)
            meter.spent.add(call(took, took / 100))

        await asyncio.gather(*(one(*given) for given in calls))
        assert meter.spent.tokens <= max_tokens
        assert (meter.spent.usd or 0) <= cents / 100 + 1e-9
        assert meter.spent.calls + len(refused) == len(calls)
        if sum(size for size, _, _ in calls) <= min(max_tokens, cents - 1):
            assert not refused

    run(main())


# --- bounds that do not hold ----------------------------------------------------------------


def test_a_broken_bound_raises_those_of_the_model_and_of_its_calls_under_way() -> None:
    async def main() -> None:
        meter = Meter(Budget(max_tokens=1000))
        meter.reserved.learn(
            "m", call(100), call(100)
        )  # One has kept to its bound, so more go at once.
        for model in ("m", "m", "other"):
            await meter.reserve(call(100), model)
        meter.reserved.learn("m", call(100), call(350))
        meter.spent.add(call(350))
        meter.release(call(100), "m")
        # 350 are spent; 350 and 100 are set aside.
        assert meter.reserved.raised(call(100), "m") == (350, 0, None)
        assert meter.reserved.raised(call(100), "other") == (100, 0, None)
        assert not meter.try_reserve(call(100), "m")
        assert not meter.try_reserve(call(201), "other")
        assert meter.try_reserve(call(200), "other")
        assert meter.overspent == ""

    asyncio.run(main())


def test_a_bound_is_raised_in_dollars_and_by_what_went_out_as_well() -> None:
    meter = Meter(Budget(max_usd=10))
    meter.reserved.learn("m", Cost(10, 5, 0.5), Cost(8, 25, 2.5))
    meter.reserved.learn("m", Cost(10, 5, 0.5), Cost(12, 5, 0.6))
    assert meter.reserved.raised(Cost(10, 5, 0.5), "m") == (12, 25, 2.5)
    meter.reserved.learn("m", Cost(20, 5, 1.0), Cost(20, 5, 1.0))  # One that holds lowers nothing.
    assert meter.reserved.raised(Cost(10, 5, 0.5), "m") == (12, 25, 2.5)


@PURE
@given(st.integers(1, 8), st.integers(1, 40), st.integers(200, 2000))
def test_only_the_first_call_of_a_model_can_overspend(at_once: int, times: int, limit: int) -> None:
    async def main() -> int:
        meter, bound = Meter(Budget(max_tokens=limit)), call(10)

        async def one() -> None:
            await meter.reserve(bound, "m")
            await asyncio.sleep(0)
            meter.reserved.learn("m", bound, call(10 * times))
            meter.spent.add(call(10 * times))
            meter.release(bound, "m")

        slots = asyncio.Semaphore(at_once)

        async def limited() -> None:
            async with slots:
                await one()

        await asyncio.gather(*(limited() for _ in range(300)), return_exceptions=True)
        return meter.spent.tokens

    assert asyncio.run(main()) <= max(limit, 10 * times)


def test_a_model_is_asked_once_before_it_is_asked_many_times_at_once() -> None:
    async def main() -> None:
        meter, bound = Meter(Budget(max_tokens=1000)), call(10)
        await meter.reserve(bound, "m")
        others = [asyncio.create_task(meter.reserve(bound, "m")) for _ in range(3)]
        await turns()
        assert not any(task.done() for task in others)
        meter.release(bound, "m")  # It failed, which shows nothing: the next one goes alone.
        await turns()
        assert [task.done() for task in others] == [True, False, False]
        meter.reserved.learn("m", bound, bound)
        meter.release(bound, "m")
        await asyncio.gather(*others)
        await meter.reserve(bound, "batches", first_alone=False)
        await meter.reserve(bound, "batches", first_alone=False)

    run(main())


def test_what_was_overspent_is_said() -> None:
    meter = Meter(Budget(max_usd=0.14, max_tokens=2000))
    meter.reserved.learn("m", Cost(1000, 89, 0.1), Cost(1000, 19_000, 1.44))
    meter.spent.add(Cost(1000, 19_000, 1.44))
    assert meter.overspent.startswith(
        "Overspent: $1.4400 of $0.1400 and 20,000 of 2,000 tokens. m counted 20,000 tokens for a "
        "call that takes 1,089 at most."
    )


def test_a_limit_below_what_is_kept_is_none_of_minus_something() -> None:
    meter = Meter(Budget(max_calls=60))
    meter.hold_back("verdict", max_calls=100)
    with pytest.raises(BudgetExhausted, match="0 of 0 are spent, and 60 more are kept"):
        meter.charge(1)
