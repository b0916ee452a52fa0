"""Going on with a run where it stopped, with what it was started with."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.calls.retry import Retry
from apo.errors import RunError
from apo.prompts.prompt import Prompt
from apo.results.result import Result
from apo.run.optimize import aoptimize
from apo.run.waiting import wait_for_run
from apo.run.wishes import trusted_settings
from apo.search.review import Reviewer
from apo.storage.folder import HOME, RunFolder, find_run


async def aresume(
    run: str,
    *,
    budget: Budget | None = None,
    home: Path = HOME,
    progress: Progress | None = None,
    retry: Retry | None = None,
    reviewer: Reviewer | None = None,
    **objects: Any,
) -> Result:
    """Go on with a run where it stopped; no call that was paid is paid again.

    Args:
        run: the run's id, a part of it that no other run has, or "last".
        budget: limits to change; those that it leaves open stay as the run had them.
        home: folder that holds `runs/`.
        progress: filled in while the run goes on.
        retry: what is tried again, and when.
        reviewer: asks a person about each proposal, in a run that was started with one.
        **objects: any of `task`, `optimizer`, `model`, `optimizer_model` that the run was started
            with as an object; for data, `inputs` and `target`, too.

    Raises:
        RunError: no such run, one that is finished and is to go on longer, or an object that it
            was started with is missing.
    """
    given = {**objects, "home": home, "progress": progress, "retry": retry, "reviewer": reviewer}
    folder = find_run_to_resume(run, home, folds=False)
    record = folder.settings
    if record["state"] == "finished" and budget is not None:
        raise RunError(
            f"{folder.id} is finished: its test examples have been read, and the verdict on a "
            f"longer search would prove less. Start a new run; this one: apo show {folder.id}"
        )
    recorded = arguments_of(folder, given)
    limits = {name: n for name, n in asdict(budget or Budget()).items() if n is not None}
    changed = Budget(**{**record["budget"], **limits})
    arguments: dict[str, Any] = {**recorded, "budget": changed, **given, "run": folder.id}
    return await aoptimize(**arguments)


def find_run_to_resume(run: str, home: Path, *, folds: bool) -> RunFolder:
    """Find the folder of a run that is to go on.

    Args:
        run: its id, a part of it, or "last".
        home: folder that holds `runs/`.
        folds: whether it has to be made of runs on folds.

    Raises:
        RunError: no such run, or the other function goes on with it.
    """
    folder = find_run(run, home)
    if folds and "folds" not in folder.settings:
        raise RunError(f"{folder.id} has no folds: go on with apo resume {folder.id}")
    if not folds and "folds" in folder.settings:
        raise RunError(f"{folder.id} is made of runs on folds: apo.resume_folds({folder.id!r}).")
    return folder


def arguments_of(folder: RunFolder, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a run was started with, but for its budget, as they are written down.

    Raises:
        RunError: it was started with an object that is not given again.
    """
    record = trusted_settings(folder)
    missing = [name for name in record["objects"] if name not in given]
    if missing:
        raise RunError(
            f"{folder.id} was started from Python with its own {' and '.join(missing)}; "
            "resume it there, and give the same again: "
            f"apo.{'resume_folds' if 'folds' in record else 'resume'}(run, …=…)."
        )
    prompt = record["prompt"]
    return {
        "task": record["task_ref"],
        "optimizer": record["optimizer"]["ref"],
        "settings": record["optimizer"]["settings"],
        "model": record["model"],
        "optimizer_model": record["optimizer_model"],
        "prompt": None if prompt is None else Prompt.from_dict(prompt),
        "options": Options.from_dict(record["options"]),
    }


def resume(
    run: str,
    *,
    budget: Budget | None = None,
    home: Path = HOME,
    progress: Progress | None = None,
    retry: Retry | None = None,
    reviewer: Reviewer | None = None,
    **objects: Any,
) -> Result:
    """Do what `aresume` does, and wait for it; works in a notebook, too."""
    progress = progress or Progress()
    work = aresume(
        run,
        budget=budget,
        home=home,
        progress=progress,
        retry=retry,
        reviewer=reviewer,
        **objects,
    )
    return wait_for_run(work, progress, "apo.resume")
