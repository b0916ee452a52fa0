"""p1: the few examples on which prompts differ most, and a search on these alone
(Gao et al., 2026).

https://arxiv.org/abs/2604.08801

What an optimizer sees is the variance between prompts beside that of answers, and more examples
make the first smaller where each likes another prompt. So some instructions are written first and
answer a number of training examples; the `n_kept` examples whose scores vary most among them stay;
and the search goes on with these: the optimizer model sees the scored history on them and writes
the next instructions. The best of each step are measured on the validation split.

Differs from the paper, whose text we know in part alone (the variances and the filter): there the
search after the filter is reinforcement learning of a model that writes prompts, here it is OPRO's
loop; the first instructions are induced from examples; each answer is drawn once, so the variance
of answers is not taken off; all numbers are ours.
"""

import math
from dataclasses import dataclass
from functools import partial

from apo import Evaluation, Example, Search, check_ranges
from apo.optimizers.parts.tiers import most_telling


@dataclass(frozen=True, kw_only=True)
class P1:
    """Prompt optimization on few, telling examples.

    Attributes:
        n_prompts: instructions that are written to find out which examples tell.
        n_screened: training examples that they answer.
        n_kept: examples that the search goes on with.
        n_steps: steps of the search on these.
        n_samples: instructions of a step.
        n_shown: instructions of the history that the writer sees.
        n_examples: training examples shown for each of the first instructions.
        n_leaders: instructions of each step that are measured on the validation split.
        patience: steps in a row without a better history, after which the search ends.
        temperature: of the optimizer model.
    """

    n_prompts: int = 6
    n_screened: int = 30
    n_kept: int = 8
    n_steps: int = 20
    n_samples: int = 6
    n_shown: int = 10
    n_examples: int = 5
    n_leaders: int = 1
    patience: int = 5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_prompts=some, n_screened=some, n_kept=some, n_steps=some, n_samples=some,
            n_shown=some, n_examples=some, n_leaders=some, patience=some, temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Screen, filter, and search on what is left."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        rows = search.minibatch(self.n_screened)
        batches = [search.minibatch(self.n_examples) for _ in range(self.n_prompts)]
        metas = [search.meta_prompt(__file__, "induce", examples=batch) for batch in batches]
        first = await search.propose(metas, temperature=self.temperature)
        prompts = [*(seed.prompt for seed in seeds), *first]
        screened = await search.map(partial(search.evaluate, examples=rows), prompts)
        kept = most_telling(screened, rows, self.n_kept)
        history = await search.map(partial(search.evaluate, examples=kept), prompts)
        await self.measure(search, history)
        stale = 0
        for _ in range(self.n_steps):
            if search.solved or stale == self.patience:
                return
            before = max(e.value for e in history)
            new = await self.step(search, history, kept)
            history += new
            await self.measure(search, new)
            stale = 0 if new and max(e.value for e in new) > before else stale + 1

    async def step(
        self, search: Search, history: list[Evaluation], kept: list[Example]
    ) -> list[Evaluation]:
        """Write instructions from the scored history, and score them on the examples kept."""
        shown = sorted(history, key=lambda e: e.value)[-self.n_shown :]
        meta = search.meta_prompt(
            __file__, "improve", parents=[shown[-1].prompt], history=shown,
            examples=search.minibatch(self.n_examples),
        )  # fmt: skip
        new = await search.propose([meta], self.n_samples, temperature=self.temperature)
        return await search.map(partial(search.evaluate, examples=kept), new)

    async def measure(self, search: Search, scored: list[Evaluation]) -> None:
        """Measure the best of some on the validation split."""
        best = sorted(scored, key=lambda e: -e.value)[: self.n_leaders]
        await search.map(search.evaluate, [e.prompt for e in best])
