"""GEPA: reflect in words on a few answers, and keep what is best somewhere, not only on average
(Agrawal et al., 2025).

https://arxiv.org/abs/2507.19457

Each iteration (algorithm 1) draws a parent from the Pareto front, where a candidate counts that is
the best on at least one validation example; measures it on a minibatch of the train split; lets
the optimizer model reflect on these answers and their feedback and write a child; and measures
the child on the same minibatch. A child that does better there is measured on the validation split
and joins the pool. Merge (appendix; off unless `max_merges` is set) puts together the parts that
two relatives of the front have changed.

Differs from the authors' code: what is optimized are the parts of one prompt, in turn: the
instruction and, if wanted, the demos, which no model writes: they are drawn anew from examples of
the train split that were got wrong, but not those of the minibatch, whose answers they would give
away. A merge that fails counts against `max_merges` too, an ancestor that scores 0 can be merged
from, and a minibatch never holds an example twice. Sums are compared over the examples that both
prompts have an answer for. Answers are kept, so an iteration may be free; `max_stale_iterations`
in a row without a new child end the search. There are no parallel proposals.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from apo import (
    Evaluation,
    Example,
    Prompt,
    Search,
    SettingsError,
    check_ranges,
    pareto_fronts,
    pareto_weights,
    roulette,
    undominated,
)

MERGE_TRIES = 100


@dataclass(frozen=True, kw_only=True)
class GEPA:
    """Genetic-Pareto: reflective evolution along the front of specialists.

    Attributes:
        minibatch_size: train examples that one reflection sees and that decide about its child. A
            larger one makes the decision less noisy.
        selection: "pareto" draws a parent by how many validation examples it is the best on;
            "best" takes the highest mean; "epsilon" takes it too, but at times any candidate.
        epsilon: how often "epsilon" draws any candidate.
        acceptance: a child must do better on the minibatch ("strict"), or no worse ("ties").
        skip_perfect: draw again when the parent is right about the whole minibatch.
        components: the parts that change, in turn: "instruction", "demos", or both.
        max_demos: demos that are drawn for the component "demos".
        max_merges: merges that are tried; 0 for none. The authors take 5, and two components.
        merge_size: validation examples that decide about a merge.
        max_iterations: iterations; the budget usually ends the search before.
        max_stale_iterations: iterations in a row without a new child after which the search ends.
        temperature: of the optimizer model.
    """

    minibatch_size: int = 3
    selection: Literal["pareto", "best", "epsilon"] = "pareto"
    epsilon: float = 0.1
    acceptance: Literal["strict", "ties"] = "strict"
    skip_perfect: bool = True
    components: tuple[Literal["instruction", "demos"], ...] = ("instruction",)
    max_demos: int = 4
    max_merges: int = 0
    merge_size: int = 5
    max_iterations: int = 1000
    max_stale_iterations: int = 30
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, minibatch_size=some, epsilon=(0, 1), max_demos=some, max_merges=(0, math.inf),
            merge_size=some, max_iterations=some, max_stale_iterations=some, temperature=(0, 2),
        )  # fmt: skip
        for name, known in (
            ("selection", ("pareto", "best", "epsilon")), ("acceptance", ("strict", "ties")),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise SettingsError(f"GEPA.{name} is {getattr(self, name)!r}, not one of {known}.")
        names = self.components
        if not names or len(set(names)) < len(names) or set(names) - {"instruction", "demos"}:
            raise SettingsError(
                f'GEPA.components is {names!r}; it holds "instruction", "demos" or both, once each.'
            )
        if self.max_merges and len(names) < 2:
            raise SettingsError(
                f"GEPA.max_merges is {self.max_merges}, but a merge joins what two prompts have "
                'changed in different parts: set components=("instruction", "demos").'
            )

    async def run(self, search: Search) -> None:
        """Algorithm 1, with a merge after a child that was accepted (appendix)."""
        pool = Pool(search.rng)
        for evaluation in await search.map(search.evaluate, search.seed_prompts):
            pool.add(evaluation, ())
        batches = minibatches(search.rng, search.task.train, self.minibatch_size)
        accepted, owed, merges, stale, known = False, 0, 0, 0, search.n_candidates
        for _ in range(self.max_iterations):
            if search.solved or stale == self.max_stale_iterations:
                return
            pair = self.merge(search, pool) if owed and accepted else None
            if pair:
                owed, merges, accepted = owed - 1, merges + 1, False
                await self.test_merge(search, pool, *pair)
            else:
                accepted = await self.reflect(search, pool, next(batches))
                owed = min(owed + accepted, self.max_merges - merges)
            stale = 0 if search.n_candidates > known else stale + 1
            known = search.n_candidates

    async def reflect(self, search: Search, pool: "Pool", batch: Sequence[Example]) -> bool:
        """Select, mutate and test on the minibatch; whether the child joined the pool."""
        chosen = self.select(search, pool)
        before = await search.evaluate(pool.evaluations[chosen].prompt, batch)
        pool.missed.update(dict.fromkeys(rollout.example for rollout in before.failures))
        if not before.answered or (self.skip_perfect and not before.failures):
            return False
        turn, pool.turns[chosen] = pool.turns[chosen], pool.turns[chosen] + 1
        if self.components[turn % len(self.components)] == "demos":
            children = self.choose_demos(search, pool, before)
        else:
            children = await self.update_instruction(search, before)
        if not children:
            return False
        gain = difference(before, await search.evaluate(children[0], batch))
        if not (gain > 0 or (gain == 0 and self.acceptance == "ties")):
            return False
        pool.add(await search.evaluate(children[0]), (chosen,))
        return True

    async def update_instruction(self, search: Search, before: Evaluation) -> list[Prompt]:
        """Reflective prompt mutation (§3.2): all answers of the minibatch, right ones as well."""
        text = search.meta_prompt(
            __file__,
            "gepa_reflect",
            parents=[before.prompt],
            prompt=before.prompt,
            rollouts=before.answered,
        )
        return await search.propose([text], temperature=self.temperature)

    def choose_demos(self, search: Search, pool: "Pool", before: Evaluation) -> list[Prompt]:
        """Draw demos from examples that were got wrong, but not now."""
        now = {rollout.example for rollout in before.rollouts}
        missed = [example for example in pool.missed if example not in now]
        chosen = search.rng.sample(missed, min(len(missed), self.max_demos))
        prompt = before.prompt
        child = prompt.with_demos(tuple(prompt.demo(e.inputs, e.target) for e in chosen))
        return search.accept([child], operator="gepa_demos", parents=[prompt]) if chosen else []

    def select(self, search: Search, pool: "Pool") -> int:
        """Algorithm 2, or one of the simpler rules it is compared with."""
        means = [evaluation.mean for evaluation in pool.evaluations]
        if self.selection == "pareto":
            kept, weights = pool.front()
            return search.rng.choices(kept, weights)[0]
        if self.selection == "epsilon" and search.rng.random() < self.epsilon:
            return search.rng.randrange(len(means))
        return means.index(max(means))

    def merge(self, search: Search, pool: "Pool") -> tuple[Prompt, int, int] | None:
        """Algorithm 4: find two of the front that changed different parts, and join them."""
        front, _ = pool.front()
        for _ in range(MERGE_TRIES if len(front) > 1 else 0):
            i, j = sorted(search.rng.sample(front, 2))
            ancestor = pool.common_ancestor(i, j)
            if ancestor is None:
                continue
            pool.merged.add((i, j, ancestor))
            base, *sides = (pool.evaluations[k].prompt for k in (ancestor, i, j))
            ahead = pool.evaluations[i].mean - pool.evaluations[j].mean
            first_leads = ahead > 0 or (ahead == 0 and search.rng.random() < 0.5)
            prompt = merged(base, *(sides if first_leads else sides[::-1]))
            if search.accept([prompt], operator="gepa_merge", parents=sides):
                return prompt, i, j
        return None

    async def test_merge(
        self, search: Search, pool: "Pool", prompt: Prompt, i: int, j: int
    ) -> None:
        """A merge joins the pool that is no worse than either parent on a few examples."""
        sides = pool.evaluations[i], pool.evaluations[j]
        examples = contrast(search.rng, *sides, self.merge_size)
        after = await search.evaluate(prompt, examples)
        if all(difference(part(side, examples), after) >= 0 for side in sides):
            pool.add(await search.evaluate(prompt), (i, j))


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
        kept = undominated(fronts, [evaluation.mean for evaluation in self.evaluations])
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
        means = [evaluation.mean for evaluation in self.evaluations]
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


def merged(base: Prompt, better: Prompt, other: Prompt) -> Prompt:
    """Take each part from the side that changed it; from the better one where both did."""
    return replace(
        better,
        instruction=(other if better.instruction == base.instruction else better).instruction,
        demos=(other if better.demos == base.demos else better).demos,
    )


def difference(before: Evaluation, after: Evaluation) -> float:
    """Sum of the second's scores less that of the first's, where both have an answer.

    Not a number, which is no gain and no tie, when there is no such example.
    """
    pairs = zip(before.rollouts, after.rollouts, strict=True)
    gains = [b.score.value - a.score.value for a, b in pairs if a.score and b.score]
    return math.fsum(gains) if gains else math.nan


def part(evaluation: Evaluation, examples: Sequence[Example]) -> Evaluation:
    """Some examples of an evaluation, in their order."""
    found = {rollout.example: rollout for rollout in evaluation.rollouts}
    return Evaluation(evaluation.prompt, tuple(found[example] for example in examples))


def contrast(rng: Random, one: Evaluation, other: Evaluation, size: int) -> list[Example]:
    """Draw examples, about a third each: one is better, the other is, they are alike."""
    better: list[Example] = []
    worse: list[Example] = []
    alike: list[Example] = []
    for a, b in zip(one.rollouts, other.rollouts, strict=True):
        if a.score and b.score:
            gap = a.score.value - b.score.value
            (better if gap > 0 else worse if gap < 0 else alike).append(a.example)
    chosen: list[Example] = []
    for group in (better, worse, alike):
        n = min(len(group), math.ceil(size / 3), size - len(chosen))
        chosen += rng.sample(group, n)
    rest = [example for example in (*better, *worse, *alike) if example not in chosen]
    return chosen + rng.sample(rest, min(len(rest), size - len(chosen)))


def minibatches(
    rng: Random, examples: Sequence[Example], size: int
) -> Iterator[tuple[Example, ...]]:
    """Shuffle all examples again and again, and cut each pass into minibatches.

    The last of a pass is filled up with the examples that were used least.
    """
    size = min(size, len(examples))
    used = [0] * len(examples)
    while True:
        order = rng.sample(range(len(examples)), len(examples))
        tail = order[len(order) - len(order) % size :]
        others = [k for k in order if k not in tail]
        order += sorted(others, key=lambda k: used[k])[: -len(order) % size]
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            for k in chosen:
                used[k] += 1
            yield tuple(examples[k] for k in chosen)
