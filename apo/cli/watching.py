"""`apo watch`: a run that this or any other process makes, seen from another terminal."""

from typing import TYPE_CHECKING

import typer

from apo.cli import options as o
from apo.language.catalogue import translated

if TYPE_CHECKING:
    from apo.storage.folder import RunFolder

EVERY = 1.0
"""Seconds between two looks; more where a look takes long."""
KEYS = "q leaves the view; the run goes on."


def watch(run: o.RunName) -> None:
    """Show a run while it goes on, also one that another process or a colleague makes.

    Reads the run's folder, and writes nothing: a panel on a terminal, plain lines in a pipe. It
    ends with the run, and says how that ended: with code 0 when it is finished, and 1 when it was
    stopped, failed, or its process is gone. Leaving the view, by q or Ctrl-C, stops nothing.

    Example: `apo watch last`
    """
    import asyncio

    from apo.cli.console import home
    from apo.errors import SettingsError
    from apo.storage.folder import find_run

    folder = find_run(run, home())
    if "folds" in folder.settings:
        raise SettingsError(
            f"{folder.id} is made of runs on folds; watch the one that is under way, by its id: "
            "apo runs"
        )
    try:
        left = asyncio.run(_follow(folder))
    except KeyboardInterrupt:
        left = True
    if left:
        return
    if not _tell_end(folder):
        raise typer.Exit(1)


async def _follow(folder: "RunFolder") -> bool:
    """Show the run until it ends, or whoever watches leaves: then True."""
    import asyncio
    import time
    from contextlib import nullcontext

    from apo.cli.console import notes
    from apo.cli.panel import View
    from apo.cli.screen import Screen, draws
    from apo.run.glance import Outside

    run, left = Outside(folder), asyncio.Event()
    view = View(folder.id)
    drawn = Screen(notes, lambda key: left.set() if key == "q" else None)
    with drawn if draws(notes) else nullcontext() as screen:
        view.keys = KEYS if screen is not None and screen.reads_keys else ""
        gone, looked = 0, False
        while not left.is_set():
            before = time.monotonic()
            # Once alone it may be between its search and its end, when nobody holds the journal.
            gone = 0 if folder.state == "running" else gone + 1
            if gone >= (2 if folder.settings["state"] == "running" else 1):
                if looked and screen is None:
                    view.print_line(run.look(), last=True)
                return False
            glance, looked = run.look(), True
            if screen is None:
                view.print_line(glance)
            else:
                screen.draw(view.panel(glance))
            pause = max(EVERY, 5 * (time.monotonic() - before))
            try:
                await asyncio.wait_for(left.wait(), pause)
            except TimeoutError:
                continue
    return True


def _tell_end(folder: "RunFolder") -> bool:
    """Say how a run ended, and how to go on; whether it is finished."""
    from apo.cli.console import say, tell
    from apo.results.outcome import outcome

    state, written = folder.state, folder.settings["state"]
    if state == "finished":
        ended = translated(f"{folder.id} is finished.")
        tell(f"{ended} {translated(outcome(folder.need_result()).reason)}", "bold")
        say(f"All of it: apo show {folder.id}")
        return True
    told = {
        "new": f"{folder.id} has not begun.",
        "estimated": f"{folder.id} is estimated, and has not begun.",
        "failed": f"{folder.id} failed. What was paid is kept.",
        "interrupted": f"{folder.id} was stopped. What was paid is kept.",
    }
    gone = f"The process of {folder.id} is gone, without an end in order. What was paid is kept."
    tell(gone if written == "running" else told[state], "yellow")
    say(f"Go on with: apo resume {folder.id}")
    return False
