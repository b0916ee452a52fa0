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
from random import Random
from typing import Literal

from apo import Example, Prompt, Search, check_ranges, race_losers
from apo.optimizers.parts.capo_demos import Family, demonstrate, half, mutate_demos
from apo.optimizers.parts.choices import check_choices

Blocks = list[list[Example]]
"""The examples of a race, in the order in which it sees them."""


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
        pool, blocks = self.split(search.task.train, search.rng)
        population = await self.initialize(search, pool)
        longest = max(len(prompt.text()) for prompt in population)
        stale = 0
        for _ in range(self.n_steps):
            children = await self.mutate(search, await self.cross(search, population), pool)
            population = await self.race(search, [*population, *children], blocks, longest)
            await search.map(search.evaluate, population[: self.n_leaders])
            stale = 0 if children else stale + 1
            if search.solved or stale == self.max_stale_steps:
                return

    def split(self, train: Sequence[Example], rng: Random) -> tuple[list[Example], Blocks]:
        """Part the train split into examples for demos, and blocks; the last block may be small."""
        drawn = rng.sample(train, len(train))
        n = max(round(self.demo_share * len(drawn)), min(self.max_demos, len(drawn) // 2))
        starts = range(n, len(drawn), self.block_size)
        return drawn[:n], [drawn[start : start + self.block_size] for start in starts]

    async def initialize(self, search: Search, pool: Sequence[Example]) -> list[Prompt]:
        """The first population: the seeds, and induced instructions with some demos or none."""
        population = list(search.seed_prompts)[: self.population_size]
        n_new = self.population_size - len(population)
        batches = [search.minibatch(self.n_examples) for _ in range(n_new)]
        metas = [search.meta_prompt(__file__, "induce", examples=batch) for batch in batches]
        bare = await search.propose(metas, temperature=self.temperature)
        most = min(self.max_demos, len(pool))
        drawn = [search.rng.sample(pool, search.rng.randint(0, most)) for _ in bare]
        found = await demonstrate(search, list(zip(bare, drawn, strict=True)))
        for prompt, demos in zip(bare, found, strict=True):
            shown = prompt.with_demos(demos)
            new = search.accept([shown], operator="demos", parents=[prompt]) if demos else [prompt]
            population += new
        return population

    async def cross(self, search: Search, population: Sequence[Prompt]) -> list[Family]:
        """Cross-over: c pairs of parents, their instructions merged, with half of their demos."""
        n, rng = self.n_crossovers, search.rng
        alone = len(population) == 1
        pairs = [[*population] * 2 if alone else rng.sample(population, 2) for _ in range(n)]
        metas = [search.meta_prompt(__file__, "capo_cross", parents=p, prompts=p) for p in pairs]
        texts = await search.generate(metas, temperature=self.temperature)
        return [
            (pair[0].with_instruction(text).with_demos(half(pair[0], pair[1], rng)), pair)
            for pair, found in zip(pairs, texts, strict=True)
            for text in found
        ]

    async def mutate(
        self, search: Search, crossed: Sequence[Family], pool: Sequence[Example]
    ) -> list[Prompt]:
        """Mutation: another wording, and one demo more, one less, or neither; in a drawn order."""
        name = "capo_mutate"
        metas = [search.meta_prompt(__file__, name, parents=p, prompt=c) for c, p in crossed]
        texts = await search.generate(metas, temperature=self.temperature)
        demos = await mutate_demos(search, crossed, pool, self.max_demos)
        children: list[Prompt] = []
        for (child, parents), shown, found in zip(crossed, demos, texts, strict=True):
            mutants = [child.with_instruction(text).with_demos(shown) for text in found]
            children += search.accept(mutants, operator=name, parents=parents)
        return children

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
