"""How many test rows a gain takes to be seen, and how small a gain so many rows can show."""

import math

from apo.statistics.means import CONFIDENCE
from apo.statistics.roots import root

CHANCE = 0.8
"""That the gain is proven, where it is there: the usual power (Cohen, 1988, §2.4)."""
MAX_ROWS = 1_000_000


def power(n: int, gain: float, different: float) -> float:
    """The chance that a verdict on right and wrong answers proves a gain that is there.

    Exact, for McNemar's exact test, two-sided at 5 %, and rows that are drawn independently.

    Args:
        n: test rows.
        gain: by how much the better prompt's share of right answers is above the other's, in
            [0, 1].
        different: share of the rows that just one of the two prompts gets right; at least the
            gain, and raised to it.
    """
    import numpy as np
    from scipy.special import bdtr, bdtrik

    different = max(different, gain)
    if n < 1 or different <= 0:
        return 0.0
    # How many rows differ is known to within 8 standard deviations.
    middle, reach = n * different, 8 * math.sqrt(n * different) + 8
    rows = np.arange(max(0, math.floor(middle - reach)), min(n, math.ceil(middle + reach)) + 1)
    alpha = (1 - CONFIDENCE) / 2
    most = np.maximum(np.ceil(np.nan_to_num(bdtrik(alpha, rows, 0.5))), 0)
    most = most - (bdtr(most, rows, 0.5) > alpha)  # So many losses still prove a gain.
    losing = (different - gain) / (2 * different)
    proven = np.where(most < 0, 0.0, bdtr(np.maximum(most, 0), rows, losing))
    up_to = bdtr(rows, n, different)
    start = float(up_to[0]) if rows[0] else 0.0  # Below the first row there is next to nothing.
    return float((np.diff(up_to, prepend=start) * proven).sum())


def visible_gain(n: int, different: float) -> float | None:
    """The smallest gain that n test rows show with 80 % power, where answers are right or wrong.

    Args:
        n: test rows.
        different: share of the rows that just one of the two prompts gets right, in [0, 1]; a
            gain beyond it needs more, so that it is at least the gain.

    Returns:
        A share: 0.1 is ten points. None where not even a gain of 100 points would be proven.
    """

    def short(gain: float) -> float:
        return power(n, gain, different) - CHANCE

    return root(short, 1e-9, 1.0, xtol=1e-6) if short(1.0) >= 0 else None


def rows_needed(gain: float, different: float) -> int | None:
    """How many test rows show a gain with 80 % power, where answers are right or wrong.

    Args:
        gain: in (0, 1].
        different: share of the rows that just one of the two prompts gets right.

    Returns:
        The number, to within one or two; None when it is beyond a million.
    """
    low, high = 1, 2
    while power(high, gain, different) < CHANCE:
        low, high = high, 2 * high
        if low > MAX_ROWS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, gain, different) >= CHANCE else (middle, high)
    return high
