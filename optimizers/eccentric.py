"""Eccentric prompts: a grid of praise, pleas and step-by-step cues, and a search that may be as odd
as it likes (Battle and Gollapudi, 2024).

https://arxiv.org/abs/2402.10949

The grid wraps the seed instruction in an opener, a task sentence and a closer, with and without a
cue to reason step by step; none is a level of each. All combinations are measured on the same few
examples, which gives the main effect of every level; the best of them race on more examples, and
the leaders are measured on the validation split. The search proposes instructions together with
the first words of the answer, from its scored attempts, and starts from the seed prompt.

Differs from the authors' study (there is no official code): wording and Korean levels are ours;
the texts stand around the seed instruction, not in its place, so that its labels and its form of
answer are not lost, and the cue stands where the answer starts. The study measures the whole grid
on the first 10 to 100 examples: `n_screen=n_examples` does so, for 120 calls an example. By
default all are measured on the first 5 and the best 30 race on the first 25, so that 2,000 calls
suffice; of equal ones, those come first whose levels did better elsewhere. The search has COPRO's
loop and defaults, scored on the same slice; its optimizer model is told the task and sees a few
training examples (`n_demos=0`: none), and what was tried is not measured again. Both leave the
choice to the validation split: on a slice of 25, luck is larger than most effects.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from apo import ALLOCATORS, Evaluation, Example, Prompt, Search, allocate, check_ranges
from apo.optimizers.parts.choices import check_choices
from apo.optimizers.parts.eccentric_grid import (
    FACTORS,
    Cell,
    best_cells,
    main_effects,
    read_levels,
    wrapped,
    write_table,
)
from apo.optimizers.parts.prefix import best_last, climb, propose_pairs


@dataclass(frozen=True, kw_only=True)
class EccentricGrid:
    """A grid of praise, pleas and step-by-step cues around the seed prompt (Battle et al., 2024).

    Leaves its table of main effects in `main_effects.json` in the run's folder.

    Attributes:
        n_examples: the first so many training examples are the slice that prompts are scored on.
        n_screen: the first so many of the slice, on which every combination is measured; fewer
            when the budget is small. As many as n_examples: the whole grid, and no race.
        n_raced: combinations that race on the slice, the seed prompt among them.
        n_leaders: combinations that are measured on the validation split.
        allocator: rule of the race, a name that `apo.allocate` knows.
    """

    n_examples: int = 25
    n_screen: int = 5
    n_raced: int = 30
    n_leaders: int = 3
    allocator: str = "race"

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(self, n_examples=some, n_screen=some, n_raced=some, n_leaders=some)
        check_choices(self, allocator=ALLOCATORS)

    async def run(self, search: Search) -> None:
        """Measure the grid, tell the main effects, and let the best race."""
        cells = dict(self.grid(search))
        examples = search.task.train[: self.n_examples]
        screened = await self.screen(search, list(cells), examples)
        means = {cells[e.prompt]: e.value for e in screened if e.scored}
        effects = main_effects(means)
        write_table(search, means, effects)
        prompts = {cell: prompt for prompt, cell in cells.items()}
        ranked = [prompts[cell] for cell in best_cells(means, effects)]
        if self.n_screen < len(examples):
            ranked = await self.race(search, ranked, examples)
        await search.map(search.evaluate, ranked[: self.n_leaders])

    def grid(self, search: Search) -> Iterator[tuple[Prompt, Cell]]:
        """All combinations with their levels; that of no level at all is the seed prompt."""
        seed = search.seed_prompts[0]
        levels = read_levels(search.meta_prompt(__file__, "eccentric_levels").text)
        for cell in product(*(levels[factor] for factor in FACTORS)):
            texts = [levels[f][level] for f, level in zip(FACTORS, cell, strict=True)]
            prompt, name = wrapped(seed, *texts), f"grid: {', '.join(cell)}"
            if prompt == seed or search.accept([prompt], operator=name, parents=[seed]):
                yield prompt, cell

    async def screen(
        self, search: Search, pool: Sequence[Prompt], examples: Sequence[Example]
    ) -> list[Evaluation]:
        """Measure every combination on the same examples, as many as can be paid for all."""
        size = max(1, int(min(self.n_screen, self.spare(search) // len(pool))))
        return await search.map(lambda prompt: search.evaluate(prompt, examples[:size]), pool)

    async def race(
        self, search: Search, ranked: Sequence[Prompt], examples: Sequence[Example]
    ) -> list[Prompt]:
        """Let the best go on over the whole slice, and the seed prompt in any case."""
        seed = search.seed_prompts[0]
        pool = [*[prompt for prompt in ranked if prompt != seed][: self.n_raced - 1], seed]
        rollouts = int(min(len(pool) * len(examples), self.spare(search)))
        return await allocate(
            search, pool, self.n_leaders, rollouts=rollouts, allocator=self.allocator,
            examples=examples,
        )  # fmt: skip

    def spare(self, search: Search) -> float:
        """Calls that are left beside the leaders' validation."""
        return max(0.0, search.calls_left - self.n_leaders * len(search.task.validation))


@dataclass(frozen=True, kw_only=True)
class EccentricSearch:
    """COPRO-like search that may be as odd as it likes (Battle and Gollapudi, 2024).

    Attributes:
        breadth: pairs of instruction and answer prefix proposed at a time, and attempts shown.
        depth: rounds of proposals.
        n_examples: the first so many training examples are the slice that pairs are scored on.
        n_leaders: attempts that are measured on the validation split after each round.
        n_demos: training examples shown to the optimizer model, drawn anew for each proposal.
        temperature: of the optimizer model.
    """

    breadth: int = 10
    depth: int = 3
    n_examples: int = 25
    n_leaders: int = 2
    n_demos: int = 10
    temperature: float = 1.4

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, breadth=some, depth=some, n_examples=some, n_leaders=some,
            n_demos=(0, math.inf), temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Propose from the attempts, score the new ones on the slice, and again."""
        examples = search.task.train[: self.n_examples]
        await climb(search, self.depth, self.propose, examples=examples, n_leaders=self.n_leaders)

    async def propose(self, search: Search, _: int, attempts: Sequence[Evaluation]) -> list[Prompt]:
        """Show the best attempts, the best last, and ask for pairs that may be strange."""
        shown = best_last(attempts)[-self.breadth :]
        metas = [
            search.meta_prompt(
                __file__, "eccentric_propose", parents=[shown[-1].prompt], history=shown,
                examples=search.minibatch(self.n_demos),
            )
            for _ in range(self.breadth)
        ]  # fmt: skip
        return await propose_pairs(search, metas, temperature=self.temperature)
