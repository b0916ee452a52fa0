"""A glance at a run on a terminal: a panel that is drawn anew; and plain lines for pipes."""

import time
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from apo.cli.console import clock, dollars, notes, percent, say
from apo.display.spark import ASCII, BLOCKS, sparkline
from apo.language.catalogue import message, translated
from apo.run import glance_words as words
from apo.run.glance import Glance, Speed

SHOWN = 160
"""Characters of the newest proposal in a plain line."""
WIDEST, LEAST = 40, 8
"""Signs of a bar or a curve; beside them stand about 40 more."""
BESIDE = 42


@dataclass
class View:
    """Draws glances at a run.

    Attributes:
        title: the first line.
        keys: what may be typed, told in the last line; "" for nothing.
    """

    title: str
    keys: str = ""
    _speed: Speed = field(default_factory=Speed)
    _line: tuple[str, float, object] = ("", 0.0, None)
    _newest: str = ""
    _n_planned: int = 0

    def panel(self, glance: Glance) -> RenderableType:
        """All that is known, for a terminal as wide as it is now."""
        self._speed.add(glance)
        rows: list[RenderableType] = [
            Text(self.title, style="bold"),
            Text(translated(words.status(glance))),
        ]
        rows += [Text(translated(told), style="dim") for told in glance.plan]
        if glance.best is not None:
            rows.append(_cut(words.text_of(glance.best), lines=2, name=message("best")))
        now = words.under_way(glance)
        rows += [Text(translated(now))] if now else []
        rows.append(self._table(glance))
        if glance.newest:
            rows.append(_newest(glance))
        if self.keys:
            rows.append(Text(translated(self.keys), style="dim"))
        return Group(*rows)

    def print_line(self, glance: Glance, *, every: float = 10.0, last: bool = False) -> None:
        """Write a plain line when the phase changes, and every so many seconds.

        Args:
            glance: what is told.
            every: the seconds.
            last: whether no other line will come: then it is written if it says anything new.
        """
        phase, at, told = self._line
        now = (glance.phase, glance.spent.calls, glance.best)
        self._speed.add(glance)
        for sentence in glance.plan[self._n_planned :]:
            say(sentence)
        self._n_planned = len(glance.plan)
        due = now != told if last else time.monotonic() - at >= every
        if glance.phase == phase and not due:
            return
        self._line = (glance.phase, time.monotonic(), now)
        speeds = [words.pace(self._speed.calls), words.written(self._speed)]
        speed = ", ".join(map(translated, filter(None, speeds))) if self._speed.calls > 0 else ""
        told = [self.title, words.status(glance), words.under_way(glance), speed]
        say(" · ".join(filter(None, [*told, words.spent(glance)])))
        newest = words.text_of(glance.newest[0]) if glance.newest else ""
        if newest not in ("", self._newest):
            self._newest = newest
            shown = newest if len(newest) <= SHOWN else newest[:SHOWN] + "…"
            notes.print(Text(f"  {translated('newest')}: {shown}"), soft_wrap=True)

    def _table(self, glance: Glance) -> Table:
        """The curve, what was spent against each limit, the speed, and what became of calls."""
        table = Table.grid(padding=(0, 2))
        for least in (7, 9, None, None):
            table.add_column(no_wrap=True, overflow="ellipsis", min_width=least)
        width = max(LEAST, min(WIDEST, notes.width - BESIDE))
        if len(glance.curve) > 1:
            curve = sparkline(glance.curve, width, BLOCKS if _draws_blocks() else ASCII)
            first, last = percent(glance.curve[0][1]), percent(glance.curve[-1][1])
            from_first = translated(f"from {first}")
            table.add_row(translated("score"), last, Text(curve, style="green"), from_first)
        found, budget = glance.spent, glance.budget
        rows = [
            (message("calls"), float(found.calls), budget.max_calls, f"{found.calls:,}"),
            (message("tokens"), float(found.tokens), budget.max_tokens, f"{found.tokens:,}"),
            (message("dollars"), found.usd or 0.0, budget.max_usd, translated(dollars(found.usd))),
            (message("minutes"), glance.seconds / 60, budget.max_minutes, clock(glance.seconds)),
        ]
        for name, value, limit, text in rows:
            bar = ProgressBar(total=limit, completed=value, width=width) if limit else Text("")
            of = translated(f"of {limit:,g}") if limit else ""
            table.add_row(translated(name), text, bar, of)
        speed = self._speed
        table.add_row(
            translated("speed"),
            translated(words.pace(speed.calls)) if speed.calls or not found.calls else "–",
            Text(translated(words.written(speed))),
            translated(words.left(glance, speed)),
        )
        answers = words.answers(glance)
        whole = Table.grid()
        whole.add_row(table)
        if answers:
            whole.add_row(_cut(translated(answers), lines=2, name=message("answers")))
        return whole


def _draws_blocks() -> bool:
    return notes.encoding.lower().startswith("utf")


def _cut(text: str, *, lines: int, name: str) -> Text:
    """A text with its name, of so many lines at most."""
    told = Text.assemble((f"{translated(name)}  ", "dim"), text)
    wrapped = told.wrap(notes, max(20, notes.width))
    shown = Text("\n").join(wrapped[:lines])
    if len(wrapped) > lines:
        last = wrapped[lines - 1]
        last.rstrip()
        last.truncate(max(20, notes.width) - 1, overflow="crop")
        shown = Text("\n").join([*wrapped[: lines - 1], last.append("…")])
    return shown


def _newest(glance: Glance) -> Table:
    """The newest proposals with their scores, a line each."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for place, candidate in enumerate(glance.newest):
        name = "" if place else translated("newest")
        table.add_row(name, words.proposal(candidate), Text(words.text_of(candidate)))
    return table
