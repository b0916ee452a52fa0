"""CAPO: instructions and demos evolve together and race on blocks of examples (Zehle et al., 2025).

https://arxiv.org/abs/2504.16005

Each step crosses pairs of prompts (the optimizer model merges the instructions; the demos are a
random half of both) and mutates the children (another wording; a demo added, removed, or none).
Parents and children then race: after each block of examples, those that are significantly worse
than as many others as there are places are out; length costs a little score.

Differs from the authors' code: seed prompts enter as they are, the rest of the first population is
induced from examples; a prompt has no demo twice, its own answers are sampled once, and that in an
added demo is the first parent's; the model's own right answer becomes a demo only where it is
longer than the target (the code takes each right one); the meta-prompts tell the task's description
and labels; a mutation can also add a demo, and a race has at most `n_blocks` blocks (in the code of
the paper two slips made demos only shrink, and races one block longer; the authors have mended them
since); length is counted in characters, not tokens; survivors are ranked on the blocks that all of
them saw in this race, as there by their scores without the penalty; the leaders of each race are
measured on the validation split, so that runs of all optimizers can be compared. As published, one
token can decide; `statistics="corrected"` tests the scores alone, shares alpha among the tests and
blocks, and has length as the tie-break.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from apo import Prompt, Search, check_ranges, race_losers
from apo.optimizers.parts.capo_children import Blocks, cross, first_population, mutate, split
from apo.optimizers.parts.choices import check_choices


@dataclass(frozen=True, kw_only=True)
class CAPO:
    """Cost-aware prompt optimization.

    Attributes:
        population_size: places in the population (N).
        n_crossovers: children of each step (c).
        alpha: level of the tests, above 0 and below 0.5.
        length_penalty: score that the longest prompt of the first population pays (γ).
        block_size: examples of a block, from the train split.
        n_blocks: blocks that a race has at most (B).
        max_demos: demos of a prompt at most (the authors' upper_shots).
        demo_share: share of the train split that is kept for demos; at least `max_demos` examples
            where that is not over half of it. A race never shows a demo's example.
        n_examples: training examples shown for each instruction of the first population.
        n_leaders: prompts measured on the validation split after each race.
        n_steps: steps; the budget usually ends the search before.
        max_stale_steps: steps without any new prompt after which the search ends.
        statistics: "authors", or "corrected".
        temperature: of the optimizer model.
    """

    population_size: int = 10
    n_crossovers: int = 4
    alpha: float = 0.2
    length_penalty: float = 0.05
    block_size: int = 30
    n_blocks: int = 10
    max_demos: int = 5
    demo_share: float = 0.1
    n_examples: int = 20
    n_leaders: int = 3
    n_steps: int = 200
    max_stale_steps: int = 5
    statistics: Literal["authors", "corrected"] = "authors"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_choices(self, statistics=("authors", "corrected"))
        some, any_number = (1, math.inf), (0, math.inf)
        check_ranges(
            self, population_size=(2, math.inf), n_crossovers=some, alpha=(1e-9, 0.499),
            length_penalty=any_number, block_size=some, n_blocks=some, max_demos=any_number,
            demo_share=(0, 0.5), n_examples=some, n_leaders=some, n_steps=some,
            max_stale_steps=some, temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Algorithm 1."""
        pool, blocks = split(
            search.task.train, search.rng, demo_share=self.demo_share, max_demos=self.max_demos,
            block_size=self.block_size,
        )  # fmt: skip
        population = await first_population(
            search, pool, size=self.population_size, n_examples=self.n_examples,
            max_demos=self.max_demos, temperature=self.temperature,
        )  # fmt: skip
        longest = max(len(prompt.text()) for prompt in population)
        stale = 0
        for _ in range(self.n_steps):
            crossed = await cross(search, self.pairs(search, population), self.temperature)
            children = await mutate(search, crossed, pool, self.max_demos, self.temperature)
            population = await self.race(search, [*population, *children], blocks, longest)
            await search.map(search.evaluate, population[: self.n_leaders])
            stale = 0 if children else stale + 1
            if search.solved or stale == self.max_stale_steps:
                return

    def pairs(self, search: Search, population: Sequence[Prompt]) -> list[tuple[Prompt, Prompt]]:
        """Draw c pairs of parents; one that is alone is crossed with itself."""
        if len(population) == 1:
            return [(population[0], population[0])] * self.n_crossovers
        drawn = [search.rng.sample(population, 2) for _ in range(self.n_crossovers)]
        return [(mother, father) for mother, father in drawn]

    async def race(
        self, search: Search, candidates: Sequence[Prompt], blocks: Blocks, longest: int
    ) -> list[Prompt]:
        """Racing: block by block, until no more are left than there are places; the best first."""
        blocks, racing = blocks[: self.n_blocks], list(candidates)
        scores: dict[Prompt, list[float | None]] = {prompt: [] for prompt in racing}
        corrected = self.statistics == "corrected"
        for block in blocks:
            for found in await search.map(partial(search.evaluate, examples=block), racing):
                scores[found.prompt] += [r.score.value if r.score else None for r in found.rollouts]
            losers = race_losers(
                [scores[prompt] for prompt in racing],
                self.population_size,
                alpha=self.alpha / len(blocks) if corrected else self.alpha,
                penalties=[self.length_penalty * len(p.text()) / longest for p in racing],
                statistics=self.statistics,
            )
            racing = [prompt for i, prompt in enumerate(racing) if i not in losers]
            if len(racing) <= self.population_size:
                break
        racing.sort(key=lambda p: (-mean(scores[p]), len(p.text()) if corrected else 0))
        return racing[: self.population_size]


def mean(scores: Sequence[float | None]) -> float:
    """Mean of the known scores; below all others when there is none."""
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else -math.inf
