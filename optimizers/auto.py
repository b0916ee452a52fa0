"""Auto, the default: picks methods for the task and the budget, and chains them.

Own method. The first in the chain is race search, which joins the operators of APE, ProTeGi, GEPA,
OPRO and COPRO, and labelled demos, under one race. It has the whole budget as long as it finds
better prompts. When it has spent as much as `patience` measurements of the validation split
without any, GEPA's reflection on few examples goes on from the best prompts, then bootstrapped
demos are tried, and so on in turn: another method started from a stalled prompt often gets past
the plateau.

What is picked: no bootstrapped demos where a worked example is long, as every call would pay for
them (race search takes fewer labelled ones then); race search alone where the budget has no room
for a second method.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from apo import Search, check_ranges, make_optimizer

MAX_DEMO_CHARS = 1500
"""Average length of a training example, in characters, above which none are bootstrapped."""
ROOM = 12
"""Measurements of the validation split that a second method needs room for."""


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Race search, and GEPA and bootstrapped demos when it stalls.

    Attributes:
        patience: measurements of the whole validation split whose cost a method may spend in a
            row without a better best prompt.
        n_handed: best prompts that the next method starts from.
        max_stale_turns: turns of the whole chain without a better best prompt after which the
            search ends.
    """

    patience: float = 8.0
    n_handed: int = 3
    max_stale_turns: int = 3

    knows_steps: ClassVar[bool] = True
    """Its methods say themselves how they work on a program's steps."""

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(self, patience=(0.01, math.inf), n_handed=some, max_stale_turns=some)

    async def run(self, search: Search) -> None:
        """Pick, and run the chain."""
        first, *others = chain = pick(search)
        if others:
            search.announce(
                f"{first} begins, and where it stalls these go on in turn: {', '.join(others)}."
            )
        settings = {
            "optimizers": chain,
            "patience": self.patience,
            "n_handed": self.n_handed,
            "max_stale_turns": self.max_stale_turns,
            "share": 0.99,
        }
        await make_optimizer("portfolio", settings).run(search)


def pick(search: Search) -> tuple[str, ...]:
    """The methods for a task and what is left of its budget, in their order."""
    task = search.task
    if search.calls_left < ROOM * len(task.validation):
        return ("race-search",)
    lengths = [len(search.shown(e)) + len(e.target) for e in task.train]
    short = sum(lengths) <= MAX_DEMO_CHARS * len(lengths)
    return ("race-search", "gepa", *(["bootstrap-rs"] if short else []))
