"""Distill: an instruction written from the failure table alone.

Own method, for very small budgets. What a person would do before all else is count: which answers
are taken for which, what words tell them apart, what is wrong with their form. The prompt is
measured on some training examples, `Search.failure_page` counts over all of its answers there, and
the optimizer model writes the instruction anew from that page; it sees no example. What does no
worse on the same examples is measured on the validation split, and the best of it is counted next.
With the defaults the writer is asked six times; a reply without its tags is asked for once more.
"""

import math
from dataclasses import dataclass
from functools import partial

from apo import Search, check_ranges

SHARE = 4
"""One measurement on the studied examples takes at most so much of what is left: a fourth."""


@dataclass(frozen=True, kw_only=True)
class Distill:
    """Count, rewrite, and count again.

    Attributes:
        n_rounds: times that the best prompt's answers are counted.
        n_samples: instructions written from one page.
        n_studied: most training examples that are counted; fewer when the budget is small.
        temperature: of the optimizer model.
    """

    n_rounds: int = 3
    n_samples: int = 2
    n_studied: int = 80
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_rounds=some, n_samples=some, n_studied=some, temperature=(0, 2)
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Round by round, from the best prompt so far."""
        await search.map(search.evaluate, search.seed_prompts)
        left = int(min(search.calls_left, 1e9))
        rows = search.minibatch(max(1, min(self.n_studied, left // SHARE)))
        studied = None
        for _ in range(self.n_rounds):
            if search.best is None or search.solved:
                return
            if studied is None or studied.prompt != search.best.prompt:
                studied = await search.evaluate(search.best.prompt, rows)
            if not studied.failures:
                return
            parent = studied.prompt
            meta = search.meta_prompt(
                __file__, "distill", parents=[parent], prompt=parent,
                page=search.failure_page(studied.rollouts),
            )  # fmt: skip
            children = await search.propose([meta], self.n_samples, temperature=self.temperature)
            tried = await search.map(partial(search.evaluate, examples=rows), children)
            level = [e.prompt for e in tried if e.value >= studied.value]
            await search.map(search.evaluate, level)
