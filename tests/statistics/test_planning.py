"""How many rows a gain takes: by hand, by simulation, and one way against the other."""

import random

import pytest

from apo.statistics import mcnemar_p, power, rows_needed, visible_gain


def test_power_by_hand() -> None:
    # Six rows, all of which differ and are won: six wins are proven, five are not.
    assert power(6, 1.0, 1.0) == pytest.approx(1.0)
    assert power(5, 1.0, 1.0) == pytest.approx(0.0)
    assert power(6, 0.5, 0.5) == pytest.approx(0.5**6)
    assert power(0, 0.5, 0.5) == power(10, 0.0, 0.0) == 0


def test_power_is_the_share_of_proven_gains() -> None:
    rng = random.Random(5)
    proven = 0
    for _ in range(2000):
        draws = [rng.random() for _ in range(200)]
        wins, losses = sum(d < 0.15 for d in draws), sum(d > 0.95 for d in draws)
        proven += wins > losses and mcnemar_p(wins, losses) <= 0.05
    assert power(200, 0.1, 0.2) == pytest.approx(proven / 2000, abs=0.03)


@pytest.mark.parametrize(("gain", "different"), [(0.05, 0.15), (0.1, 0.3), (0.2, 0.2), (1.0, 1.0)])
def test_rows_and_gains_are_two_sides_of_one_plan(gain: float, different: float) -> None:
    rows = rows_needed(gain, different)
    assert rows is not None
    visible = visible_gain(rows, different)
    assert visible is not None
    assert visible <= gain + 1e-5
    fewer = visible_gain(rows - 3, different)
    assert fewer is None or fewer > gain


def test_what_cannot_be_seen() -> None:
    assert visible_gain(5, 0.1) is None
    assert visible_gain(1, 1.0) is None
    assert rows_needed(1e-5, 0.2) is None
    found = [visible_gain(n, 0.15) for n in (60, 200, 2000)]
    assert found == pytest.approx([0.139, 0.078, 0.0245], abs=0.002)
