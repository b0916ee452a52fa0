"""Successive halving: share a budget among phases, and keep the better half after each."""

from collections.abc import Sequence


def halving_sizes(n_arms: int, n_best: int = 1) -> list[int]:
    """Plan successive halving (Karnin, Koren and Somekh, 2013, algorithm 1).

    Each phase has the same share of the budget, so an arm gets floor(budget / (phases · active))
    pulls in it.

    Args:
        n_arms: arms at the start.
        n_best: arms to be left at the end, at least 1.

    Returns:
        How many arms are active in each phase: n_arms, then always the larger half, down to the
        last number above n_best. For one best arm these are ceil(log2(n_arms)) phases. Empty
        when there is nothing to drop.
    """
    sizes: list[int] = []
    while n_arms > n_best:
        sizes.append(n_arms)
        n_arms = max(n_best, (n_arms + 1) // 2)
    return sizes


def better_half(
    totals: Sequence[float], counts: Sequence[int], active: Sequence[int], n_best: int = 1
) -> list[int]:
    """Keep the arms with the higher means; the larger half of an odd number.

    Args:
        totals: sum of the scores of each arm.
        counts: samples of each arm.
        active: indices of the arms that are still in.
        n_best: keep at least so many.

    Returns:
        The kept arms by falling mean, so the winner is the first, not the last; ties go to the
        lower index, and arms without samples, which are unknown, come last.
    """
    known = [arm for arm in active if counts[arm]]
    known.sort(key=lambda arm: (-totals[arm] / counts[arm], arm))
    ranked = [*known, *sorted(arm for arm in active if not counts[arm])]
    return ranked[: max(n_best, (len(ranked) + 1) // 2)]
