"""Portfolio: several optimizers take turns, each going on from the best that the others found.

Own method. No optimizer wins on all tasks, and another one started from a stalled candidate often
gets past the plateau (as the authors of GEPA report for a portfolio of theirs, 2026; for
algorithms in general: Huberman, Lukose and Hogg, 1997). One after the other is started from the
best prompts so far, and stopped when it ends by itself, when it has had its share of what is left
of the budget, or when it has cost so much without a better best prompt. All share one archive: no
prompt is proposed, and no answer paid, twice. The turns end with the budget, or when several in a
row have brought nothing.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from apo import Search, SettingsError, check_ranges, make_optimizer
from apo.optimizers.parts.racing import better

ALMOST_ALL = 0.99


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """Published optimizers in turns, with one budget and one archive.

    Attributes:
        optimizers: who takes turns, in this order; names as for `--optimizer`.
        share: the part of the remaining budget that one stage may spend.
        patience: measurements of the whole validation split whose cost a stage may spend in a
            row without a better best prompt.
        n_handed: best prompts that a stage starts from.
        max_stale_turns: turns of all without a better best prompt after which the search ends.
    """

    optimizers: tuple[str, ...] = ("ape", "gepa", "bootstrap-rs", "opro")
    share: float = 0.5
    patience: float = 4.0
    n_handed: int = 3
    max_stale_turns: int = 3

    knows_steps: ClassVar[bool] = True
    """Its methods say themselves how they work on a program's steps."""

    def __post_init__(self) -> None:
        if not self.optimizers or "portfolio" in self.optimizers:
            raise SettingsError(
                f"Portfolio.optimizers is {list(self.optimizers)}; it must name at least one "
                "optimizer, and not the portfolio itself."
            )
        for name in self.optimizers:
            make_optimizer(name)  # A wrong name is told here, before anything is spent.
        check_ranges(
            self, share=(0.01, 0.99), patience=(0.01, math.inf), n_handed=(1, math.inf),
            max_stale_turns=(1, math.inf),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Turn by turn, until the budget is over or turns bring nothing."""
        stages = [make_optimizer(name) for name in self.optimizers]
        cost, share, stale = len(search.task.validation), self.share, 0
        while stale < self.max_stale_turns:
            before, left, cut = search.best, search.calls_left, False
            for optimizer in stages:
                if search.solved or search.calls_left < cost:
                    return
                cut |= not await search.stage(
                    optimizer,
                    seed_prompts=[e.prompt for e in search.archive[: self.n_handed]],
                    share=share,
                    patience=self.patience * cost,
                )
            if cut and search.calls_left == left and share < ALMOST_ALL:
                share = ALMOST_ALL  # The share was too small for anybody's first step.
            else:
                stale = 0 if better(search.best, before) else stale + 1
