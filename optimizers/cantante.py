"""CANTANTE: a program's score becomes a credit for each of its steps, by comparing executions of
the same input (Zehle et al., 2026).

https://arxiv.org/abs/2605.13295

Each step of the program has a population of instructions. A round crosses and rewords some of each
(as CAPO does), puts the first of every step together, then the second of every step, and so on,
and lets these configurations answer the same block of training examples. For each input the
optimizer model compares a few executions at a time, what every step said and how the whole scored,
and gives each step of each a credit from -1 to 1. The instructions with the best mean credit stay.
The best of all steps together are measured on the validation split.

Differs from the authors' code: children are all of one round, and survivors are those of the best
mean credit so far, where their CAPO races them block by block with a penalty for length; credits
are read from lines, not from JSON, and what cannot be read is 0, as there; first populations are
reworded from the seed, not given; no demos. With one step, the score is its credit, and nobody is
asked. A round without a new configuration is the last.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from statistics import fmean
from typing import ClassVar

from apo import MetaPrompt, Prompt, Search, check_ranges
from apo.optimizers.parts.cantante_credit import attribute

Texts = dict[str, list[str]]
"""Instructions of each step."""
Known = dict[tuple[str, str], list[float]]
"""The credits of an instruction of a step."""


@dataclass(frozen=True, kw_only=True)
class CANTANTE:
    """Contrastive credit attribution for programs of several steps.

    Attributes:
        n_rounds: rounds; the budget usually ends the search before.
        population_size: instructions of a step that stay.
        n_children: new ones of each step in a round.
        block_size: training examples that configurations answer.
        group_size: executions that are compared in one request.
        credit_temperature: of the optimizer model when it gives credits.
        temperature: of the optimizer model when it writes.
    """

    n_rounds: int = 30
    population_size: int = 3
    n_children: int = 2
    block_size: int = 10
    group_size: int = 3
    credit_temperature: float = 0.1
    temperature: float = 1.0
    knows_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        some, heat = (1, math.inf), (0, 2)
        check_ranges(
            self, n_rounds=some, population_size=some, n_children=some, block_size=some,
            group_size=(2, math.inf), credit_temperature=heat, temperature=heat,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Write, put together, answer, attribute, and keep the best of each step."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        base = max(seeds, key=lambda seed: seed.value).prompt
        texts: Texts = {step: [prompt.instruction] for step, prompt in base.steps.items()}
        new = await self.reword(search, base, {s: t * self.n_children for s, t in texts.items()})
        known: Known = {}
        for _ in range(self.n_rounds):
            tried = await self.round(search, base, {s: texts[s] + new[s] for s in texts}, known)
            if not tried or search.solved:
                return
            texts = {step: self.best(known, step) for step in texts}
            winner = joined(base, {step: found[0] for step, found in texts.items()})
            search.accept([winner], operator="cantante_join", parents=[base])
            if search.knows(winner):
                await search.evaluate(winner)
            new = await self.write(search, base, texts)

    async def round(self, search: Search, base: Prompt, texts: Texts, known: Known) -> bool:
        """Answer a block with configurations, and note the credits; whether one of them was new."""
        size, before = max(map(len, texts.values())), search.n_candidates
        lists = [list(islice(cycle(found), size)) for found in texts.values()]
        parts = [dict(zip(texts, row, strict=True)) for row in zip(*lists, strict=True)]
        prompts = {joined(base, part): part for part in parts}
        search.accept(prompts, operator="cantante_join", parents=[base])
        allowed = [prompt for prompt in prompts if search.knows(prompt)]
        block = search.minibatch(self.block_size)
        found = await search.map(partial(search.evaluate, examples=block), allowed)
        given = await attribute(
            search, found, [*texts], group_size=self.group_size,
            temperature=self.credit_temperature,
        )  # fmt: skip
        for prompt, told in zip(allowed, given, strict=True):
            for step, values in told.items():
                known.setdefault((step, prompts[prompt][step]), []).extend(values)
        return search.n_candidates > before

    def best(self, known: Known, step: str) -> list[str]:
        """The instructions of a step with the best mean credit, the first of equals first."""
        means = {
            text: fmean(values) for (name, text), values in known.items() if name == step and values
        }
        return sorted(means, key=lambda text: -means[text])[: self.population_size]

    async def write(self, search: Search, base: Prompt, texts: Texts) -> Texts:
        """Cross two instructions of each step, and reword what comes of it."""
        pairs = [
            (step, [search.rng.choice(found) for _ in range(2)])
            for step, found in texts.items()
            for _ in range(self.n_children)
        ]
        metas = list[MetaPrompt]()
        for step, pair in pairs:
            prompts = [base.focused(step).with_instruction(text) for text in pair]
            metas.append(
                search.meta_prompt(__file__, "capo_cross", parents=prompts, prompts=prompts)
            )
        replies = await search.generate(metas, temperature=self.temperature)
        crossed: Texts = {step: [] for step in texts}
        for (step, _), found in zip(pairs, replies, strict=True):
            crossed[step] += found
        return await self.reword(search, base, crossed)

    async def reword(self, search: Search, base: Prompt, texts: Mapping[str, list[str]]) -> Texts:
        """Write each instruction in other words."""
        flat = [(step, text) for step, found in texts.items() for text in found]
        metas = list[MetaPrompt]()
        for step, text in flat:
            prompt = base.focused(step).with_instruction(text)
            metas.append(
                search.meta_prompt(__file__, "capo_mutate", parents=[prompt], prompt=prompt)
            )
        replies = await search.generate(metas, temperature=self.temperature) if metas else []
        new: Texts = {step: [] for step in texts}
        for (step, _), found in zip(flat, replies, strict=True):
            new[step] += found
        return new


def joined(base: Prompt, texts: Mapping[str, str]) -> Prompt:
    """The program's prompts with these instructions."""
    for step, text in texts.items():
        base = base.focused(step).with_instruction(text)
    return base
