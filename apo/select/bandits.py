"""Bandits: which arms to pull next, from what is known of all of them."""

import math
from collections.abc import Callable, Sequence


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
    logarithm = math.log(max(1, sum(counts)))
    return _highest(totals, counts, n, lambda count: exploration * math.sqrt(logarithm / count))


def ucb_e(
    totals: Sequence[float], counts: Sequence[int], n: int, *, exploration: float = 1.0
) -> list[int]:
    """Pick the arms with the largest bound of UCB-E (Audibert, Bubeck and Munos, 2010, figure 1).

    The bound of an arm is its mean + sqrt(exploration / its samples). It explores more than UCB1,
    for a search that wants the best arm at its end rather than good scores on the way. Their
    theorem asks for an exploration of 25/36 · (budget − arms) / hardness; ProTeGi takes 1 (§3).

    Args:
        totals: sum of the scores of each arm, each score in [0, 1].
        counts: samples of each arm; at least 0. An arm without samples comes first.
        n: how many arms to pick; at most as many as there are.
        exploration: the authors' a, at least 0.

    Returns:
        Indices of the picked arms, the largest bound first; ties go to the lower index.
    """
    return _highest(totals, counts, n, lambda count: math.sqrt(exploration / count))


def _highest(
    totals: Sequence[float], counts: Sequence[int], n: int, bonus: Callable[[int], float]
) -> list[int]:
    def bound(arm: int) -> float:
        return totals[arm] / counts[arm] + bonus(counts[arm]) if counts[arm] else math.inf

    return sorted(range(len(counts)), key=bound, reverse=True)[:n]
