"""Two prompts on the same examples, example by example: read alike wherever two are compared.

A refused request scores 0 (docs/decisions/0023-refusals.md). An answer that nobody could grade has
no score: what is said of the difference must then hold whatever the grade would have been.
"""

from dataclasses import dataclass, field

from apo.evaluation.evaluation import Evaluation, Rollout


@dataclass
class Pairs:
    """The examples that both prompts were measured on.

    Attributes:
        graded: both rollouts of each example that has a score under both.
        differences: of their scores, the second prompt's less the first one's, in [-1, 1].
        lowest: of all examples, with the grades that are missing at their worst for the second
            prompt: 1 for the first, 0 for the second.
        highest: the same with those at their best for it.
    """

    graded: list[tuple[Rollout, Rollout]] = field(default_factory=list[tuple[Rollout, Rollout]])
    differences: list[float] = field(default_factory=list[float])
    lowest: list[float] = field(default_factory=list[float])
    highest: list[float] = field(default_factory=list[float])

    @property
    def ungraded(self) -> int:
        """How many examples have no score under the one or the other prompt."""
        return len(self.lowest) - len(self.differences)

    @property
    def refused(self) -> tuple[int, int]:
        """How many of the graded examples were refused under the first and the second prompt."""
        return sum(a.refused for a, _ in self.graded), sum(b.refused for _, b in self.graded)

    def add(self, first: Evaluation, second: Evaluation) -> "Pairs":
        """Take in two evaluations of the same examples, in one order, and give itself."""
        for a, b in zip(first.rollouts, second.rollouts, strict=True):
            before, after = (None if r.score is None else r.score.value for r in (a, b))
            self.lowest.append((after or 0.0) - (1.0 if before is None else before))
            self.highest.append((1.0 if after is None else after) - (before or 0.0))
            if before is not None and after is not None:
                self.graded.append((a, b))
                self.differences.append(after - before)
        return self
