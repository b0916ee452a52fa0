"""A run as it goes on: a live panel on a terminal, plain lines elsewhere; Ctrl-C in order."""

import asyncio
import logging
import os
import signal
import stat
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from apo.calls.progress import Progress
from apo.cli.console import clock, dollars, notes, percent, say
from apo.errors import ApoError, Interrupted

R = TypeVar("R")
PHASES = {
    "start": "loading",
    "seed": "measuring the seed prompt",
    "search": "searching",
    "verdict": "verdict on the test split",
    "evaluate": "measuring",
    "logging": "logging to MLflow",
    "done": "done",
}

DOING = {
    "task": "answering",
    "optimizer": "writing prompts",
    "fallback": "writing prompts in its place",
    "judge": "judging",
}
"""What attempts in a role do."""
SHOWN = 160
"""Characters of the newest proposal in a plain line."""
WINDOW, SLOW_WINDOW = 5.0, 120.0
"""Seconds over which the speed is told; the second where fewer than `ENOUGH` calls fall into the
first.
"""
ENOUGH = 10


def watch(work: Coroutine[Any, Any, R], progress: Progress, title: str, *, quiet: bool) -> R:
    """Run the work to its end, showing its progress.

    The first Ctrl-C (or SIGTERM, or a terminal that is closed) lets calls under way finish and
    keeps them; a second one does not wait for them.

    Args:
        work: what to run.
        progress: what it fills in.
        title: first line of the panel.
        quiet: show nothing.

    Raises:
        Interrupted: the user did not wait for the calls under way.
        ApoError: what ended the work; it names the run.
    """
    # What ended the work is told once; asyncio would tell of each task that it ended, too.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_watch(work, progress, title, quiet=quiet))
    except (asyncio.CancelledError, KeyboardInterrupt):
        stop = Interrupted("The run was stopped without waiting for the calls under way.")
        stop.run_id = progress.run_id
        raise stop from None
    except ApoError as error:
        error.run_id = progress.run_id
        if progress.caller is not None:
            error.paid = progress.caller.meter.spent.calls > 0
            error.overspent = progress.caller.meter.overspent
        raise


async def _watch(work: Coroutine[Any, Any, R], progress: Progress, title: str, *, quiet: bool) -> R:
    task = asyncio.ensure_future(work)
    _on_signals(progress, task.cancel)
    view = _View(progress, title)
    if quiet:
        return await task
    if not notes.is_terminal:
        while not task.done():
            await asyncio.wait({task}, timeout=0.5)
            view.print_line()
        return await task
    with Live(console=notes, transient=True, refresh_per_second=8) as live:
        while not task.done():
            await asyncio.wait({task}, timeout=0.15)
            live.update(view.panel())
    return await task


def _on_signals(progress: Progress, cancel: Callable[[], object]) -> None:
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked or progress.caller is None:
            cancel()
            return
        asked = True
        say("Finishing the calls under way, which are paid. Ctrl-C again does not wait.", "yellow")
        progress.stop()

    loop = asyncio.get_running_loop()

    def hang_up() -> None:
        for number in (1, 2):  # The terminal is gone: a line to it would fail.
            if stat.S_ISCHR(os.fstat(number).st_mode):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        stop()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup goes on without it.
            loop.add_signal_handler(signal.SIGHUP, hang_up)
    except (NotImplementedError, RuntimeError):
        return  # Windows, or not the main thread: Ctrl-C then cancels at once.


@dataclass
class _View:
    """The figures of a run, drawn."""

    progress: Progress
    title: str
    _line: tuple[str, float] = ("", 0.0)
    _rate: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])
    _newest: str = ""

    def panel(self) -> Group:
        """Phase, scores, what is under way, spend against each limit, and the newest proposal."""
        rows: list[Any] = [Text(self.title, style="bold"), Text(self._status())]
        rows += [Text(now) for now in (self._now(),) if now]
        rows.append(self._limits())
        newest = self._proposal()
        if newest:
            told = Text.assemble(("newest  ", "dim"), newest)
            told.truncate(max(20, 2 * notes.width - 2), overflow="ellipsis")
            rows.append(told)
        return Group(*rows)

    def print_line(self, every: float = 10.0) -> None:
        """Write a plain line when the phase changes, and every so many seconds."""
        phase, last = self._line
        if self.progress.phase == phase and time.monotonic() - last < every:
            return
        self._line = (self.progress.phase, time.monotonic())
        calls, tokens = self._speed()
        told = [self.title, self._status(), self._now(), _speed(calls, tokens), self._spent()]
        say(" · ".join(filter(None, told)))
        newest = self._proposal()
        if newest not in ("", self._newest):
            self._newest = newest
            say(f"  newest: {newest if len(newest) <= SHOWN else newest[:SHOWN] + '…'}")

    def _proposal(self) -> str:
        search = self.progress.search
        return "" if search is None else " ".join(search.newest.split())

    def _now(self) -> str:
        """What is under way, and for how long; "" for nothing."""
        caller = self.progress.caller
        found = {} if caller is None else caller.under_way()
        return ", ".join(
            f"{n} {DOING.get(role, role)} (for {clock(longest)})"
            for role, (n, longest) in sorted(found.items(), key=lambda one: -one[1][1])
        )

    def _status(self) -> str:
        search = self.progress.search
        status = PHASES[self.progress.phase]
        if search is not None and search.best is not None:
            status += (
                f" · best {percent(search.best.value)} on {len(search.best.rollouts)} validation "
                f"examples · {search.n_candidates} candidates"
            )
        waiting = self.progress.waiting()
        if waiting:
            status += f" · {waiting}"
        caller = self.progress.caller
        if caller is not None and caller.problem:
            status += f" · last problem: {caller.problem}"
        return status

    def _spent(self) -> str:
        caller = self.progress.caller
        if caller is None:
            return ""
        spent = caller.meter.spent
        tokens = spent.tokens
        return (
            f"{spent.calls} calls, {tokens:,} tokens, {dollars(spent.usd)}, "
            f"{clock(caller.meter.seconds)}"
        )

    def _limits(self) -> Table:
        table = Table.grid(padding=(0, 2))
        caller = self.progress.caller
        if caller is None:
            return table
        meter, spent = caller.meter, caller.meter.spent
        tokens = spent.tokens
        rows = [
            ("calls", float(spent.calls), meter.budget.max_calls, f"{spent.calls:,}"),
            ("tokens", float(tokens), meter.budget.max_tokens, f"{tokens:,}"),
            ("dollars", spent.usd or 0.0, meter.budget.max_usd, dollars(spent.usd)),
            ("minutes", meter.seconds / 60, meter.budget.max_minutes, clock(meter.seconds)),
        ]
        for name, value, limit, text in rows:
            bar = ProgressBar(total=limit, completed=value, width=30) if limit else Text("")
            table.add_row(name, text, bar, f"of {limit:g}" if limit else "")
        rate, written = self._speed()
        left = ((meter.budget.max_calls or 0) - spent.calls) / rate if rate else 0
        told = f"{clock(left)} left" if left > 0 else ""
        table.add_row("speed", pace(rate), Text(_written(written)), told)
        return table

    def _speed(self) -> tuple[float, float]:
        """Calls, and tokens of answers, a second over the last few seconds; over minutes where
        calls take so long.
        """
        caller = self.progress.caller
        if caller is None:
            return 0.0, 0.0
        now, spent = time.monotonic(), caller.meter.spent
        self._rate.append((now, spent.calls, spent.output_tokens))
        self._rate = [point for point in self._rate if now - point[0] <= SLOW_WINDOW]
        recent = [point for point in self._rate if now - point[0] <= WINDOW]
        points = recent if recent[-1][1] - recent[0][1] >= ENOUGH else self._rate
        first, last = points[0], points[-1]
        seconds = last[0] - first[0]
        if seconds <= 0:
            return 0.0, 0.0
        return (last[1] - first[1]) / seconds, (last[2] - first[2]) / seconds


def _speed(calls: float, tokens: float) -> str:
    """Both speeds in words; "" before the first answer."""
    return ", ".join(filter(None, (pace(calls), _written(tokens)))) if calls > 0 else ""


def _written(tokens: float) -> str:
    """Say how fast answers are written; "" where nothing is known."""
    return f"{tokens:,.0f} tokens/s" if tokens >= 1 else ""


def pace(rate: float) -> str:
    """Say how fast calls are answered: calls a second, or seconds a call.

    Args:
        rate: calls a second; 0 where none has been answered yet.
    """
    if rate <= 0:
        return "no answer yet"
    return f"{rate:.0f} calls/s" if rate >= 1 else f"{1 / rate:.1f} s a call"
