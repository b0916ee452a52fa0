"""The winner's curse, and its correction."""

import random

import numpy as np
import pytest

from apo.statistics import luck_of_best, selected


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


def gains(k: int, n: int, seed: int, *, best: float = 0.0) -> list[list[float | None]]:
    """Candidates that differ from the seed in a third of the rows, the last one for the better."""
    rng = np.random.default_rng(seed)
    worth = np.zeros((k, 1))
    worth[-1] = best
    drawn = rng.choice([-1.0, 0.0, 1.0], size=(k, n), p=[1 / 6, 2 / 3, 1 / 6])
    found: list[list[float | None]] = np.where(rng.random((k, n)) < worth, 1.0, drawn).tolist()
    return found


def test_luck_explains_the_best_of_equal_candidates_and_not_a_real_gain() -> None:
    equal = [luck_of_best(gains(20, 40, seed)) < 0.1 for seed in range(24)]
    assert sum(equal) <= 6  # 2.4 of 24 are due.
    real = [luck_of_best(gains(20, 40, seed, best=0.5)) < 0.1 for seed in range(12)]
    assert sum(real) >= 9


def test_luck_counts_groups_and_leaves_missing_grades_out() -> None:
    alone = gains(10, 24, 1, best=0.3)
    copied = [[g for g in row for _ in range(8)] for row in alone]
    grouped = luck_of_best(copied, [i // 8 for i in range(192)])
    assert grouped == luck_of_best(alone)  # Eight copies of a row say no more than one.
    assert luck_of_best(copied) < grouped
    row = [1.0, 0.0, -1.0, 1.0] * 3
    assert luck_of_best([[*row, *[None] * 12]]) < luck_of_best([[*row, *[0.0] * 12]])
    assert luck_of_best([row, [None] * 12]) == luck_of_best([row, [0.0] * 12])
