"""EvoPrompt: a population of instructions, crossed and mutated by the optimizer model
(Guo et al., 2023).

https://arxiv.org/abs/2309.08532

The population starts as the best of hand-written and induced instructions, with a paraphrase of
each. Every generation the optimizer model writes a child for each member, and children are
scored on the whole validation split. EvoPromptGA: two parents drawn by roulette are crossed, the
result is mutated, and the best of parents and children survive. EvoPromptDE: what differs
between two donors is mutated, joined to the best so far, and crossed with a member, which only a
strictly better child replaces.

Differs from the authors' code: a reply without tags is asked for again and then dropped (the code
takes all of it for the child); a child that was seen before is neither scored again nor let in;
parents are two different members (the code's two places in its mating pool may hold one member
twice), each pair drawn afresh; a population that scores 0 throughout is drawn from evenly, where
the code divides by zero; one score is used for selection and for survival; with fewer than two
others, a DE donor may be the target itself. The authors start from the APE prompts of their
repository; here `n_induced` new ones are written, few enough for a run of 2,000 calls to get as
far as evolution. Where the task has a description, the optimizer model is shown it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Literal

from apo import Evaluation, Search, SettingsError, check_ranges
from apo.optimizers.parts.evoprompt_parents import best_first, draw_donors, draw_pair


@dataclass(frozen=True, kw_only=True)
class _EvoPrompt(ABC):
    """What both variants share.

    Attributes:
        population_size: members of the population (N).
        n_generations: generations (T); the budget usually ends the search before.
        n_induced: instructions written from examples, to start with beside the seed prompts.
        n_demos: training examples shown for each of these.
        temperature: of the optimizer model.
        max_stale_generations: generations without any new instruction that end the search.
    """

    population_size: int = 10
    n_generations: int = 10
    n_induced: int = 4
    n_demos: int = 20
    temperature: float = 0.5
    max_stale_generations: int = 5

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, population_size=(2, math.inf), n_generations=some, n_induced=(0, math.inf),
            n_demos=some, temperature=(0, 2), max_stale_generations=some,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Algorithm 1: initial scores, then evolution."""
        population, stale = await self.initialize(search), 0
        for _ in range(self.n_generations):
            if search.solved or not population or stale == self.max_stale_generations:
                return
            before = search.n_candidates
            population = await self.evolve(search, population)
            stale = 0 if search.n_candidates > before else stale + 1

    async def initialize(self, search: Search) -> list[Evaluation]:
        """Score what there is, keep the best half and paraphrase it (§4.1; code: para_topk)."""
        batches = [search.minibatch(self.n_demos) for _ in range(self.n_induced)]
        texts = [search.meta_prompt(__file__, "induce", examples=batch) for batch in batches]
        induced = await search.propose(texts, temperature=self.temperature)
        scored = await search.map(search.evaluate, [*search.seed_prompts, *induced])
        kept = best_first(scored)[: math.ceil(self.population_size / 2)]
        if search.solved:
            return kept
        # Each is paraphrased once; more often when there are too few to fill the population.
        parents = [e.prompt for e in islice(cycle(kept), self.population_size - len(kept))]
        texts = [search.meta_prompt(__file__, "reword", parents=[p], prompt=p) for p in parents]
        paraphrases = await search.propose(texts, temperature=self.temperature)
        return best_first([*kept, *await search.map(search.evaluate, paraphrases)])

    @abstractmethod
    async def evolve(self, search: Search, population: Sequence[Evaluation]) -> list[Evaluation]:
        """Make the next generation."""


@dataclass(frozen=True, kw_only=True)
class EvoPromptGA(_EvoPrompt):
    """Instructions crossed and mutated by a genetic algorithm (Guo et al., 2023, §3.2).

    Attributes:
        selection: how parents are drawn: "roulette" (in proportion to their scores), "rank" (to
            their ranks, for scores that lie close together), or "tournament" (the better of two).
    """

    selection: Literal["roulette", "rank", "tournament"] = "roulette"

    def __post_init__(self) -> None:
        if self.selection not in ("roulette", "rank", "tournament"):
            raise SettingsError(
                f"EvoPromptGA.selection is {self.selection!r}; it is "
                '"roulette", "rank" or "tournament".'
            )
        super().__post_init__()

    async def evolve(self, search: Search, population: Sequence[Evaluation]) -> list[Evaluation]:
        """Cross and mutate pairs of parents; the best of parents and children survive."""
        members = range(self.population_size)
        pairs = [draw_pair(search.rng, population, self.selection) for _ in members]
        texts = [
            search.meta_prompt(__file__, "evoprompt_ga", parents=pair, prompts=pair)
            for pair in pairs
        ]
        children = await search.propose(texts, temperature=self.temperature)
        scored = await search.map(search.evaluate, children)
        return best_first([*population, *scored])[: self.population_size]


@dataclass(frozen=True, kw_only=True)
class EvoPromptDE(_EvoPrompt):
    """Instructions changed by differential evolution (Guo et al., 2023, §3.3).

    Children are written one after another, because each may be made from the best so far, which
    the child before it may be. Within a child's scoring all examples are asked about at once.

    Attributes:
        third: the prompt that the mutated differences are joined to: "best", or "random".
    """

    third: Literal["best", "random"] = "best"

    def __post_init__(self) -> None:
        if self.third not in ("best", "random"):
            raise SettingsError(f'EvoPromptDE.third is {self.third!r}; it is "best" or "random".')
        super().__post_init__()

    async def evolve(self, search: Search, population: Sequence[Evaluation]) -> list[Evaluation]:
        """One child for each member, which it replaces if it is strictly better."""
        best, survivors = best_first(population)[0], list(population)
        for i, target in enumerate(population):  # Donors come from the generation as it began.
            a, b, other = draw_donors(search.rng, population, i)
            c = best if self.third == "best" else other
            parents = [target.prompt, a.prompt, b.prompt, c.prompt]
            text = search.meta_prompt(__file__, "evoprompt_de", parents=parents, prompts=parents)
            children = await search.propose([text], temperature=self.temperature)
            for child in await search.map(search.evaluate, children):
                survivors[i] = max(target, child, key=lambda e: e.value)  # The first of equals.
                best = max(best, child, key=lambda e: e.value)
            if search.solved:
                break
        return survivors
