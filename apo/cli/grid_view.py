"""A grid of runs as it goes on and as it ended, for `apo compare`."""

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.language.catalogue import message, translated

if TYPE_CHECKING:
    from apo.compare.runner import Grid
    from apo.compare.settings import Experiment
    from apo.compare.standing import Comparison

NARROW = ("optimizer", "seed", "best", "gain", "rank", "to first", "worse", "proven", "chars")
"""Columns of a table on a terminal that is too narrow for all; the report has them all."""
MOST_SHOWN, MOST_IN_A_LINE = 8, 3
"""Cells under way whose course is shown, in the panel and in a plain line."""
STOPPING = message("stopping: calls under way are paid; Ctrl-C again does not wait")


class view:  # noqa: N801 (used like the context managers of contextlib)
    """The grid as it goes on: a live panel on a terminal, plain lines elsewhere."""

    def __init__(self, grid: "Grid", experiment: "Experiment", *, quiet: bool) -> None:
        from rich.live import Live

        from apo.cli.console import notes
        from apo.compare.courses import Courses

        self._grid, self._quiet = grid, quiet
        n = len(grid.cells)
        cells = translated(f"{n} cell{'s' * (n != 1)}")
        self._title = f"{experiment.name}: {cells}"
        self._last: deque[str] = deque(maxlen=5)
        self._told: set[str] = set(grid.outcomes)
        self._next = 0.0
        self._courses = Courses(grid)
        live = notes.is_terminal and not quiet
        self._live = Live(console=notes, transient=True, auto_refresh=False) if live else None

    def __enter__(self) -> "view":
        if self._live is not None:
            self._live.start()
        if self._grid.earlier and not self._quiet:
            from apo.cli.console import say

            say(f"Finished before: {self._grid.earlier} of {len(self._grid.cells)} cells.")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self) -> None:
        """Show what is new."""
        if self._quiet:
            return
        from apo.cli.console import percent, say

        for cell, outcome in self._grid.outcomes.items():
            if cell in self._told:
                continue
            self._told.add(cell)
            if outcome.state == "failed":
                say(f"{cell} failed: {outcome.error}", "red")
            elif outcome.scores is not None:
                seed, best = outcome.scores
                self._last.append(f"{cell}: {percent(seed)} → {percent(best)}")
        if self._live is not None:
            self._live.update(self._panel(), refresh=True)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + 10
            under_way = "".join(f" · {line}" for line in self._courses.lines(MOST_IN_A_LINE))
            say(f"{self._title} · {self._status()}{under_way}")

    def _panel(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        grid = self._grid
        bar = ProgressBar(total=len(grid.cells), completed=len(grid.outcomes), width=60)
        lines = [Text(f"  {line}") for line in self._courses.lines(MOST_SHOWN)]
        lines += [Text(line, style="dim") for line in self._last]
        return Group(Text(self._title, style="bold"), bar, Text(self._status()), *lines)

    def _status(self) -> str:
        from apo.cli.console import clock

        grid = self._grid
        n = grid.count("finished")
        told = [translated(f"{n} finished")]
        if n := grid.count("failed"):
            told.append(translated(f"{n} failed"))
        text = ", ".join(told)
        done = len(grid.outcomes) - grid.earlier
        passed = time.monotonic() - grid.started
        if grid.stopping:
            return f"{text} · {translated(STOPPING)}"
        if done:
            left = (len(grid.cells) - len(grid.outcomes)) * passed / done
            each = translated(f"{passed / done:.1f} s a cell")
            text += f" · {each} · {translated(f'{clock(left)} left')}"
        return f"{text} · {clock(passed)}"


def tell_grid(grid: "Grid", found: "Comparison", folder: Path) -> None:
    """Tell the tables, what is wanting, and how to go on."""
    from rich.table import Table

    from apo.cli.console import results, say, tell, typed
    from apo.compare.table import LEGEND, tables

    left_out = dict[str, None]()
    for table in tables(found):
        shown = Table(box=None, pad_edge=False, title=table.title, title_justify="left")
        narrow = results.width < table.width
        places = [p for p, name in enumerate(table.headings) if not narrow or name in NARROW]
        left_out |= dict.fromkeys(h for p, h in enumerate(table.headings) if p not in places)
        for place in places:
            heading = table.headings[place]
            shown.add_column(heading, justify="right" if place else "left", no_wrap=True)
        for row in table.rows:
            shown.add_row(*(row[place] for place in places))
        tell()
        tell(shown)
        tell(table.note)
    tell()
    for line in LEGEND if found.tasks else ():
        tell(line, "dim")
    if left_out:
        told = "A wider terminal, table.md of the report and --csv have them."
        say(f"Not shown here: {', '.join(left_out)}. {told}", "dim")
    tell()
    for problem in found.problems:
        tell(problem, "yellow")
    for cell, outcome in grid.outcomes.items():
        if outcome.state == "failed":
            tell(f"  {cell}: {outcome.error}", "red")
    if grid.over:
        say(f"{grid.over} The same command with more, or without that limit, goes on.", "bold")
    elif grid.count("finished") < len(grid.cells):
        say("The same command again goes on where this one ended.", "bold")
    tell(f"Report: {folder}")
    say(f"The runs: apo --home {typed(grid.root)} runs")
