"""GEPA's pool: the accepted candidates, their Pareto front and their family tree."""

from dataclasses import dataclass, field
from random import Random

from apo import Evaluation, Example, Prompt, pareto_fronts, pareto_weights, roulette, undominated


@dataclass
class Pool:
    """The candidates that were accepted, and what is remembered about them.

    Attributes:
        rng: for the draw of an ancestor.
        evaluations: of each candidate on the validation split, the seeds first.
        parents: places of the candidates that each was made from.
        turns: how often a component of each was changed; tells whose turn it is.
        missed: train examples that some candidate got wrong, in order of the first time.
        merged: pairs and their ancestors that were tried.
    """

    rng: Random
    evaluations: list[Evaluation] = field(default_factory=list[Evaluation])
    parents: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    turns: list[int] = field(default_factory=list[int])
    missed: dict[Example, None] = field(default_factory=dict[Example, None])
    merged: set[tuple[int, int, int]] = field(default_factory=set[tuple[int, int, int]])

    def add(self, evaluation: Evaluation, parents: tuple[int, ...]) -> None:
        """A child goes on where the parent that is furthest on stands in the turn of components."""
        self.turns.append(max((self.turns[k] for k in parents), default=0))
        self.evaluations.append(evaluation)
        self.parents.append(parents)

    def front(self) -> tuple[list[int], list[int]]:
        """Who is not dominated, and on how many validation examples each is among the best."""
        scores = [
            [r.score.value if r.score else None for r in e.rollouts] for e in self.evaluations
        ]
        fronts = pareto_fronts(scores)
        kept = undominated(fronts, [evaluation.value for evaluation in self.evaluations])
        if not kept:  # No example was answered: all are alike.
            return list(range(len(scores))), [1] * len(scores)
        return kept, pareto_weights(fronts, kept)

    def ancestors(self, k: int) -> set[int]:
        """All candidates that k was made from."""
        return set(self.parents[k]).union(*(self.ancestors(parent) for parent in self.parents[k]))

    def common_ancestor(self, i: int, j: int) -> int | None:
        """Draw an ancestor that a merge of i and j may start from; None when there is none.

        It scores no better than either, and some part was changed by one of them alone.
        """
        if i in self.ancestors(j):
            return None
        means = [evaluation.value for evaluation in self.evaluations]
        found = [
            a
            for a in sorted(self.ancestors(i) & self.ancestors(j))
            if (i, j, a) not in self.merged
            and means[a] <= min(means[i], means[j])
            and one_sided(*(self.evaluations[k].prompt for k in (a, i, j)))
        ]
        if not found:
            return None
        return found[roulette([means[a] for a in found], self.rng)[0]]


def one_sided(base: Prompt, one: Prompt, other: Prompt) -> bool:
    """Whether a part differs from the ancestor's in exactly one of two prompts."""
    return (one.instruction == base.instruction) != (other.instruction == base.instruction) or (
        (one.demos == base.demos) != (other.demos == base.demos)
    )
