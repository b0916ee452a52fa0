"""How far the cells of a grid are that are under way, wherever they run: their journals say it."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from apo.compare.runner import Grid
from apo.display.figures import clock
from apo.errors import JournalError
from apo.language.catalogue import translated
from apo.storage.record import Record
from apo.storage.rows import open_for_reading, readable

EVERY = 2.0
"""Seconds between two looks into the journals."""
SILENT = 60.0
"""Seconds without a new answer after which that is told: a slow server is not a stuck one."""


@dataclass
class Courses:
    """Looks into the journals of the cells under way now and then.

    Attributes:
        grid: the grid.
        now: seconds since any fixed moment.
    """

    grid: Grid
    now: Callable[[], float] = time.monotonic
    _next: float = 0.0
    _records: dict[str, Record] = field(default_factory=dict[str, Record])
    _answered: dict[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])

    def lines(self, most: int) -> list[str]:
        """A line for each cell under way, the first so many: calls, and the best score so far."""
        running = self.grid.running[:most]
        if self.now() >= self._next:
            self._next = self.now() + EVERY
            for cell in running:
                self._read(cell.id)
        return [f"{cell.id}: {self._said(cell.id)}" for cell in running]

    def _read(self, name: str) -> None:
        path = self.grid.root / "runs" / name / "journal.db"
        if not path.exists():
            return  # It is being prepared.
        try:
            with closing(open_for_reading(path)) as journal, readable():
                self._records.setdefault(name, Record()).read(journal)
                (answers,) = journal.execute("SELECT COUNT(*) FROM calls").fetchone()
        except JournalError:
            return  # It may be in the middle of something; the cell tells what is wrong with it.
        if answers != self._answered.get(name, (-1, 0.0))[0]:
            self._answered[name] = (answers, self.now())

    def _said(self, name: str) -> str:
        silent = self.now() - self._answered[name][1] if name in self._answered else 0.0
        found = translated(self._found(name))
        if silent < SILENT:
            return found
        return f"{found}, {translated(f'no answer for {clock(silent)}')}"

    def _found(self, name: str) -> str:
        record = self._records.get(name)
        if record is None or record.best is None:
            return "at its start"
        figures = record.best.figures
        best = "" if figures is None or figures.score is None else f"{100 * figures.score:.1f} %"
        return f"{record.calls:,} calls, best {best or 'unknown'} on validation"
