"""Figures of all rows: intervals and tests by resampling, against scipy's."""

import math
import random
from typing import Any

import numpy as np
import pytest
from scipy import stats

from apo import ApoError
from apo.statistics import bootstrap_of, sign_flip_p, swap_p

RNG = np.random.default_rng(1)
VALUES = RNG.exponential(0.1, 60)


def test_the_bootstrap_of_a_mean_is_about_scipys() -> None:
    theirs = stats.bootstrap((VALUES,), np.mean, rng=np.random.default_rng(2)).confidence_interval
    low, high = bootstrap_of(lambda rows: float(VALUES[rows].mean()), 60)
    assert low == pytest.approx(theirs.low, abs=0.005)
    assert high == pytest.approx(theirs.high, abs=0.005)
    assert bootstrap_of(lambda rows: float(VALUES[rows].mean()), 60) == (low, high)


def test_a_figure_without_spread_is_widened_by_the_rule_of_three() -> None:
    assert bootstrap_of(lambda rows: 1.0, 30) == pytest.approx((0.9, 1.1))
    assert bootstrap_of(lambda rows: 0.5, 1) == (-2.5, 3.5)


def test_rows_that_were_not_seen_pull_the_ends() -> None:
    values = np.array([1.0] * 30 + [0.0, 0.5, 1.0, 2.0])
    low, high = bootstrap_of(lambda i: float(values[i].mean()), 30, worst=[31, 30], best=[32, 33])
    assert low == pytest.approx(1 - 3 / 31)  # Drawn three times in 2.5 % of the resamples.
    assert high == pytest.approx(1 + 3 / 31)


def test_the_interval_holds_the_figure_and_resamples_without_one_are_left_out() -> None:
    def of_rare(rows: Any) -> float:
        rare = VALUES[rows[rows < 3]]
        return float(rare.mean()) if len(rare) else math.nan

    low, high = bootstrap_of(of_rare, 60)
    assert low <= of_rare(np.arange(60)) <= high
    low, high = bootstrap_of(of_rare, 60, worst=[0], best=[1])
    assert low <= of_rare(np.arange(60)) <= high


def test_no_figure_no_interval() -> None:
    with pytest.raises(ApoError, match="figure of all 5 rows is nan"):
        bootstrap_of(lambda rows: math.nan, 5)


def test_swaps_of_a_mean_are_sign_flips() -> None:
    differences = np.round(RNG.normal(0.05, 0.2, 40), 2)
    found = swap_p(lambda swap: float(np.where(swap, -differences, differences).mean()), 40)
    assert found == pytest.approx(sign_flip_p(differences.tolist()), abs=0.03)
    assert swap_p(lambda swap: 0.0, 5) == 1


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([], 1.0),
        ([0.5], 1.0),
        ([0.5, 0.5], 2 / 4),
        ([0.5, 0.25, 0.125, 0.0, 0.0], 2 / 8),
        ([0.5, 0.25, -0.125], 4 / 8),  # Sums of 0.625 or more: 0.625, 0.875; and mirrored.
        ([0.5, -0.5], 1.0),
        ([-0.1] * 6, 2 / 64),
    ],
)
def test_sign_flips_by_hand(differences: list[float], expected: float) -> None:
    assert sign_flip_p(differences) == pytest.approx(expected)


def test_many_sign_flips_are_drawn() -> None:
    rng = random.Random(4)
    differences = [rng.gauss(0.02, 0.1) for _ in range(80)]
    theirs = stats.ttest_1samp(differences, 0).pvalue
    assert sign_flip_p(differences) == pytest.approx(theirs, abs=0.02)
