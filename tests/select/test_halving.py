"""Successive halving."""

import math

from hypothesis import given
from hypothesis import strategies as st

from apo.select import better_half, halving_sizes

ARMS = st.lists(
    st.integers(0, 50).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n))), max_size=12
)


def test_the_sizes_by_hand() -> None:
    assert halving_sizes(8) == [8, 4, 2]
    assert halving_sizes(5) == [5, 3, 2]
    assert halving_sizes(30, 4) == [30, 15, 8]
    assert halving_sizes(7, 4) == [7]
    assert halving_sizes(1) == halving_sizes(0) == halving_sizes(4, 4) == []


def test_for_one_best_arm_there_are_log2_phases() -> None:
    for n in range(2, 200):
        assert len(halving_sizes(n)) == math.ceil(math.log2(n))


@given(ARMS, st.integers(1, 6))
def test_the_better_half_is_best_first(arms: list[tuple[float, int]], n_best: int) -> None:
    totals, counts = [t for t, _ in arms], [c for _, c in arms]
    active = list(range(len(arms)))[::-1]  # In any order.
    kept = better_half(totals, counts, active, n_best)
    assert len(kept) == min(len(arms), max(n_best, (len(arms) + 1) // 2))
    assert len(set(kept)) == len(kept)
    worth = [t / c if c else -1.0 for t, c in arms]
    assert [worth[i] for i in kept] == sorted(worth, reverse=True)[: len(kept)]


def test_ties_and_unknown_arms() -> None:
    totals, counts = [1.0, 2.0, 0.0, 2.0, 0.0], [4, 4, 0, 4, 4]
    assert better_half(totals, counts, range(5)) == [1, 3, 0]
    assert better_half(totals, counts, range(5), 5) == [1, 3, 0, 4, 2]


def test_the_winner_is_the_best_mean_and_not_the_last() -> None:
    """TRIPLE's code sorts the best first and returns the last."""
    totals, counts = [3.0, 9.0, 5.0, 1.0], [10] * 4
    active = list(range(4))
    for _ in halving_sizes(4):
        active = better_half(totals, counts, active)
    assert active == [1]
