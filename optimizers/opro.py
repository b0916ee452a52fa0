"""OPRO: the optimizer model reads a scored history and writes the next prompts
(Yang et al., 2023).

https://arxiv.org/abs/2309.03409

Each step shows the best instructions so far with their scores, worst first, and a few training
examples; samples several new instructions from that one meta-prompt; and scores the new ones.

Differs from the authors' code: scores come from the validation split, so that runs of all
optimizers can be compared (the code scores on a training subset); the seed prompt is always shown,
and its repetition is not scored again; the meta-prompt tells the task's description and labels; an
instruction may have `max_length` 2,000 characters (there 500); `min_score` is 0, as there for the
model text-bison (for gpt-3.5-turbo and gpt-4 it is 0.3); an instruction with a digit is scored
(there not on GSM8K), and so is one that says "INS"; a retry never changes the model; a step that
brings nothing new draws other examples, and after `max_stale_steps` such steps the search ends.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Evaluation, Search, check_ranges


@dataclass(frozen=True, kw_only=True)
class OPRO:
    """Optimization by prompting.

    Attributes:
        n_steps: steps; the budget usually ends the search before.
        n_samples: instructions sampled in each step.
        history_size: instructions shown in the meta-prompt.
        n_demos: training examples shown in the meta-prompt.
        min_score: instructions that score less are not shown, unless they are the seed.
        temperature: of the optimizer model.
        max_length: longest instruction that is scored, in characters.
        max_stale_steps: steps without any new instruction after which the search ends.
    """

    n_steps: int = 200
    n_samples: int = 8
    history_size: int = 20
    n_demos: int = 3
    min_score: float = 0.0
    temperature: float = 1.0
    max_length: int = 2000
    max_stale_steps: int = 5

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_steps=some, n_samples=some, history_size=some, n_demos=(0, math.inf),
            min_score=(0, 1), temperature=(0, 2), max_length=some, max_stale_steps=some,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """The loop of figure 2 of the paper."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        history, stale = list(seeds), 0
        for _ in range(self.n_steps):
            if search.solved or stale == self.max_stale_steps:
                return
            new = await self.step(search, self.shown(seeds, history))
            history += new
            stale = 0 if new else stale + 1

    async def step(self, search: Search, shown: Sequence[Evaluation]) -> list[Evaluation]:
        """Sample instructions from one meta-prompt, and score those that are new."""
        text = search.meta_prompt(
            __file__,
            "improve",
            parents=[shown[-1].prompt],
            history=shown,
            examples=search.minibatch(self.n_demos),
        )
        proposals = await search.propose([text], self.n_samples, temperature=self.temperature)
        short = [p for p in proposals if len(p.instruction) <= self.max_length]
        return await search.map(search.evaluate, short)

    def shown(self, seeds: Sequence[Evaluation], history: Sequence[Evaluation]) -> list[Evaluation]:
        """The best of the history, worst first; the seed prompts have a place in any case."""
        known = {seed.prompt for seed in seeds}
        passed = [e for e in history if e.prompt not in known and e.value >= self.min_score]
        best_first = sorted(passed, key=lambda e: e.value)[::-1]  # Of equal ones the newest.
        kept = best_first[: max(0, self.history_size - len(seeds))]
        return sorted([*seeds, *kept[::-1]], key=lambda e: e.value)
