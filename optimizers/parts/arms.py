"""Prompts as the arms of a bandit: running sums of their scores, or of their ranks."""

from collections.abc import Sequence

from apo import Example, Prompt, Search


class Arms:
    """Running sums of the scores of a pool.

    Args:
        search: what scores the prompts.
        pool: the arms.
        score: what an example adds: "execution", the score of the answer, or "likelihood", the
            log-probability of the right answer. One that was refused counts as the lowest of all
            that were seen, so that no arm gains by it; an arm with nothing else is unknown.
    """

    def __init__(self, search: Search, pool: Sequence[Prompt], score: str) -> None:
        self.search, self.pool, self.score = search, pool, score
        self.totals, self.counts = [0.0] * len(pool), [0] * len(pool)
        self.refused, self.lowest = [0] * len(pool), 0.0

    async def pull(self, picked: Sequence[int], batches: Sequence[Sequence[Example]]) -> None:
        """Score the picked arms, each on its batch."""

        async def scored(pair: tuple[int, Sequence[Example]]) -> Sequence[float | None]:
            arm, batch = pair
            if self.score == "likelihood":
                return await self.search.likelihood(self.pool[arm], batch)
            evaluation = await self.search.evaluate(self.pool[arm], batch)
            return [rollout.score.value for rollout in evaluation.scored if rollout.score]

        values = await self.search.map(scored, zip(picked, batches, strict=True))
        for arm, found in zip(picked, values, strict=True):
            added = [value for value in found if value is not None]
            self.totals[arm] += sum(added)
            self.counts[arm] += len(added)
            self.refused[arm] += len(found) - len(added)
            self.lowest = min(self.lowest, *added) if added else self.lowest

    def rewards(self) -> list[float]:
        """The sums that the bandit sees: of scores or, as likelihoods have no scale, of ranks."""
        if self.score == "execution":
            return self.totals
        means = [self.mean(arm) if n else None for arm, n in enumerate(self.counts)]
        return [rank * n for rank, n in zip(ranks(means), self.counts, strict=True)]

    def sorted(self) -> list[Prompt]:
        """The arms that have samples, the highest mean first; ties in order of the pool."""
        known = [arm for arm, count in enumerate(self.counts) if count]
        known.sort(key=self.mean, reverse=True)
        return [self.pool[arm] for arm in known]

    def mean(self, arm: int) -> float:
        """The mean score of an arm that has samples."""
        n = self.refused[arm]
        return (self.totals[arm] + n * self.lowest) / (self.counts[arm] + n)


def ranks(means: Sequence[float | None]) -> list[float]:
    """The share of the other known means that each beats, a tie counting half; in [0, 1].

    0.5 for one that is alone; 0 for an unknown one, whose count says that it is unknown.
    """
    known = [mean for mean in means if mean is not None]
    others = max(1, len(known) - 1)

    def share(mean: float) -> float:
        ties = known.count(mean) - 1 if len(known) > 1 else 1
        return (sum(other < mean for other in known) + ties / 2) / others

    return [0.0 if mean is None else share(mean) for mean in means]
