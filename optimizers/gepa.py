"""GEPA: reflect in words on a few answers, and keep what is best somewhere (Agrawal et al., 2025).

https://arxiv.org/abs/2507.19457

Each iteration (algorithm 1) draws a parent from the Pareto front, where a candidate counts that is
the best on at least one validation example; measures it on a minibatch of the train split; lets
the optimizer model reflect on these answers and their feedback and write a child; and measures
the child on the same minibatch. A child that does better there is measured on the validation split
and joins the pool. Merge (appendix; off unless `max_merges` is set) puts together the parts that
two relatives of the front have changed.

Differs from the authors' code: reflection is told the task's description and labels, and where the
scorer gives no feedback, the score; what is optimized are the parts of a prompt, in turn (of a
program, those of one step, its module, after the other): the instruction and, if wanted, the demos,
which no model writes: they are drawn anew from examples of the train split that were got wrong, but
not those of the minibatch, whose answers they would give
away. A merge that fails counts against `max_merges` too, an ancestor that scores 0 can be merged
from, and a minibatch never holds an example twice. Sums are compared over the examples that both
prompts have an answer for. Objectives beside the score are the prompt's length and the tokens of a
call, where the code has whatever an evaluator gives. Answers are kept, so an iteration may be free;
`max_stale_iterations` in a row without a new child end the search.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar, Literal, get_args

from apo import Evaluation, Example, Prompt, Search, SettingsError, Task, check_ranges
from apo.optimizers.parts.choices import check_choices, check_several
from apo.optimizers.parts.epochs import minibatches
from apo.optimizers.parts.gepa_demos import redrawn_demos
from apo.optimizers.parts.gepa_merge import merges, no_worse
from apo.optimizers.parts.gepa_pool import Frontier, Objective, Pool
from apo.optimizers.parts.gepa_reflect import reflected
from apo.optimizers.parts.paired import difference, each


@dataclass(frozen=True, kw_only=True)
class GEPA:
    """Genetic-Pareto: reflective evolution along the front of specialists.

    Attributes:
        n_proposals: parents that an iteration draws from one state of the pool and works on at
            once (P of the code's P x N sampling). 1 is the paper's; more take less time for as
            many calls.
        n_mutations: children of each of these parents, each from a minibatch of its own (N).
        n_accepted: how many of the children that pass join the pool, those that gain most; 0 for
            all.
        minibatch_size: train examples that a reflection sees, and that decide about its child.
        selection: "pareto" draws a parent by how many fronts it is on, so of validation examples
            that it is the best on; "top" does so among the `n_top` highest means; "best" takes
            the highest mean; "epsilon" takes it too, but at times any candidate.
        epsilon: how often "epsilon" draws any candidate.
        n_top: candidates that "top" draws from.
        frontier: what there is a front for: each validation example ("instance"), each objective
            ("objective"), both ("hybrid"), or each pair of them ("cartesian").
        objectives: for the last three, of "score" (up), "length" (characters, down) and "cost"
            (tokens of a call, down).
        acceptance: a child must do better on the minibatch ("strict"), or no worse ("ties").
        skip_perfect: draw again when the parent is right about the whole minibatch.
        components: the parts that change, in turn: "instruction", "demos", or both; of a program,
            those of one step after the other.
        max_demos: demos that are drawn for the component "demos".
        max_merges: merges that are tried; 0 for none. The authors take 5, for programs of several
            steps; a single prompt needs two components.
        merge_size: validation examples that decide about a merge.
        max_iterations: iterations; the budget usually ends the search before.
        max_stale_iterations: iterations in a row without a new child after which the search ends.
        n_studied: train examples on which a parent's wrong answers are counted, for a page that its
            reflection sees beside the minibatch; 0, as published, for none.
        n_copies: how often each answer is dealt to groups that are reflected on apart (Combee); 0,
            as published, for one reflection on the whole minibatch.
        temperature: of the optimizer model.
    """

    n_proposals: int = 1
    n_mutations: int = 1
    n_accepted: int = 0
    minibatch_size: int = 3
    selection: Literal["pareto", "top", "best", "epsilon"] = "pareto"
    epsilon: float = 0.1
    n_top: int = 5
    frontier: Frontier = "instance"
    objectives: tuple[Objective, ...] = ("score", "length")
    acceptance: Literal["strict", "ties"] = "strict"
    skip_perfect: bool = True
    components: tuple[Literal["instruction", "demos"], ...] = ("instruction",)
    max_demos: int = 4
    max_merges: int = 0
    merge_size: int = 5
    max_iterations: int = 1000
    max_stale_iterations: int = 30
    n_studied: int = 0
    n_copies: int = 0
    temperature: float = 1.0
    knows_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        some, any_number = (1, math.inf), (0, math.inf)
        check_ranges(
            self, n_proposals=some, n_mutations=some, n_accepted=any_number, minibatch_size=some,
            epsilon=(0, 1), n_top=some, max_demos=some, max_merges=any_number, merge_size=some,
            max_iterations=some, max_stale_iterations=some, n_studied=any_number,
            n_copies=any_number, temperature=(0, 2),
        )  # fmt: skip
        check_choices(
            self,
            selection=("pareto", "top", "best", "epsilon"),
            acceptance=("strict", "ties"),
            frontier=get_args(Frontier),
        )
        check_several(self, components=("instruction", "demos"), objectives=get_args(Objective))

    def check(self, task: Task) -> None:
        """Refuse merges where there is one part to change, before anything is spent."""
        one_part = len(self.components) * max(len(p.steps) for p in task.seed_prompts) < 2
        if self.max_merges and one_part:
            raise SettingsError(
                f"GEPA.max_merges is {self.max_merges}, but a merge joins what two prompts have "
                'changed in different parts: set components=("instruction", "demos").'
            )

    async def run(self, search: Search) -> None:
        """Algorithm 1, with a merge after a child that was accepted (appendix)."""
        pool = Pool(search.rng, self.frontier, self.objectives)
        for evaluation in await search.map(search.evaluate, search.seed_prompts):
            pool.add(evaluation, ())
        batches = minibatches(search.rng, search.task.train, self.minibatch_size, fill=True)
        accepted, owed, tried, stale, known = False, 0, 0, 0, search.n_candidates
        for _ in range(self.max_iterations):
            if search.solved or stale == self.max_stale_iterations:
                return
            pair = self.merge(search, pool) if owed and accepted else None
            if pair:
                owed, tried, accepted = owed - 1, tried + 1, False
                await self.test_merge(search, pool, *pair)
            else:
                n = self.n_proposals * self.n_mutations
                accepted = await self.reflect(search, pool, list(islice(batches, n)))
                owed = min(owed + accepted, self.max_merges - tried)
            stale = 0 if search.n_candidates > known else stale + 1
            known = search.n_candidates

    async def reflect(
        self, search: Search, pool: Pool, batches: Sequence[Sequence[Example]]
    ) -> bool:
        """Select, mutate and test on the minibatches; whether a child joined the pool."""
        drawn = [self.select(search, pool) for _ in batches[:: self.n_mutations]]
        chosen = [i for i in drawn for _ in range(self.n_mutations)]
        parents = [pool.evaluations[i].prompt for i in chosen]
        befores = await each(search, zip(parents, batches, strict=True))
        children = await self.mutate(search, pool, list(zip(chosen, befores, strict=True)))
        tested = [(child, [r.example for r in before.rollouts]) for child, before, _ in children]
        passed: list[tuple[float, Prompt, int]] = []
        for after, (child, before, i) in zip(await each(search, tested), children, strict=True):
            gain = difference(before, after)
            if gain > 0 or (gain == 0 and self.acceptance == "ties"):
                passed.append((gain, child, i))
        if self.n_accepted:
            passed = sorted(passed, key=lambda found: found[0], reverse=True)[: self.n_accepted]
        better = {child: i for _, child, i in passed}
        for evaluation in await search.map(search.evaluate, better):
            pool.add(evaluation, (better[evaluation.prompt],))
        return bool(better)

    async def mutate(
        self, search: Search, pool: Pool, measured: Sequence[tuple[int, Evaluation]]
    ) -> list[tuple[Prompt, Evaluation, int]]:
        """Change one part of each parent that got something wrong: child, evaluation, parent."""
        asked: list[tuple[int, Evaluation]] = []
        children: list[tuple[Prompt, Evaluation, int]] = []
        for i, before in measured:
            pool.missed.update(dict.fromkeys(rollout.example for rollout in before.failures))
            if not before.answered or (self.skip_perfect and not before.failures):
                continue
            turn, pool.turns[i] = pool.turns[i], pool.turns[i] + 1
            names = list(before.prompt.steps)
            before = replace(before, prompt=before.prompt.focused(names[turn % len(names)]))
            if self.components[turn // len(names) % len(self.components)] == "demos":
                redrawn = redrawn_demos(search, before, pool.missed, self.max_demos)
                children += [(child, before, i) for child in redrawn]
            else:
                asked.append((i, before))
        pages = [await self.study(search, before.prompt) for _, before in asked]
        texts = await reflected(
            search, [before for _, before in asked], pages, n_copies=self.n_copies,
            temperature=self.temperature,
        )  # fmt: skip
        name = "combee_reduce" if self.n_copies else "gepa_reflect"
        for found, (i, before) in zip(texts, asked, strict=True):
            proposals = [before.prompt.with_instruction(text) for text in found]
            accepted = search.accept(proposals, operator=name, parents=[before.prompt])
            children += [(child, before, i) for child in accepted]
        return children

    async def study(self, search: Search, prompt: Prompt) -> str:
        """What a prompt gets wrong on some train examples, counted; "" as published."""
        if not self.n_studied:
            return ""
        studied = await search.evaluate(prompt, search.task.train[: self.n_studied])
        return search.failure_page(studied.rollouts)

    def select(self, search: Search, pool: Pool) -> int:
        """Algorithm 2, or one of the simpler rules it is compared with."""
        if self.selection in ("pareto", "top"):
            return pool.draw(search.rng, self.n_top if self.selection == "top" else None)
        if self.selection == "epsilon" and search.rng.random() < self.epsilon:
            return search.rng.randrange(len(pool.evaluations))
        return pool.best()

    def merge(self, search: Search, pool: Pool) -> tuple[Prompt, int, int] | None:
        """Algorithm 4: find two of the front that changed different parts, and join them."""
        for prompt, i, j in merges(pool, search.rng):
            sides = [pool.evaluations[i].prompt, pool.evaluations[j].prompt]
            if search.accept([prompt], operator="gepa_merge", parents=sides):
                return prompt, i, j
        return None

    async def test_merge(self, search: Search, pool: Pool, prompt: Prompt, i: int, j: int) -> None:
        """A merge joins the pool that is no worse than either parent on a few examples."""
        sides = pool.evaluations[i], pool.evaluations[j]
        if await no_worse(search, prompt, sides, self.merge_size):
            pool.add(await search.evaluate(prompt), (i, j))
