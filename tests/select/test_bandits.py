"""Bandits: UCB1 and UCB-E."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.select import highest_upper_bound, ucb_e

ARMS = st.lists(
    st.integers(0, 50).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n))), max_size=12
)


def bound(total: float, count: int, samples: int, c: float) -> float:
    return math.inf if not count else total / count + c * math.sqrt(math.log(samples) / count)


@given(ARMS, st.integers(0, 15), st.floats(0, 5))
def test_it_picks_the_highest_bounds_in_order(
    arms: list[tuple[float, int]], n: int, exploration: float
) -> None:
    totals, counts = [total for total, _ in arms], [count for _, count in arms]
    picked = highest_upper_bound(totals, counts, n, exploration=exploration)
    bounds = [bound(*arm, sum(counts), exploration) for arm in arms]
    assert len(picked) == len(set(picked)) == min(n, len(arms))
    assert [bounds[arm] for arm in picked] == sorted(bounds, reverse=True)[:n]
    for first, second in pairwise(picked):
        assert bounds[first] > bounds[second] or first < second
    unknown = [arm for arm, count in enumerate(counts) if count == 0]
    assert picked[: len(unknown)] == unknown[:n]


def test_by_hand() -> None:
    totals, counts = [9.0, 2.0, 0.0], [10, 2, 4]
    # Means 0.9, 1.0, 0.0; bonuses sqrt(ln 16 / n) = 0.527, 1.177, 0.833.
    assert highest_upper_bound(totals, counts, 3) == [1, 0, 2]
    assert highest_upper_bound(totals, counts, 1, exploration=0) == [1]
    assert highest_upper_bound(totals, counts, 3, exploration=100) == [1, 2, 0]


@pytest.mark.parametrize("counts", [[], [0], [1], [0, 0, 0]])
def test_few_or_no_samples(counts: list[int]) -> None:
    assert highest_upper_bound([0.0] * len(counts), counts, 5) == list(range(len(counts)))


@given(ARMS, st.integers(0, 15), st.floats(0, 5))
def test_ucb_e_picks_the_highest_bounds_in_order(
    arms: list[tuple[float, int]], n: int, exploration: float
) -> None:
    totals, counts = [total for total, _ in arms], [count for _, count in arms]
    picked = ucb_e(totals, counts, n, exploration=exploration)
    bounds = [t / c + math.sqrt(exploration / c) if c else math.inf for t, c in arms]
    assert len(picked) == len(set(picked)) == min(n, len(arms))
    assert [bounds[arm] for arm in picked] == sorted(bounds, reverse=True)[:n]
    for first, second in pairwise(picked):
        assert bounds[first] > bounds[second] or first < second


def test_ucb_e_by_hand() -> None:
    totals, counts = [9.0, 2.0, 0.0], [10, 4, 1]
    # Means 0.9, 0.5, 0.0; bonuses sqrt(1 / n) = 0.316, 0.5, 1.
    assert ucb_e(totals, counts, 3) == [0, 1, 2]
    assert ucb_e(totals, counts, 3, exploration=9) == [2, 1, 0]
    assert ucb_e(totals, counts, 1, exploration=0) == [0]


@pytest.mark.parametrize("rule", [highest_upper_bound, ucb_e])
@pytest.mark.parametrize("exploration", [0.0, 0.3, 1.0, 2.0])
def test_no_arm_is_pulled_twice_before_all_are_pulled_once(
    rule: Callable[..., list[int]], exploration: float
) -> None:
    """ProTeGi's code counts rounds from 0: ln 1 is 0, and round two repeats round one."""
    totals, counts = [0.0] * 9, [0] * 9
    pulled: list[int] = []
    for _ in range(3):
        picked = rule(totals, counts, 3, exploration=exploration)
        for arm in picked:
            totals[arm] += 1.0  # Right all the time: the best case for pulling it again.
            counts[arm] += 1
        pulled += picked
    assert sorted(pulled) == list(range(9))
