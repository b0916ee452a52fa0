"""Rejects: pull all arms alike, and drop the worst one by one (fixed-budget identification)."""

import math
from collections.abc import Iterable, Sequence
from typing import Literal


def rejects_schedule(n_arms: int, budget: int, n_best: int = 1) -> list[int]:
    """Plan successive rejects (Audibert, Bubeck and Munos, 2010, figure 2).

    One arm is dropped after each phase. The pulls grow as the arms get fewer and harder to tell
    apart: n_j = ceil((budget − K) / (logbar · (K + 1 − j))) with K arms, where
    logbar = 1/2 + 1/2 + 1/3 + … + 1/K. For several best arms m the first 1/2 becomes m / (m + 1)
    and the rest of the sum begins at 1 / (m + 1), so that the whole plan still costs the budget.

    Args:
        n_arms: arms at the start, the authors' K.
        budget: pulls in all.
        n_best: arms to be left at the end, at least 1.

    Returns:
        For each phase how many pulls each active arm has in all at its end: n_arms − n_best
        numbers that never fall, each at least 1. Together with the arms left at the end they cost
        at most the budget, when that is at least one pull for each arm.
    """
    spread = n_best / (n_best + 1) + sum(1 / i for i in range(n_best + 1, n_arms + 1))
    share = max(0, budget - n_arms) / spread
    return [max(1, math.ceil(share / (n_arms - j))) for j in range(n_arms - n_best)]


def worst_arm(totals: Sequence[float], counts: Sequence[int], active: Iterable[int]) -> int | None:
    """Find the active arm with the lowest mean; ties go to the higher index.

    Args:
        totals: sum of the scores of each arm.
        counts: samples of each arm.
        active: indices of the arms that are still in.

    Returns:
        Its index in totals; None when no active arm has a sample, as unknown is not zero.
    """
    known = [arm for arm in active if counts[arm]]
    return min(known, key=lambda arm: (totals[arm] / counts[arm], -arm), default=None)


def continuous_reject(
    totals: Sequence[float],
    counts: Sequence[int],
    active: Sequence[int],
    budget: int,
    *,
    mode: Literal["conservative", "aggressive"] = "conservative",
) -> int | None:
    """Say which arm continuous rejects drops now (Wang, Tzeng and Proutiere, 2023; TRIPLE, 2024).

    The worst active arm goes when it was pulled more often than every arm that is out, and its
    mean is further than G = 1 / sqrt(β) − 1 below the next worst ("conservative") or below the
    mean of the other active ones ("aggressive"). β = logbar(active arms) · pulls of the active
    arms / (budget − pulls of those that are out), with logbar(k) = 1/2 + 1/2 + … + 1/k; so a
    smaller gap is enough as the budget is used up.

    Args:
        totals: sum of the scores of each arm, each score in [0, 1].
        counts: samples of each arm.
        active: indices of the arms that are still in; all others are out.
        budget: pulls in all, over the whole identification.
        mode: what the worst arm is compared with.

    Returns:
        The arm to drop; None when none is to be, when fewer than two are active, or when an
        active arm has no sample.
    """
    worst = worst_arm(totals, counts, active)
    if worst is None or len(active) < 2 or not all(counts[arm] for arm in active):
        return None
    out = set(range(len(counts))) - set(active)
    if counts[worst] <= max((counts[arm] for arm in out), default=0):
        return None
    left = budget - sum(counts[arm] for arm in out)
    if left <= 0:
        return None
    spread = 0.5 + sum(1 / i for i in range(2, len(active) + 1))
    beta = spread * sum(counts[arm] for arm in active) / left
    means = {arm: totals[arm] / counts[arm] for arm in active}
    others = [mean for arm, mean in means.items() if arm != worst]
    rival = min(others) if mode == "conservative" else sum(others) / len(others)
    return worst if rival - means[worst] > 1 / math.sqrt(beta) - 1 else None
