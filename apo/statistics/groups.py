"""Many against many, over tasks and seeds: ranks, tests of ranks, and Holm's correction.

Tests and post-hoc comparison follow Demšar, "Statistical Comparisons of Classifiers over Multiple
Data Sets" (JMLR 7, 2006): Friedman's test over tasks and Nemenyi's critical difference between
mean ranks (§3.2.2), Wilcoxon's signed ranks for two optimizers (§3.1.3), and Holm's correction for
many against one.
"""

import math
from collections.abc import Sequence
from itertools import product

from apo.statistics.means import CONFIDENCE

RESAMPLES = 9999
MAX_EXACT = 13
"""Pairs up to which all 2^n signs are gone through."""


def signed_rank_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test, by its permutations.

    Differences of zero are left out, equal ones share their ranks; exact up to 13 differences,
    from there on by 9,999 draws of signs.
    """
    import numpy as np
    from scipy import stats

    values = np.round(np.asarray(differences, dtype=float), 12)
    values = values[values != 0]
    n = len(values)
    if n == 0:
        return 1.0
    ranks = np.asarray(stats.rankdata(np.abs(values)), dtype=float)
    found = abs(float((np.sign(values) * ranks).sum()))
    if n <= MAX_EXACT:
        signs = np.array(list(product((-1, 1), repeat=n)))
        sums = np.abs(signs @ ranks)
        return float(np.mean(sums >= found - 1e-9))
    signs = 2 * np.random.default_rng(0).integers(0, 2, (RESAMPLES, n)) - 1
    sums = np.abs(signs @ ranks)
    return float((1 + np.sum(sums >= found - 1e-9)) / (RESAMPLES + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm, 1979); the order stays."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = highest
    return corrected


def ranks(scores: Sequence[float]) -> list[float]:
    """Rank scores, the highest first; equal ones share the mean of their places."""
    rounded = [round(score, 12) for score in scores]
    return [
        sum(other > score for other in rounded) + (rounded.count(score) + 1) / 2
        for score in rounded
    ]


def friedman_p(table: Sequence[Sequence[float]]) -> float | None:
    """P-value of "all optimizers are alike" from their ranks over tasks.

    By permutation of the ranks within each task: chi-square and F, the usual approximations, are
    far off for a handful of tasks.

    Args:
        table: a row of scores for each task, a column for each optimizer.

    Returns:
        None with fewer than two tasks or three optimizers.
    """
    import numpy as np

    if len(table) < 2 or len(table[0]) < 3:
        return None
    by_task = np.array([ranks(row) for row in table])
    rng = np.random.default_rng(0)
    sums = np.zeros((RESAMPLES, by_task.shape[1]))
    for row in by_task:
        sums += rng.permuted(np.tile(row, (RESAMPLES, 1)), axis=1)
    # Friedman's statistic grows with the spread of the rank sums, whatever the ties.
    found = float(by_task.sum(axis=0).var())
    as_far = int(np.count_nonzero(sums.var(axis=1) >= found - 1e-9))
    return float((1 + as_far) / (RESAMPLES + 1))


def critical_difference(n_optimizers: int, n_tasks: int) -> float | None:
    """How far two mean ranks must be apart to differ at 5 % (Nemenyi; Demšar §3.2.2).

    Returns:
        None with fewer than two of either.
    """
    from scipy import stats

    if n_optimizers < 2 or n_tasks < 2:
        return None
    q = float(stats.studentized_range.ppf(CONFIDENCE, n_optimizers, float("inf"))) / 2**0.5
    return q * math.sqrt(n_optimizers * (n_optimizers + 1) / (6 * n_tasks))
