"""The rules by which `allocate` spends rollouts: bandits, rejects, halving, a race.

A rule is a coroutine that pulls the arms of a pool and ranks them. What they decide is in
`apo.select`; how they spend is here.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from apo.errors import SettingsError
from apo.search.arms import MeasuredPool
from apo.select import (
    better_half,
    continuous_reject,
    halving_sizes,
    highest_upper_bound,
    race_losers,
    rejects_schedule,
    ucb_e,
    worst_arm,
)


@dataclass(frozen=True)
class Settings:
    """Settings of the rules; see `allocate`."""

    exploration: float
    batch_size: int
    share: float
    alpha: float

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.exploration < 0:
            raise SettingsError(
                f"allocate was given batch_size={self.batch_size}, exploration={self.exploration}; "
                "batch_size must be at least 1, exploration at least 0."
            )
        if not 0 < self.share <= 1 or not 0 < self.alpha < 0.5:
            raise SettingsError(
                f"allocate was given share={self.share}, alpha={self.alpha}; share must be above 0 "
                "and at most 1, alpha above 0 and below 0.5."
            )


async def uniform(arms: MeasuredPool, n: int, settings: Settings) -> list[int]:
    """All arms alike, so ProTeGi's brute force: floor(rollouts / arms) pulls of each.

    With fewer rollouts than arms, the first arms get one each.
    """
    await arms.pull(dict.fromkeys(arms.all, max(1, arms.left // len(arms.all))))
    return arms.ranked()


async def upper_bounds(
    arms: MeasuredPool, n: int, settings: Settings, rule: Callable[..., list[int]]
) -> list[int]:
    """UCB1 or UCB-E in rounds, as APE and ProTeGi (§3) run it: a share of the arms, a batch each.

    The arms with the highest bounds are pulled, at first those without any sample, so every arm
    is new once; then, unlike in the authors' code, no round repeats another's uncertainty: the
    bound counts all samples so far, not the rounds.
    """
    size = max(1, round(settings.share * len(arms.all)))
    while arms.left:
        open_arms = [arm for arm in arms.all if arms.room(arm)]
        # By pulls, not by scores: an arm whose examples are all refused is not new for ever.
        means = [arms.totals[arm] / max(1, arms.counts[arm]) for arm in open_arms]
        pulls = [len(arms.scores[arm]) for arm in open_arms]
        totals = [mean * count for mean, count in zip(means, pulls, strict=True)]
        picked = rule(totals, pulls, size, exploration=settings.exploration)
        await arms.pull({open_arms[i]: settings.batch_size for i in picked})
    return arms.ranked()


async def successive_rejects(arms: MeasuredPool, n: int, settings: Settings) -> list[int]:
    """Audibert, Bubeck and Munos (2010): after each phase the worst arm goes, until n are left."""
    active, out = list(arms.all), list[int]()
    for total in rejects_schedule(len(active), arms.left, n):
        pulls = arms.pulls
        await arms.pull({arm: total - pulls[arm] for arm in active})
        worst = worst_arm(arms.totals, arms.counts, active)
        if worst is not None:
            active.remove(worst)
            out.append(worst)
    if not out:  # Nothing to drop: what is left is to be ranked.
        await arms.deal(active, arms.left)
    return [*arms.ranked(active), *out[::-1]]


async def successive_halving(arms: MeasuredPool, n: int, settings: Settings) -> list[int]:
    """Karnin et al. (2013) with TRIPLE's budget (§3.1): exactly the rollouts, the better half kept.

    Each phase has an equal share, and deals it evenly, with what the division leaves over and
    what known arms did not need in the last.
    """
    active, out = list(arms.all), list[int]()
    sizes = halving_sizes(len(active), n)
    for phase in range(len(sizes)):
        left = len(sizes) - phase
        await arms.deal(active, arms.left if left == 1 else _phase(arms, active, left))
        kept = better_half(arms.totals, arms.counts, active, n)
        out = [*arms.ranked(arm for arm in active if arm not in kept), *out]
        active = kept
    if not sizes:
        await arms.deal(active, arms.left)
    return [*arms.ranked(active), *out]


def _phase(arms: MeasuredPool, active: Sequence[int], phases_left: int) -> int:
    """Pulls of a phase: as many for each active arm as its share allows, and in the first one."""
    first = not any(arms.pulls)
    return max(int(first), arms.left // (phases_left * len(active))) * len(active)


async def continuous_rejects(
    arms: MeasuredPool,
    n: int,
    settings: Settings,
    mode: Literal["conservative", "aggressive"] = "conservative",
) -> list[int]:
    """TRIPLE's continuous rejects: the least pulled arms in turn, the worst dropped when clear.

    One pull of every least pulled active arm is made at once, and then the rule is asked.
    """
    budget = arms.left
    active, out = list(arms.all), list[int]()
    while arms.left:
        pulls = arms.pulls
        open_arms = [arm for arm in active if arms.room(arm)]
        if not open_arms:
            break
        least = min(pulls[arm] for arm in open_arms)
        await arms.pull({arm: 1 for arm in open_arms if pulls[arm] == least})
        if len(active) > n:
            worst = continuous_reject(arms.totals, arms.counts, active, budget, mode=mode)
            if worst is not None:
                active.remove(worst)
                out.append(worst)
    return [*arms.ranked(active), *out[::-1]]


async def race(arms: MeasuredPool, n: int, settings: Settings) -> list[int]:
    """CAPO's race on blocks of common examples, with the corrected statistics.

    It ends when n are left, so often before the rollouts. The level is shared evenly among the
    blocks that could be paid for every arm; the last block is cut to what is left for all.
    """
    size = settings.batch_size
    active, out = list(arms.all), list[int]()
    looks = max(1, min(arms.room(0), arms.left // len(active)) // size)
    while arms.left >= len(active) and arms.room(active[0]):
        await arms.pull(dict.fromkeys(active, min(size, arms.left // len(active))))
        lost = race_losers(
            [arms.scores[arm] for arm in active],
            n,
            alpha=settings.alpha / looks,
            statistics="corrected",
        )
        losers = [active[i] for i in lost]
        out = [*arms.ranked(losers), *out]
        active = [arm for arm in active if arm not in losers]
        if len(active) <= n:
            break
    if not any(arms.pulls):
        await arms.deal(active, arms.left)
    return [*arms.ranked(active), *out]


ALLOCATORS: dict[str, Callable[[MeasuredPool, int, Settings], Awaitable[list[int]]]] = {
    "continuous-rejects": continuous_rejects,
    "continuous-rejects-aggressive": partial(continuous_rejects, mode="aggressive"),
    "race": race,
    "successive-halving": successive_halving,
    "successive-rejects": successive_rejects,
    "ucb": partial(upper_bounds, rule=highest_upper_bound),
    "ucb-e": partial(upper_bounds, rule=ucb_e),
    "uniform": uniform,
}
"""The rules by name: each pulls the arms, and gives all of them, the best first."""
