"""A run in a notebook: how it goes on, below its cell, drawn anew while it runs."""

import asyncio
import sys
from collections.abc import Coroutine
from importlib import import_module
from typing import Any, Protocol, TypeVar

from apo.calls.progress import Progress
from apo.display.figures import clock, dollars, percent
from apo.display.page import part
from apo.display.spark import sparkline
from apo.run import glance_words as words
from apo.run.glance import Glance, Inside, Speed
from apo.storage.candidate import Candidate

R = TypeVar("R")
EVERY = 0.5
"""Seconds between two drawings."""
WIDTH, LONGEST = 40, 200
"""Signs of the curve, and characters of a prompt."""


class Handle(Protocol):
    """A place below a cell, as `IPython.display.display(…, display_id=True)` gives it."""

    def update(self, obj: object) -> object:
        """Show this in the place of what was shown."""
        ...


class Shown:
    """A glance for a front end: HTML, or text where it shows no HTML.

    Args:
        title: the first line.
        glance: what is shown.
        speed: of the glances so far.
    """

    def __init__(self, title: str, glance: Glance, speed: Speed) -> None:
        self._title, self._status = title, words.status(glance)
        values = [value for _, value in glance.curve]
        curve = sparkline(glance.curve, WIDTH) if len(values) > 1 else ""
        calls, answers = words.pace(speed.calls), words.answers(glance)
        best = "" if glance.best is None else _opening(glance.best)
        self._lines = [
            ("best", best),
            ("score", f"{curve} {percent(values[-1])}" if curve else ""),
            ("now", words.under_way(glance)),
            ("speed", " · ".join(filter(None, (calls, words.written(speed))))),
            ("left", words.left(glance, speed)),
            ("answers", answers),
        ]
        found, budget = glance.spent, glance.budget
        self._limits = [
            ("calls", f"{found.calls:,}", found.calls, budget.max_calls),
            ("tokens", f"{found.tokens:,}", found.tokens, budget.max_tokens),
            ("dollars", dollars(found.usd), found.usd or 0.0, budget.max_usd),
            ("minutes", clock(glance.seconds), glance.seconds / 60, budget.max_minutes),
        ]
        self._newest = [(words.proposal(c), _opening(c)) for c in glance.newest]

    def __repr__(self) -> str:
        """The same in lines of text."""
        lines = [self._title, self._status]
        lines += [f"{name:8} {text}" for name, text in self._lines if text]
        lines += [
            f"{name:8} {text}{f' of {limit:,g}' if limit else ''}"
            for name, text, _, limit in self._limits
        ]
        return "\n".join([*lines, *(f"newest   {score} {text}" for score, text in self._newest)])

    def _repr_html_(self) -> str:
        lines = [(name, text) for name, text in self._lines if text]
        return part("live", self._title, self._status, lines, self._limits, self._newest)


def _opening(candidate: Candidate) -> str:
    text = words.text_of(candidate)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def in_notebook(work: Coroutine[Any, Any, R], progress: Progress) -> Coroutine[Any, Any, R]:
    """The work with a view of it below its cell; the work alone where there is no notebook.

    Args:
        work: a run.
        progress: what it fills in.
    """
    handle = _handle(Shown("apo", Glance(phase="start"), Speed()))
    return work if handle is None else follow(work, progress, handle)


def _handle(first: Shown) -> Handle | None:
    """A place below the cell that runs now; None outside of a notebook's kernel."""
    if "IPython" not in sys.modules:
        return None
    ipython: Any = import_module("IPython")
    if getattr(ipython.get_ipython(), "kernel", None) is None:
        return None
    handle: Handle | None = ipython.display.display(first, display_id=True)
    return handle


async def follow(work: Coroutine[Any, Any, R], progress: Progress, handle: Handle) -> R:
    """Run the work to its end, and show it meanwhile."""
    task, run, speed = asyncio.ensure_future(work), Inside(progress), Speed()
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=EVERY)
            glance = run.look()
            speed.add(glance)
            handle.update(Shown(progress.run_id or "apo", glance, speed))
    except asyncio.CancelledError:
        task.cancel()
    return await task
