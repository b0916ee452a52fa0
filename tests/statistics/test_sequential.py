"""Looks at any moment: by hand, and in the long run."""

import random

import pytest

from apo.statistics import anytime_interval, anytime_p
from apo.statistics.sequential import SHARES


def test_one_win_by_hand() -> None:
    assert anytime_p([1.0]) == pytest.approx(1 / (1 + sum(SHARES) / len(SHARES)))


def test_nothing_seen_says_nothing() -> None:
    assert anytime_p([]) == 1
    assert anytime_interval([]) == (-1.0, 1.0)
    assert anytime_p([0.0] * 50) == 1
    assert anytime_p([-1.0] * 50) == 1


def test_more_wins_prove_more_and_later_losses_take_nothing_back() -> None:
    found = [anytime_p([1.0] * n) for n in range(20)]
    assert found == sorted(found, reverse=True)
    assert found[9] < 0.05
    assert anytime_p([1.0] * 10 + [-1.0] * 30) == pytest.approx(found[10])
    assert 0 < anytime_p([1.0] * 20_000) < 1e-200


def test_the_interval_shrinks_around_the_mean() -> None:
    values = [1.0, 0.0, 0.0, -1.0, 1.0] * 200
    low, high = anytime_interval(values)
    assert 0 < low < 0.2 < high < 0.4
    earlier = anytime_interval(values[:100])
    assert earlier[0] <= low
    assert high <= earlier[1]
    mirrored = anytime_interval([-value for value in values])
    assert mirrored == pytest.approx((-high, -low))


def test_a_mean_of_nothing_is_seldom_taken_for_a_gain_however_often_one_looks() -> None:
    rng = random.Random(6)
    fooled = 0
    for _ in range(200):
        values = [rng.choice([1.0, -1.0, 0.0, 0.25, -0.25]) for _ in range(300)]
        fooled += anytime_p(values) <= 0.05  # The smallest of 300 looks.
    assert 0 < fooled <= 10
