"""The winner's curse, and its correction."""

import random

import pytest

from apo.statistics import selected


def luck(k: int, n: int, seed: int) -> list[list[float]]:
    rng = random.Random(seed)
    return [[float(rng.random() < 0.6) for _ in range(n)] for _ in range(k)]


def test_most_of_the_optimism_goes() -> None:
    found = [selected(luck(30, 50, seed)) for seed in range(40)]
    raw = sum(f.score for f in found) / 40 - 0.6
    left = sum(f.corrected for f in found) / 40 - 0.6
    assert raw > 0.12
    assert abs(left) < raw / 4
    assert all(f.optimism >= 0 for f in found)


def test_one_candidate_has_none() -> None:
    found = selected([[1.0, 0.0, 1.0, 0.0] * 10])
    assert (found.index, found.score) == (0, 0.5)
    assert found.corrected == pytest.approx(0.5, abs=0.01)


def test_a_clear_winner_has_next_to_none() -> None:
    found = selected([[0.0] * 40, [1.0] * 39 + [0.0], [0.0] * 40])
    assert found.index == 1
    assert found.optimism < 0.01


def test_the_first_of_equals_and_unknown_is_not_zero() -> None:
    assert selected([[1.0, 0.0], [0.0, 1.0]]).index == 0
    found = selected([[0.5, 0.5, 0.5], [None, 1.0, 1.0], [None, None, None]])
    assert (found.index, found.score) == (1, 1.0)
    assert selected([[0.7]]).corrected == pytest.approx(0.7)
