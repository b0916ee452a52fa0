"""MO-CAPO: instructions and demos evolve together, and race for score and cost at once
(Büssing et al., 2026).

https://arxiv.org/abs/2605.18869

Children are made as in CAPO, from parents that win tournaments. Each child is a challenger: it is
measured block by block, on blocks that all incumbents have seen, and goes as soon as the incumbent
next to it dominates it there, in score and in the tokens of a call; who is never dominated joins
the incumbents, and drives out whom it dominates. After each challenger the least known incumbent is
measured on one more block. So bad prompts cost little, and a front of good and of cheap prompts
grows.

Differs from the authors' code: tokens read and written have the same weight (there the default of
two weights), as a rollout knows only their sum, and where a server counts none, characters stand
for them; a challenger's mean is that of all its blocks (the code loses some where it looks at
several in a row); a second parent is drawn from the others (the code draws again, and may do so for
ever); prompts and demos are made as our CAPO makes them, whose differences hold here, too; the
incumbents are measured on the validation split after each step, `n_leaders` of them, from the best
score to the lowest cost, and `apo show --front` shows these. The winner has the highest score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Prompt, Search, check_ranges
from apo.optimizers.parts.capo_children import Blocks, cross, first_population, mutate, split
from apo.optimizers.parts.mocapo_front import Front, Vector, dominates
from apo.optimizers.parts.simba_draws import evenly_spaced


@dataclass(frozen=True, kw_only=True)
class MOCAPO:
    """Multi-objective cost-aware prompt optimization.

    Attributes:
        population_size: places of incumbents and the rest together.
        n_crossovers: children of each step.
        block_size: examples of a block, from the train split.
        max_demos: demos of a prompt at most.
        demo_share: share of the train split that is kept for demos; at least `max_demos` examples
            where that is not over half of it.
        n_examples: training examples shown for each instruction of the first population.
        n_leaders: incumbents measured on the validation split after each step.
        n_steps: steps; the budget usually ends the search before.
        max_stale_steps: steps without any new prompt after which the search ends.
        temperature: of the optimizer model.
    """

    population_size: int = 10
    n_crossovers: int = 4
    block_size: int = 30
    max_demos: int = 5
    demo_share: float = 0.1
    n_examples: int = 20
    n_leaders: int = 3
    n_steps: int = 200
    max_stale_steps: int = 5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some, several = (1, math.inf), (2, math.inf)
        check_ranges(
            self, population_size=several, n_crossovers=some, block_size=some,
            max_demos=(0, math.inf), demo_share=(0, 0.5), n_examples=some, n_leaders=several,
            n_steps=some, max_stale_steps=some, temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Parents by tournament, children as in CAPO, each intensified in turn."""
        pool, blocks = split(
            search.task.train, search.rng, demo_share=self.demo_share, max_demos=self.max_demos,
            block_size=self.block_size,
        )  # fmt: skip
        population = await first_population(
            search, pool, size=self.population_size, n_examples=self.n_examples,
            max_demos=self.max_demos, temperature=self.temperature,
        )  # fmt: skip
        front = Front(search.rng, self.population_size)
        block = search.rng.randrange(len(blocks))
        for found in await search.map(lambda p: search.evaluate(p, blocks[block]), population):
            front.add(block, found)
        front.sort(population, {block})
        stale = 0
        for _ in range(self.n_steps):
            pairs = [front.parents() for _ in range(self.n_crossovers)]
            crossed = await cross(search, pairs, self.temperature)
            children = await mutate(search, crossed, pool, self.max_demos, self.temperature)
            for child in children:
                await self.intensify(search, front, child, blocks)
                await self.look_further(search, front, blocks)
            await search.map(search.evaluate, self.leaders(front))
            stale = 0 if children else stale + 1
            if search.solved or stale == self.max_stale_steps:
                return

    async def intensify(
        self, search: Search, front: Front, challenger: Prompt, blocks: Blocks
    ) -> None:
        """Algorithm 3: block by block, until it is dominated or has seen what incumbents saw."""
        common, before = front.common(), (-math.inf, -math.inf)
        while True:
            now = before
            while front.blocks(challenger) != common and not dominates(now, before):
                now = await self.measure(search, front, challenger, blocks, common)
            before = now
            if front.blocks(challenger) == common:
                front.sort([*front.incumbents, challenger], common)
                break
            nearest = front.vector(front.closest(now), front.blocks(challenger))
            if dominates(nearest, now):
                front.rest.append(challenger)
                break
        front.prune()

    async def measure(
        self, search: Search, front: Front, challenger: Prompt, blocks: Blocks, common: set[int]
    ) -> Vector:
        """Measure on one more of the common blocks; the mean so far."""
        block = search.rng.choice(sorted(common - front.blocks(challenger)))
        front.add(block, await search.evaluate(challenger, blocks[block]))
        return front.vector(challenger)

    async def look_further(self, search: Search, front: Front, blocks: Blocks) -> None:
        """Measure the least known incumbent where others were, or else where none was."""
        fewest = min(len(front.blocks(prompt)) for prompt in front.incumbents)
        least = [p for p in front.incumbents if len(front.blocks(p)) == fewest]
        prompt = search.rng.choice(least)
        seen = set[int].union(*map(front.blocks, front.incumbents))
        open_blocks = seen - front.blocks(prompt) or set(range(len(blocks))) - seen
        if open_blocks:
            block = search.rng.choice(sorted(open_blocks))
            front.add(block, await search.evaluate(prompt, blocks[block]))

    def leaders(self, front: Front) -> Sequence[Prompt]:
        """Some incumbents, from the highest score to the lowest cost."""
        ranked = sorted(front.incumbents, key=front.vector, reverse=True)
        return evenly_spaced(ranked, self.n_leaders)
