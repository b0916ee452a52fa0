"""Edit search: the techniques of prompt engineering, one after the other, as far as they help.

Own method; no optimizer model is asked. All edits (`docs/edits.md`) are made to the best prompt so
far, each by itself: its parts in another order, headings, the instruction repeated at the end, a
cue, an out, a persona and so on. They race on a growing part of the validation split (successive
halving; Karnin et al., 2013), and who comes through is measured on the whole split. Where one is
better, it is edited in its turn, so that edits add up; where none is, the search ends.

A run with `--edits` ends with this search, whatever its optimizer.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from apo import Search, check_ranges, edit_names
from apo.optimizers.parts.racing import Racetrack, better, heat_order


@dataclass(frozen=True, kw_only=True)
class EditSearch:
    """A climb by edits of the best prompt.

    Attributes:
        edits: names of the edits to try; "all" stands for all of them.
        first_share: part of the validation split that the first heat of a race measures.
        slack: standard errors behind the best prompt at which an edited one is dropped.
        max_rounds: rounds; each edits the best prompt of the one before.
    """

    knows_steps: ClassVar[bool] = True

    edits: tuple[str, ...] = ("all",)
    first_share: float = 0.15
    slack: float = 1.0
    max_rounds: int = 10

    def __post_init__(self) -> None:
        edit_names(self.edits)  # A wrong name is told here, before anything is spent.
        check_ranges(
            self, first_share=(0.01, 1), slack=(0, math.inf), max_rounds=(1, math.inf)
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Edit the best prompt, let the edited ones race, and again from the best."""
        await search.map(search.evaluate, search.seed_prompts)
        track = Racetrack(heat_order(search), self.first_share, self.slack)
        track.known.update((e.prompt, e) for e in search.archive)
        for _ in range(self.max_rounds):
            before = search.best
            if before is None or search.solved:
                return
            await track.race(search, search.edited(before.prompt, self.edits))
            if not better(search.best, before):
                return
