"""Two prompts compared on more and more rows, and looked at after each part of them.

Looking again and again would make an ordinary test err far more often than it says. These bet
(Waudby-Smith and Ramdas, 2024; `apo.statistics.sequential`), and hold however often one looks.
Where rows come in groups, a look takes whole groups, and the bets are on the means of groups.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from apo.evaluation.evaluation import Evaluation
from apo.results.paired import Pairs
from apo.statistics.clusters import by_group, full_bet, group_numbers
from apo.statistics.sequential import anytime_interval, anytime_p
from apo.task import Example, text_hash

FIRST = 20
"""Rows of the first look; each next look adds half of what was seen."""


@dataclass
class Looks:
    """What was seen so far of a second prompt beside a first one.

    Attributes:
        size: the size of a group on which all may be bet; see `full_bet`.
        pairs: both prompts on the rows that were seen.
        n: how often was looked.
    """

    size: float
    pairs: Pairs = field(default_factory=Pairs)
    n: int = 0

    @classmethod
    def at(cls, examples: Iterable[Example]) -> "Looks":
        """Begin to look at so many examples at most."""
        return cls(full_bet([example.group for example in examples]))

    @property
    def gain(self) -> float:
        """Mean score of the second prompt less the first one's, so far; 0 before a score."""
        found = self.pairs.differences
        return sum(found) / len(found) if found else 0.0

    @property
    def better_p(self) -> float:
        """One-sided p-value of "the second prompt is no better", whatever is ungraded."""
        low, _, weights = self._by_group()
        return anytime_p(low, weights)

    def add(self, first: Evaluation, second: Evaluation) -> None:
        """Take in both prompts on further rows, which is a look."""
        self.pairs.add(first, second)
        self.n += 1

    @property
    def worse_p(self) -> float:
        """One-sided p-value of "the second prompt is no worse", whatever is ungraded."""
        _, high, weights = self._by_group()
        return anytime_p([-value for value in high], weights)

    @property
    def interval(self) -> tuple[float, float]:
        """Of what the second prompt scores above the first, at 95 % for all looks together."""
        low, high, weights = self._by_group()
        return anytime_interval(low, weights)[0], anytime_interval(high, weights)[1]

    def _by_group(self) -> tuple[list[float], list[float], list[float]]:
        """What is bet on: each group's lowest and highest mean, and its weight."""
        lowest, sizes = by_group(self.pairs.lowest, self.pairs.groups)
        highest, _ = by_group(self.pairs.highest, self.pairs.groups)
        low, high = (
            [total / n for total, n in zip(sums, sizes, strict=True)] for sums in (lowest, highest)
        )
        return low, high, [n / self.size for n in sizes]


def in_order(examples: Iterable[Example]) -> list[Example]:
    """By content, which is as good as by chance, and the same whatever order the file has."""
    found = sorted(examples, key=lambda example: example.id)
    return sorted(found, key=lambda e: (text_hash([e.group]) if e.group else e.id, e.group))


def rows_to_look_at(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    """What is measured before each look; no group is divided."""
    numbers = group_numbers([example.group for example in examples])
    pairs = zip(numbers, [*numbers[1:], -1], strict=True)
    ends = [place for place, (one, next_) in enumerate(pairs, 1) if one != next_]
    seen = 0
    while seen < len(examples):
        wanted = max(FIRST, seen + seen // 2)
        end = next((end for end in ends if end >= wanted), len(examples))
        yield examples[seen:end]
        seen = end
