"""Means of rows in groups: by hand, against brute force, and the same as without groups of one."""

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo.statistics import (
    anytime_interval,
    anytime_p,
    bounded_interval,
    bounded_p,
    by_group,
    clustered,
    group_flip_p,
    mcnemar_p,
    selected,
)


def test_sums_by_group_and_rows_that_stand_alone() -> None:
    sums, sizes = by_group([1.0, -1.0, 0.5, 1.0, 1.0], ["a", "b", "a", "", ""])
    assert (sums, sizes) == ([1.5, -1.0, 1.0, 1.0], [2, 1, 1, 1])


@pytest.mark.parametrize(
    ("sums", "p"),
    [
        ([3.0, 2.0, 5.0, 1.0, 1.0], 2 / 32),
        ([3.0, 2.0, 5.0, 1.0, 1.0, 1.0], 2 / 64),
        ([3.0, -3.0], 1.0),
        ([4.0, 1.0, -1.0], 6 / 8),
        ([0.0, 0.0], 1.0),
        ([0.5, 0.25, 0.25], 2 / 8),
    ],
)
def test_flips_by_hand(sums: list[float], p: float) -> None:
    assert group_flip_p(sums) == pytest.approx(p)


@settings(deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_flips_are_all_of_them(sums: list[int]) -> None:
    found = [abs(sum(s * v for s, v in zip(signs, sums, strict=True)))
             for signs in product((-1, 1), repeat=len(sums))]  # fmt: skip
    expected = sum(value >= abs(sum(sums)) for value in found) / len(found)
    assert group_flip_p([float(v) for v in sums]) == pytest.approx(expected)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([-1.0, 0.0, 0.0, 1.0]), min_size=1, max_size=60))
def test_groups_of_one_say_what_mcnemar_says(values: list[float]) -> None:
    interval, p = clustered(values, [1] * len(values))
    assert p == pytest.approx(mcnemar_p(values.count(1.0), values.count(-1.0)), abs=1e-9)
    assert interval == pytest.approx(bounded_interval(values), abs=1e-9)
    assert bounded_interval(values, [1] * len(values)) == bounded_interval(values)
    assert bounded_p(values, [1] * len(values)) == bounded_p(values)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 9), st.floats(-1, 1)), min_size=1, max_size=30))
def test_interval_and_p_agree_and_hold_the_mean(groups: list[tuple[int, float]]) -> None:
    sizes, sums = [n for n, _ in groups], [n * value for n, value in groups]
    (low, high), p = clustered(sums, sizes)
    mean = sum(sums) / sum(sizes)
    assert -1 - 1e-9 <= low <= mean + 1e-6
    assert mean - 1e-6 <= high <= 1 + 1e-9
    assert (low > 0 or high < 0) == (p <= 0.05)
    turned, q = clustered([-value for value in sums], sizes)
    assert turned == pytest.approx((-high, -low), abs=1e-9)
    assert q == pytest.approx(p)


def test_what_is_copied_within_groups_proves_nothing_more() -> None:
    rng = Random(3)
    values = [rng.choice([1.0, 1.0, 0.0, -1.0]) for _ in range(40)]
    once = clustered(values, [1] * 40)
    often = clustered([7 * value for value in values], [7] * 40)
    assert often[0] == pytest.approx(once[0], abs=1e-9)
    assert often[1] == pytest.approx(once[1])
    assert bounded_p([value for value in values for _ in range(7)]) < once[1] / 10


def test_many_small_gains_and_an_unseen_loss() -> None:
    """The flips alone would call this proven; a group that was not seen may lose all."""
    sums, sizes = [0.2] * 20, [4] * 20
    assert group_flip_p(sums) < 0.001
    interval, p = clustered(sums, sizes)
    assert p > 0.05
    assert interval[0] <= 0


def test_bets_weigh_groups_by_their_size_and_are_the_same_for_equal_ones() -> None:
    values = [0.5, 1.0, -0.2, 0.4, 0.8] * 4
    assert anytime_p(values, [1.0] * 20) == anytime_p(values)
    assert anytime_interval(values, [1.0] * 20) == anytime_interval(values)
    small = [0.1 if value > 0 else 3.0 for value in values]
    assert anytime_p(values, small) > anytime_p(values)
    assert anytime_p([-1.0] * 30, [9.0] * 30) == 1  # No share is more than all.


def test_the_luck_of_a_choice_is_drawn_by_group() -> None:
    rng = Random(1)
    means = [[rng.random() for _ in range(10)] for _ in range(30)]
    copied = [[value for value in row for _ in range(8)] for row in means]
    alone = selected(copied)
    grouped = selected(copied, [i // 8 for i in range(80)])
    assert grouped.optimism > 2 * alone.optimism
    assert grouped.corrected == pytest.approx(selected(means).corrected, abs=1e-9)
