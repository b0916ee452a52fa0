"""Tests that may be looked at after every row: races, gates, stopping when it is clear.

Betting (Waudby-Smith and Ramdas, "Estimating Means of Bounded Random Variables by Betting", JRSS
B 86, 2024): one who bets against "the mean is at most m", a share of the wealth on each value,
does not get rich by more than luck, however long: the chance that the wealth ever exceeds 1 / p is
at most p (Ville, 1939). The wealth is spread over several shares, evenly, from bold to timid
(§4.2 there: a mixture); what one share gains it keeps. Values may depend on those before, as
long as the mean of each, given them, is what is tested.
"""

from collections.abc import Sequence
from typing import Any

from apo.statistics.means import CONFIDENCE
from apo.statistics.roots import root

SHARES = tuple(0.98 * 0.72**k for k in range(14))
"""Of the most that can be bet without risking all: 0.98 for large gains down to 0.014."""


def anytime_p(differences: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """One-sided p-value of "the mean is at most 0", good at any moment.

    It may be asked again after each row, and the smallest answer counts: under a mean of 0 or
    less the chance that it ever falls to alpha is at most alpha.

    Args:
        differences: in the order in which they were seen, each in [-1, 1]; may be empty.
        weights: how much each counts in the mean, known before it is seen, such as the size of its
            group over the largest; None where all count alike. On what weighs more than 1, nobody
            bets more than the boldest does on a weight of 1.
    """
    return _smallest(_wealth(differences, 0.0, weights))


def anytime_interval(
    differences: Sequence[float], weights: Sequence[float] | None = None
) -> tuple[float, float]:
    """Interval of the mean, at 95 % for all moments together (a confidence sequence).

    Args:
        differences: in the order in which they were seen, each in [-1, 1]; may be empty.
        weights: as for `anytime_p`.

    Returns:
        Low and high end, by what was seen up to now.
    """
    return _lowest(differences, weights), -_lowest([-value for value in differences], weights)


def _lowest(differences: Sequence[float], weights: Sequence[float] | None) -> float:
    """The lowest mean that is not refuted, at 2.5 %."""
    alpha = (1 - CONFIDENCE) / 2

    def left(m: float) -> float:
        return _smallest(_wealth(differences, m, weights)) - alpha

    if not differences or left(-1 + 1e-9) >= 0:
        return -1.0
    return root(left, -1 + 1e-9, 1.0, xtol=1e-9)


def _wealth(differences: Sequence[float], m: float, weights: Sequence[float] | None) -> Any:
    """The wealth after each value of one who bets against "the mean is at most m"."""
    import numpy as np

    # What can be lost of the share is at most all of it, when a value is -1.
    gains = (np.asarray(differences, dtype=float) - m) / (1 + m)
    weights = [1.0] * len(differences) if weights is None else weights
    bets = np.minimum(np.outer(SHARES, weights), SHARES[0])
    logs = np.cumsum(np.log1p(bets * gains), axis=1)
    return np.exp(np.minimum(logs, 700)).mean(axis=0)


def _smallest(wealth: Any) -> float:
    return 1.0 / float(max([1.0, *wealth]))
