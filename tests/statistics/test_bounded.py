"""Gaffke's interval and test: the exact ones where such exist, and never fooled by rare losses."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from apo.statistics import bounded_interval, bounded_p, mcnemar_p, proportion_interval

PURE = settings(deadline=None, derandomize=True, max_examples=60)
COUNTS = st.integers(0, 40)


@PURE
@given(COUNTS, COUNTS, COUNTS)
def test_of_right_and_wrong_it_is_mcnemars_exact_test(wins: int, losses: int, same: int) -> None:
    values = [1.0] * wins + [-1.0] * losses + [0.0] * same
    if values:
        assert bounded_p(values) == pytest.approx(mcnemar_p(wins, losses), rel=1e-9)


@pytest.mark.parametrize(("wins", "losses"), [(1, 0), (6, 0), (5, 5), (300, 10), (4000, 3800)])
def test_mcnemar_is_that_of_statsmodels(wins: int, losses: int) -> None:
    contingency = pytest.importorskip("statsmodels.stats.contingency_tables")
    theirs = contingency.mcnemar([[7, wins], [losses, 9]], exact=True).pvalue
    assert mcnemar_p(wins, losses) == pytest.approx(theirs, rel=1e-9)
    assert bounded_p([1.0] * wins + [-1.0] * losses) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 60), (3, 10), (60, 60), (700, 1000)])
def test_of_two_values_it_is_clopper_and_pearsons_interval(hits: int, n: int) -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    low, high = proportion.proportion_confint(hits, n, method="beta")
    assert proportion_interval(hits, n) == pytest.approx((low, high), abs=1e-9)
    values = [1.0] * hits + [-1.0] * (n - hits)
    assert bounded_interval(values) == pytest.approx((2 * low - 1, 2 * high - 1), abs=1e-9)


def test_no_rows_say_nothing_of_a_share() -> None:
    assert proportion_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("n", [1, 5, 60])
def test_without_a_difference_it_is_the_rule_of_three(n: int) -> None:
    reach = 1 - 0.025 ** (1 / n)
    assert bounded_interval([0.0] * n) == pytest.approx((-reach, reach), abs=1e-9)
    assert bounded_p([0.0] * n) == 1


def test_it_is_the_mean_with_random_weights() -> None:
    """Against the definition: exponential weights, one more row at the worst value."""
    import numpy as np

    rng = np.random.default_rng(0)
    values = np.clip(rng.normal(0.1, 0.3, 25), -1, 1)
    weights = rng.dirichlet(np.ones(26), 200_000)
    low, high = bounded_interval(values.tolist())
    assert low == pytest.approx(np.quantile(weights @ [*values, -1], 0.025), abs=0.002)
    assert high == pytest.approx(np.quantile(weights @ [*values, 1], 0.975), abs=0.002)


@PURE
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12))
def test_interval_and_test_agree(values: list[float]) -> None:
    (low, high), p = bounded_interval(values), bounded_p(values)
    mean = sum(values) / len(values)
    assert -1 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1
    assert 0 <= p <= 1
    if abs(p - 0.05) > 1e-6:
        assert (low > 0 or high < 0) == (p < 0.05)


def test_many_rows_are_students() -> None:
    rng = random.Random(2)
    values = [max(-1.0, min(1.0, rng.gauss(0.05, 0.2))) for _ in range(5000)]
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert bounded_interval(values) == pytest.approx((theirs.low, theirs.high), abs=0.0005)


def test_rare_losses_of_all_do_not_make_a_gain() -> None:
    """+0.031 on 97 % of the rows, -1 on the others: 60 rows often show none of these."""
    rng = random.Random(3)
    fooled, students = 0, 0
    for _ in range(60):
        values = [rng.choice([0.03, 0.031, 0.032]) for _ in range(60)]
        values = [-1.0 if rng.random() < 0.03 else value for value in values]
        fooled += bounded_interval(values)[0] > 0
        students += bool(stats.ttest_1samp(values, 0).pvalue < 0.05 and sum(values) > 0)
    assert fooled == 0
    assert students >= 5
