"""`apo estimate`, `apo optimize` and `apo resume`."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import typer

from apo.cli import options as o
from apo.cli.flags import RunFlags, takes
from apo.cli.values import budget as as_budget

if TYPE_CHECKING:
    from apo.calls.progress import Progress
    from apo.results.result import Result


@takes(RunFlags)
def optimize(flags: RunFlags) -> None:
    """Search for a better prompt, give a verdict on untouched data, log all of it to MLflow.

    Without a limit the run may make 2,000 calls.

    Example: `apo optimize support-tickets --model openai/gpt-5-mini --max-usd 1`
    """
    from apo.calls.progress import Progress
    from apo.cli.console import home
    from apo.cli.folds import tell_few_rows
    from apo.cli.review import reviewer
    from apo.errors import SettingsError
    from apo.run.folds import aoptimize_folds
    from apo.run.optimize import aoptimize

    progress = Progress()
    asks = reviewer(progress) if flags.review else None
    title = f"{flags.task} · {flags.optimizer} · {flags.model}"
    given = flags.arguments(home())
    if flags.review and flags.folds is not None:
        raise SettingsError("Runs on folds ask nobody: leave --review or --folds out.")
    if flags.folds is not None:
        work = aoptimize_folds(**given, folds=flags.folds, progress=progress)
        _follow(work, progress, f"{title} · {flags.folds} folds", flags.json)
        return
    work = aoptimize(**given, progress=progress, reviewer=asks)
    _follow(work, progress, title, flags.json)
    tell_few_rows(progress.run_id, home(), flags.task)


@takes(RunFlags)
def estimate(flags: RunFlags) -> None:
    """Say what the run that the same flags would start will take: calls, tokens, money, minutes.

    Makes four to sixteen calls to find out, as many as go out at once. They belong to a run that
    is prepared, not started: its `apo resume` uses their answers.

    Example: `apo estimate support-tickets --model openai/gpt-5-mini --max-usd 1`
    """
    import asyncio

    from apo.cli.console import home, print_json
    from apo.cli.report import report_estimate
    from apo.errors import SettingsError
    from apo.run.estimate import aestimate

    if flags.folds is not None:
        raise SettingsError(
            "The runs on folds share the limits, so that together they take what one run takes: "
            "leave --folds out."
        )
    found = asyncio.run(aestimate(**flags.arguments(home())))
    print_json(found.to_dict()) if flags.json else report_estimate(found)


def resume(
    run: o.RunName,
    max_calls: o.MaxCalls = None,
    max_tokens: o.MaxTokens = None,
    max_usd: o.MaxUsd = None,
    max_minutes: o.MaxMinutes = None,
    json: o.Json = False,
) -> None:
    """Go on with a run that was stopped, killed, or only estimated; nothing is paid twice.

    A limit that is given takes the place of the run's own; the others stay.

    Example: `apo resume last --max-calls 4000`
    """
    from apo.calls.progress import Progress
    from apo.cli.console import home, say
    from apo.cli.review import reviewer
    from apo.errors import RunError, SettingsError
    from apo.run.folds import aresume_folds
    from apo.run.resume import aresume
    from apo.storage.folder import find_run

    folder = find_run(run, home())
    if folder.in_use():
        raise RunError(f"{folder.id} goes on already. Look on with: apo watch {folder.id}")
    if folder.state == "finished":
        say(
            f"{folder.id} is finished, and is repeated from its journal. Look: apo show {folder.id}"
        )
    limits = (max_calls, max_tokens, max_usd, max_minutes)
    budget = None if all(limit is None for limit in limits) else as_budget(*limits)
    progress = Progress()
    if "folds" in folder.settings:
        if budget is not None:
            raise SettingsError(
                f"The limits of {folder.id} are parted among its runs, and stay. Resume it without "
                "a limit, or start anew."
            )
        work = aresume_folds(folder.id, home=home(), progress=progress)
    else:
        options: dict[str, Any] = folder.settings.get("options") or {}
        asks = reviewer(progress) if options.get("review") else None
        work = aresume(folder.id, budget=budget, home=home(), progress=progress, reviewer=asks)
    _follow(work, progress, folder.id, json)


def _follow(
    work: "Coroutine[Any, Any, Result]", progress: "Progress", title: str, json: bool
) -> None:
    """Watch a run to its end, and tell its result; one that overspent ends with code 3."""
    from apo.cli.console import print_json
    from apo.cli.folds import report_any
    from apo.cli.live import watch

    document = watch(work, progress, title, quiet=json).to_dict()
    print_json(document) if json else report_any(document)
    if document.get("overspent"):
        raise typer.Exit(3)
