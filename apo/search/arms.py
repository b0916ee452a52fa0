"""A pool of prompts under measurement, as the rules of `apo.search.allocators` pull it."""

from collections.abc import Iterable, Mapping, Sequence

from apo.evaluation.evaluation import Evaluation
from apo.prompts.prompt import Prompt
from apo.search.search import Search
from apo.task import Example


class MeasuredPool:
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
