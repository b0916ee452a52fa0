"""Successive and continuous rejects."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.select import continuous_reject, rejects_schedule, worst_arm

ARMS = st.lists(
    st.integers(0, 50).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n))), max_size=12
)


# --- Successive rejects ---------------------------------------------------------------------


def test_the_schedule_by_hand() -> None:
    # logbar(4) = 1/2 + 1/2 + 1/3 + 1/4 = 19/12; (100 − 4) / logbar = 60.63; over 4, 3, 2.
    assert rejects_schedule(4, 100) == [16, 21, 31]
    # One best of two: half of what the first pull of each leaves.
    assert rejects_schedule(2, 100) == [49]


@given(st.integers(1, 40), st.integers(0, 2000), st.integers(1, 10))
def test_the_schedule_costs_at_most_the_budget(k: int, budget: int, n_best: int) -> None:
    plan = rejects_schedule(k, budget, n_best)
    assert len(plan) == max(0, k - n_best)
    assert plan == sorted(plan)
    if plan:
        assert plan[0] >= 1
        cost = sum(plan) + n_best * plan[-1]
        assert cost <= max(budget, k)
        if budget >= 10 * k:
            assert cost >= 0.9 * (budget - k)


@pytest.mark.parametrize("k", [2, 3, 10, 30])
def test_for_one_best_arm_it_is_the_papers(k: int) -> None:
    logbar = 0.5 + sum(1 / i for i in range(2, k + 1))
    paper = [math.ceil((1000 - k) / (logbar * (k + 1 - j))) for j in range(1, k)]
    assert rejects_schedule(k, 1000) == paper


def test_the_pool_may_be_no_larger_than_what_is_kept() -> None:
    """ProTeGi's simplified variant divides by zero there."""
    assert rejects_schedule(3, 100, 3) == []
    assert rejects_schedule(3, 100, 8) == []
    assert rejects_schedule(0, 100) == []


def test_the_worst_arm() -> None:
    totals, counts = [3.0, 0.0, 1.0, 1.0], [4, 0, 4, 4]
    assert worst_arm(totals, counts, range(4)) == 3  # Of equal ones the later; 1 is unknown.
    assert worst_arm(totals, counts, [0, 1, 2]) == 2
    assert worst_arm(totals, counts, [1]) is None
    assert worst_arm(totals, counts, []) is None


def test_indices_stay_those_of_the_pool_when_arms_go() -> None:
    """TRIPLE's class mixes places among the active ones with places in the pool."""
    totals, counts = [1.0, 5.0, 2.0, 4.0, 3.0], [5] * 5
    active, gone = list(range(5)), list[int]()
    while len(active) > 1:
        worst = worst_arm(totals, counts, active)
        assert worst is not None
        active.remove(worst)
        gone.append(worst)
    assert gone == [0, 2, 4, 3]
    assert active == [1]


# --- Continuous rejects ---------------------------------------------------------------------


def test_two_arms_far_apart() -> None:
    # logbar(2) = 1. β = 16 / 20: G = 0.118, and the gap is 0.75.
    assert continuous_reject([8.0, 2.0], [8, 8], [0, 1], 20) == 1
    assert continuous_reject([2.0, 8.0], [8, 8], [0, 1], 20, mode="aggressive") == 0


def test_the_threshold_falls_as_the_budget_is_used_up() -> None:
    # A gap of 0.25; G = 1 / sqrt(16 / budget) − 1: 0.225 at 24, 0.275 at 26.
    totals, counts = [6.0, 4.0], [8, 8]
    assert continuous_reject(totals, counts, [0, 1], 24) == 1
    assert continuous_reject(totals, counts, [0, 1], 26) is None


def test_conservative_looks_at_the_next_worst_and_aggressive_at_the_mean() -> None:
    # Means 0.9, 0.5, 0.4. logbar(3) = 4/3; β = 4/3 · 30 / 45 = 8/9: G = 0.061.
    totals, counts = [9.0, 4.5, 4.0], [10, 10, 10]
    assert continuous_reject(totals, counts, [0, 1, 2], 45, mode="aggressive") == 2  # 0.3
    assert continuous_reject(totals, counts, [0, 1, 2], 45) is None  # 0.05


def test_it_must_have_more_pulls_than_any_that_is_out() -> None:
    totals, counts = [8.0, 1.0, 0.0], [8, 8, 8]
    assert continuous_reject(totals, counts, [0, 1], 30) is None
    assert continuous_reject([9.0, 1.0, 0.0], [9, 9, 8], [0, 1], 30) == 1


def test_unknown_arms_and_lone_ones_stay() -> None:
    assert continuous_reject([8.0, 0.0], [8, 0], [0, 1], 10) is None
    assert continuous_reject([8.0, 0.0], [8, 8], [1], 40) is None
    assert continuous_reject([], [], [], 40) is None
    assert continuous_reject([8.0, 0.0, 0.0], [8, 8, 2], [0, 1], 2) is None  # Nothing was left.


@given(ARMS, st.integers(1, 800), st.sampled_from(["conservative", "aggressive"]))
def test_only_the_worst_active_arm_ever_goes(
    arms: list[tuple[float, int]], budget: int, mode: str
) -> None:
    totals, counts = [t for t, _ in arms], [c for _, c in arms]
    active = [i for i in range(len(arms)) if i % 3]
    assert mode in ("conservative", "aggressive")
    found = continuous_reject(totals, counts, active, budget, mode=mode)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (drawn)
    assert found in (None, worst_arm(totals, counts, active))
    if mode == "conservative" and found is not None:  # Whom it drops, the other drops as well.
        assert continuous_reject(totals, counts, active, budget, mode="aggressive") == found
