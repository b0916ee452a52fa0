"""GEPA's pool: the accepted candidates, their Pareto front and their family tree."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from apo import Evaluation, Example, Prompt, pareto_fronts, pareto_weights, roulette, undominated

Frontier = Literal["instance", "objective", "hybrid", "cartesian"]
"""What there is a front for."""
Objective = Literal["score", "length", "cost"]
"""What a prompt is good at: its score, few characters, or few tokens."""


@dataclass
class Pool:
    """The candidates that were accepted, and what is remembered about them.

    Attributes:
        rng: for the draw of an ancestor.
        frontier: what there is a front for.
        objectives: what candidates are measured by, where that is more than examples.
        evaluations: of each candidate on the validation split, the seeds first.
        parents: places of the candidates that each was made from.
        turns: how often a component of each was changed; tells whose turn it is.
        missed: train examples that some candidate got wrong, in order of the first time.
        merged: pairs and their ancestors that were tried.
    """

    rng: Random
    frontier: Frontier = "instance"
    objectives: tuple[Objective, ...] = ("score",)
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

    def front(self, n_top: int | None = None) -> tuple[list[int], list[int]]:
        """Who is not dominated, and on how many fronts each is.

        Args:
            n_top: look only at so many candidates with the highest values; None for all.
        """
        means = [evaluation.value for evaluation in self.evaluations]
        fronts = pareto_fronts(
            [columns(e, self.frontier, self.objectives) for e in self.evaluations]
        )
        if n_top is not None:
            top = set(sorted(range(len(means)), key=lambda i: -means[i])[:n_top])
            fronts = [front & top for front in fronts]
        kept = undominated(fronts, means)
        if kept:
            return kept, pareto_weights(fronts, kept)
        if n_top is not None:  # None of the best is first anywhere.
            return [means.index(max(means))], [1]
        return list(range(len(means))), [1] * len(means)  # Nothing was answered: all are alike.

    def draw(self, rng: Random, n_top: int | None = None) -> int:
        """Draw a candidate by how many fronts it is on (algorithm 2)."""
        kept, weights = self.front(n_top)
        return rng.choices(kept, weights)[0]

    def best(self) -> int:
        """The first candidate with the highest value."""
        means = [evaluation.value for evaluation in self.evaluations]
        return means.index(max(means))

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
    """Whether a part of some step differs from the ancestor's in exactly one of two prompts."""
    trios = zip(base.steps.values(), one.steps.values(), other.steps.values(), strict=True)
    return any(
        (a.instruction == b.instruction) != (c.instruction == b.instruction)
        or (a.demos == b.demos) != (c.demos == b.demos)
        for b, a, c in trios
    )


def columns(
    evaluation: Evaluation, frontier: Frontier, objectives: tuple[Objective, ...]
) -> list[float | None]:
    """What a candidate is worth on each front; higher is better, None is unknown."""
    length = -float(len(evaluation.prompt.text()))
    scores = [r.score.value if r.score else None for r in evaluation.rollouts]
    costs = [-float(r.tokens) for r in evaluation.rollouts]
    each: dict[Objective, list[float | None]] = {
        "score": scores,
        "length": [length] * len(scores),
        "cost": [*costs],
    }
    whole: dict[Objective, float] = {
        "score": evaluation.value,
        "length": length,
        "cost": sum(costs) / max(1, len(costs)),
    }
    if frontier == "cartesian":
        return [value for name in objectives for value in each[name]]
    of_objectives = [] if frontier == "instance" else [whole[name] for name in objectives]
    return [*([] if frontier == "objective" else scores), *of_objectives]
