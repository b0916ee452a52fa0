"""A run as it goes on: a live panel on a terminal, plain lines elsewhere; Ctrl-C in order."""

import asyncio
import logging
import os
import signal
import stat
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from apo.calls.progress import Progress
from apo.cli.console import notes, say
from apo.cli.panel import View
from apo.cli.screen import Screen, draws
from apo.errors import ApoError, Interrupted
from apo.run.glance import Inside

R = TypeVar("R")
KEYS = "q ends the run in order, as Ctrl-C does."


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
    finish = _on_signals(progress, task.cancel)
    view, run = View(title), Inside(progress)
    if quiet:
        return await task
    if not draws(notes):
        while not task.done():
            await asyncio.wait({task}, timeout=0.5)
            view.print_line(run.look(), last=task.done())
        return await task
    with Screen(notes, lambda key: finish() if key == "q" else None) as screen:
        view.keys = KEYS if screen.reads_keys else ""
        progress.pausing = screen.pausing
        while not task.done():
            await asyncio.wait({task}, timeout=0.15)
            screen.draw(view.panel(run.look()))
    return await task


def _on_signals(progress: Progress, cancel: Callable[[], object]) -> Callable[[], None]:
    """Have the first signal end the work in order, and a second one at once; gives the former."""
    asked = False

    def finish() -> None:
        nonlocal asked
        if progress.caller is None:
            cancel()
        elif not asked:
            asked = True
            told = "Finishing the calls under way, which are paid. Ctrl-C again does not wait."
            say(told, "yellow")
            progress.stop()

    def stop() -> None:
        cancel() if asked else finish()

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
        pass  # Windows, or not the main thread: Ctrl-C then cancels at once.
    return finish
