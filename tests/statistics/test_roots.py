"""What takes the place of slow imports: the same figures as scipy's, whose they could be."""

import math

import pytest
from scipy import optimize, stats

from apo.statistics import mcnemar_p, proportion_interval
from apo.statistics.counts import tail_of_draws
from apo.statistics.roots import root


@pytest.mark.parametrize("zero", [-1.0, -0.3, 0.0, 1e-7, 0.9999])
def test_the_root_is_scipys_to_the_last_bit(zero: float) -> None:
    def bent(x: float) -> float:
        return math.tanh(9 * (x - zero)) + (x - zero) ** 3

    assert root(bent, -1.5, 1.7) == optimize.brentq(bent, -1.5, 1.7)
    assert root(bent, -1.5, 1.7, xtol=1e-3) == optimize.brentq(bent, -1.5, 1.7, xtol=1e-3)


def test_a_root_at_an_end_is_found_and_none_is_told() -> None:
    assert root(lambda x: x, 0.0, 1.0) == root(lambda x: x, -1.0, 0.0) == 0.0
    with pytest.raises(ValueError, match="No root"):
        root(lambda x: x * x + 1, -1.0, 1.0)


@pytest.mark.parametrize(
    ("held", "drawn", "marked", "n"),
    [(0, 5, 5, 9), (3, 5, 5, 9), (1, 5, 5, 9), (5, 5, 5, 9), (6, 5, 5, 9), (61, 1071, 2280, 4179),
     (700, 1071, 2280, 4179), (2, 2, 3, 3), (1, 0, 3, 5)],
)  # fmt: skip
def test_the_tail_of_draws_is_fishers(held: int, drawn: int, marked: int, n: int) -> None:
    expected = float(stats.hypergeom.sf(held - 1, n, marked, drawn))
    assert tail_of_draws(held, drawn, marked, n) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 30), (7, 30), (30, 30), (1, 2000)])
def test_shares_and_mcnemar_are_those_of_the_binomial(hits: int, n: int) -> None:
    test = stats.binomtest(hits, n)
    ends = test.proportion_ci(0.95, method="exact")
    assert proportion_interval(hits, n) == pytest.approx((ends.low, ends.high), abs=1e-10)
    assert mcnemar_p(hits, n - hits) == pytest.approx(test.pvalue, rel=1e-9)


def test_mcnemar_is_exact_as_long_as_it_counts() -> None:
    assert mcnemar_p(1, 25) == 54 / 2**26
    assert mcnemar_p(1000, 1000) == 1.0
    assert mcnemar_p(950, 1051) == pytest.approx(stats.binomtest(950, 2001).pvalue, rel=1e-9)
