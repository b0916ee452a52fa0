"""Two prompts on the same examples, example by example: read alike wherever two are compared.

A refused request scores 0 (docs/decisions/0023-refusals.md). An answer that nobody could grade has
no score: what is said of the difference must then hold whatever the grade would have been.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from apo.evaluation.evaluation import Evaluation, Rollout
from apo.statistics.bounded import bounded_interval, bounded_p
from apo.statistics.clusters import by_group, clustered


@dataclass
class Pairs:
    """The examples that both prompts were measured on.

    Attributes:
        graded: both rollouts of each example that has a score under both.
        differences: of their scores, the second prompt's less the first one's, in [-1, 1].
        lowest: of all examples, with the grades that are missing at their worst for the second
            prompt: 1 for the first, 0 for the second.
        highest: the same with those at their best for it.
        groups: what each of all examples belongs with; "" where it stands alone.
    """

    graded: list[tuple[Rollout, Rollout]] = field(default_factory=list[tuple[Rollout, Rollout]])
    differences: list[float] = field(default_factory=list[float])
    lowest: list[float] = field(default_factory=list[float])
    highest: list[float] = field(default_factory=list[float])
    groups: list[str] = field(default_factory=list[str])

    @property
    def ungraded(self) -> int:
        """How many examples have no score under the one or the other prompt."""
        return len(self.lowest) - len(self.differences)

    @property
    def refused(self) -> tuple[int, int]:
        """How many of the graded examples were refused under the first and the second prompt."""
        return sum(a.refused for a, _ in self.graded), sum(b.refused for _, b in self.graded)

    @property
    def groups_graded(self) -> list[str]:
        """What each of the graded examples belongs with."""
        return [a.example.group for a, _ in self.graded]

    def add(self, first: Evaluation, second: Evaluation) -> "Pairs":
        """Take in two evaluations of the same examples, in one order, and give itself."""
        for a, b in zip(first.rollouts, second.rollouts, strict=True):
            self.groups.append(a.example.group)
            before, after = (None if r.score is None else r.score.value for r in (a, b))
            self.lowest.append((after or 0.0) - (1.0 if before is None else before))
            self.highest.append((1.0 if after is None else after) - (before or 0.0))
            if before is not None and after is not None:
                self.graded.append((a, b))
                self.differences.append(after - before)
        return self


def tested(
    differences: Sequence[float], groups: Sequence[str]
) -> tuple[tuple[float, float], float]:
    """Interval, at 95 %, and two-sided p-value of a mean difference of scores.

    Args:
        differences: in [-1, 1], at least one.
        groups: what the row of each belongs with; where rows share a group, groups are counted.
    """
    if any(groups):
        return clustered(*by_group(differences, groups))
    return bounded_interval(differences), bounded_p(differences)
