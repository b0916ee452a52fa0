"""Counts of right and wrong: exact intervals and tests of the binomial distribution."""

import math

from apo.statistics.means import CONFIDENCE

MAX_COUNTED = 2000
"""Rows up to which the ways that they can fall are counted one by one."""


def proportion_interval(hits: int, n: int) -> tuple[float, float]:
    """Interval of a share, by Clopper and Pearson (1934), at 95 %.

    Wilson's interval is shorter, but covers shares near 0 and 1 far less often than it says,
    and those are what the rates of rare faults are.

    Args:
        hits: how many of them; from 0 to n.
        n: of how many; 0 tells nothing, and gives (0, 1).
    """
    from scipy.special import betaincinv

    if n == 0:
        return 0.0, 1.0
    alpha = (1 - CONFIDENCE) / 2
    low = betaincinv(hits, n - hits + 1, alpha) if hits else 0.0
    high = betaincinv(hits + 1, n - hits, 1 - alpha) if hits < n else 1.0
    return float(low), float(high)


def mcnemar_p(wins: int, losses: int) -> float:
    """Exact two-sided p-value of McNemar's test (1947).

    Args:
        wins: rows that only the one got right.
        losses: rows that only the other got right.
    """
    n, fewer = wins + losses, min(wins, losses)
    if n > MAX_COUNTED:
        from scipy.special import bdtr

        return min(1.0, 2 * float(bdtr(fewer, n, 0.5)))
    ways = term = 1
    for i in range(fewer):
        term = term * (n - i) // (i + 1)
        ways += term
    return min(1.0, 2 * ways / (1 << n))  # Whole numbers: right to the last bit.


def tail_of_draws(held: int, drawn: int, marked: int, n: int) -> float:
    """One-sided p-value of Fisher's exact test (1935): so many marked ones, or more, among draws.

    Args:
        held: marked ones among those drawn, at least 0.
        drawn: how many were drawn, without putting any back.
        marked: how many of all are marked.
        n: how many there are.
    """
    least, most = max(0, drawn + marked - n), min(drawn, marked)
    if held <= least:
        return 1.0
    if held > most:
        return 0.0
    # The smaller tail is summed, from its largest term outwards, so that no term is lost.
    upper = held * n > drawn * marked
    k = held if upper else held - 1
    ways = _log_choices(marked, k) + _log_choices(n - marked, drawn - k)
    term = total = math.exp(ways - _log_choices(n, drawn))
    while term > total * 1e-18 and (k < most if upper else k > least):
        if upper:
            term *= (marked - k) * (drawn - k) / ((k + 1) * (n - marked - drawn + k + 1))
        else:
            term *= k * (n - marked - drawn + k) / ((marked - k + 1) * (drawn - k + 1))
        total += term
        k += 1 if upper else -1
    return min(1.0, total) if upper else max(0.0, 1 - total)


def _log_choices(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
