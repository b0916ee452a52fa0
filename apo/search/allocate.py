"""Which of many prompts is best, for so many rollouts: bandits, rejects, halving, a race.

A rule is a coroutine that pulls the arms of a pool and ranks them; `ALLOCATORS` lists them by
name. What they decide is in `apo.select`; how they spend is here.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from apo.errors import SettingsError, near
from apo.evaluation.evaluation import Evaluation
from apo.prompts.prompt import Prompt
from apo.search.search import Search
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
from apo.task import Example


async def allocate(
    search: Search,
    pool: Sequence[Prompt],
    n: int,
    *,
    rollouts: int,
    allocator: str = "ucb",
    examples: Sequence[Example] | None = None,
    paired: bool = True,
    exploration: float = 1.0,
    batch_size: int = 5,
    share: float = 1 / 3,
    alpha: float = 0.2,
) -> list[Prompt]:
    """Find the best prompts of a pool with a limited number of measurements of one example.

    No prompt sees an example twice in one call, which would teach nothing; a prompt that has
    seen them all is known and not pulled any more. So fewer rollouts are spent when the examples
    run out, and when the answers are in the journal already, which costs nothing.

    Args:
        search: the search that pays.
        pool: the prompts, those you believe in first: these are sampled first when there are
            fewer rollouts than prompts, and win ties. Repetitions count once.
        n: how many to give back; at least 1.
        rollouts: measurements of one prompt on one example in all; never more.
        allocator: the rule, a name in ALLOCATORS.
        examples: what to measure on; the train split when left out.
        paired: let all prompts see the same examples in the same order, so that luck with the
            examples is the same for all. False: each prompt has an order of its own, as in the
            papers.
        exploration: weight of the uncertainty in "ucb", the constant of "ucb-e"; at least 0.
        batch_size: examples that a prompt of a round sees in "ucb", "ucb-e" and "race"; fewer
            when not every prompt could be seen twice.
        share: share of the pool that a round of "ucb" and "ucb-e" pulls, above 0, up to 1.
        alpha: level of "race", shared evenly among the rounds that are planned when it begins.

    Returns:
        The best n, the best first. Those never sampled are unknown, not bad: they come last, in
        the order of the pool.

    Raises:
        SettingsError: an unknown allocator, or a setting out of its range.
        BudgetExhausted: the search's budget is over.
    """
    known = list(ALLOCATORS)
    if allocator not in ALLOCATORS:
        raise SettingsError(f"There is no allocator {allocator!r}.{near(allocator, known)}")
    if n < 1 or rollouts < 0 or batch_size < 1 or exploration < 0:
        raise SettingsError(
            f"allocate was given n={n}, rollouts={rollouts}, batch_size={batch_size}, exploration="
            f"{exploration}; n and batch_size must be at least 1, the others at least 0."
        )
    if not 0 < share <= 1 or not 0 < alpha < 0.5:
        raise SettingsError(
            f"allocate was given share={share}, alpha={alpha}; share must be above 0 and at most "
            "1, alpha above 0 and below 0.5."
        )
    if allocator == "race" and not paired:
        raise SettingsError("A race compares prompts on the same examples: paired must be True.")
    distinct = list(dict.fromkeys(pool))
    if not distinct:
        return []
    arms = Arms(
        search, distinct, search.task.train if examples is None else examples, rollouts, paired
    )
    ranked = await ALLOCATORS[allocator](
        arms, n, Settings(exploration, arms.batch(batch_size), share, alpha)
    )
    return [distinct[arm] for arm in ranked[:n]]


@dataclass(frozen=True)
class Settings:
    """Settings of the rules; see `allocate`. batch_size is already cut to the rollouts."""

    exploration: float
    batch_size: int
    share: float
    alpha: float


class Arms:
    """A pool under measurement: running sums of scores, and how many pulls are left.

    Attributes:
        all: indices of the arms.
        totals: sum of the scores of each arm.
        counts: scores of each arm; an example that was refused has none.
        pulls: pulls of each arm, the refused ones included.
        scores: scores of each arm in the order of its pulls; None for a refused one.
        left: pulls that may still be made.
    """

    def __init__(
        self,
        search: Search,
        pool: Sequence[Prompt],
        examples: Sequence[Example],
        rollouts: int,
        paired: bool,
    ) -> None:
        self._search, self._pool = search, pool
        size = len(examples)
        same = search.draw(examples, size)
        self._orders = [same if paired else search.draw(examples, size) for _ in pool]
        self.all = range(len(pool))
        self.totals, self.counts = [0.0] * len(pool), [0] * len(pool)
        self.scores: list[list[float | None]] = [[] for _ in pool]
        self.left = min(rollouts, size * len(pool))

    @property
    def pulls(self) -> list[int]:
        """How often each arm was pulled."""
        return [len(scores) for scores in self.scores]

    def room(self, arm: int) -> int:
        """How many examples the arm has not seen."""
        return len(self._orders[arm]) - len(self.scores[arm])

    def batch(self, size: int) -> int:
        """Cut a batch so that there is enough for two on every arm; at least 1."""
        return max(1, min(size, self.left // (2 * len(self.all))))

    async def pull(self, wanted: Mapping[int, int]) -> int:
        """Measure arms on their next examples, all at once; the first come first when few are left.

        Args:
            wanted: how many pulls of each arm, by its index; cut to what is left.

        Returns:
            How many pulls were made.
        """
        batches: list[tuple[int, Sequence[Example]]] = []
        before = self.left
        for arm, n in wanted.items():
            n = max(0, min(n, self.room(arm), self.left))
            if n:
                seen = len(self.scores[arm])
                batches.append((arm, self._orders[arm][seen : seen + n]))
                self.left -= n

        async def measure(batch: tuple[int, Sequence[Example]]) -> Evaluation:
            return await self._search.evaluate(self._pool[batch[0]], batch[1])

        found = await self._search.map(measure, batches)
        for (arm, _), evaluation in zip(batches, found, strict=True):
            self.totals[arm] += evaluation.total
            self.counts[arm] += len(evaluation.scored)
            self.scores[arm] += [r.score.value if r.score else None for r in evaluation.rollouts]
        return before - self.left

    async def deal(self, active: Sequence[int], n: int) -> None:
        """Make n pulls of the active arms, so that they come out as even as can be."""
        pulls, room = self.pulls, {arm: self.room(arm) for arm in active}
        wanted = dict.fromkeys(active, 0)
        for _ in range(min(n, self.left)):
            open_arms = [arm for arm in active if wanted[arm] < room[arm]]
            if not open_arms:
                break
            wanted[min(open_arms, key=lambda arm: pulls[arm] + wanted[arm])] += 1
        await self.pull(wanted)

    def ranked(self, among: Iterable[int] | None = None) -> list[int]:
        """Arms by falling mean, the unsampled last; ties go to more samples, then in order."""

        def worth(arm: int) -> tuple[bool, float, int]:
            count = self.counts[arm]
            return (count > 0, self.totals[arm] / count if count else 0.0, count)

        return sorted(self.all if among is None else among, key=worth, reverse=True)


async def uniform(arms: Arms, n: int, settings: Settings) -> list[int]:
    """All arms alike, so ProTeGi's brute force: floor(rollouts / arms) pulls of each.

    With fewer rollouts than arms, the first arms get one each.
    """
    await arms.pull(dict.fromkeys(arms.all, max(1, arms.left // len(arms.all))))
    return arms.ranked()


async def upper_bounds(
    arms: Arms, n: int, settings: Settings, rule: Callable[..., list[int]]
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


async def successive_rejects(arms: Arms, n: int, settings: Settings) -> list[int]:
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


async def successive_halving(arms: Arms, n: int, settings: Settings) -> list[int]:
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


def _phase(arms: Arms, active: Sequence[int], phases_left: int) -> int:
    """Pulls of a phase: as many for each active arm as its share allows, and in the first one."""
    first = not any(arms.pulls)
    return max(int(first), arms.left // (phases_left * len(active))) * len(active)


async def continuous_rejects(
    arms: Arms,
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


async def race(arms: Arms, n: int, settings: Settings) -> list[int]:
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


ALLOCATORS: dict[str, Callable[[Arms, int, Settings], Awaitable[list[int]]]] = {
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
