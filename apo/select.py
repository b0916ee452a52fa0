"""Selection rules: pure functions from scores and counts to what is measured or kept next."""

import math
from collections.abc import Sequence


def highest_upper_bound(
    totals: Sequence[float], counts: Sequence[int], n: int, *, exploration: float = 1.0
) -> list[int]:
    """Pick the arms with the largest upper confidence bound (UCB1; Auer et al., 2002).

    The bound of an arm is its mean + exploration · sqrt(ln(samples of all arms) / its samples).
    An arm without samples is unknown, not zero: it comes before all that have some.

    Args:
        totals: sum of the scores of each arm, each score in [0, 1].
        counts: samples of each arm; at least 0.
        n: how many arms to pick; at most as many as there are.
        exploration: weight of the uncertainty, at least 0.

    Returns:
        Indices of the picked arms, the largest bound first; ties go to the lower index.
    """
    samples = sum(counts)

    def bound(arm: int) -> float:
        if counts[arm] == 0:
            return math.inf
        return totals[arm] / counts[arm] + exploration * math.sqrt(math.log(samples) / counts[arm])

    return sorted(range(len(counts)), key=bound, reverse=True)[:n]
