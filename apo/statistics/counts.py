"""Counts of right and wrong: exact intervals and tests of the binomial distribution."""

from apo.statistics.means import CONFIDENCE


def proportion_interval(hits: int, n: int) -> tuple[float, float]:
    """Interval of a share, by Clopper and Pearson (1934), at 95 %.

    Wilson's interval is shorter, but covers shares near 0 and 1 far less often than it says,
    and those are what the rates of rare faults are.

    Args:
        hits: how many of them; from 0 to n.
        n: of how many; 0 tells nothing, and gives (0, 1).
    """
    from scipy import stats

    if n == 0:
        return 0.0, 1.0
    found = stats.binomtest(hits, n).proportion_ci(CONFIDENCE, method="exact")
    return float(found.low), float(found.high)


def mcnemar_p(wins: int, losses: int) -> float:
    """Exact two-sided p-value of McNemar's test (1947).

    Args:
        wins: rows that only the one got right.
        losses: rows that only the other got right.
    """
    from scipy import stats

    return float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
