"""Optimizing where rows are few: a search on each of k folds, a last one, and a pooled verdict.

The runs lie in a folder of a run of their own, which is their home: `runs/` in it holds one run a
fold and the last one. What they come to lies there as in every run (`apo.fold_verdict`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.errors import RunError
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.results.result import Result
from apo.run.fold_plan import FoldPlan, run_folds
from apo.run.optimize import DEFAULT_BUDGET
from apo.run.resume import arguments_of, find_run_to_resume
from apo.run.waiting import wait_for_run
from apo.search.search import Optimizer
from apo.storage.folder import HOME
from apo.task import Task


async def aoptimize_folds(
    task: Task | str | Path,
    optimizer: Optimizer | str = "auto",
    *,
    folds: int = 5,
    settings: Mapping[str, Any] | None = None,
    model: Model | str = "embedded",
    optimizer_model: Model | str | None = None,
    prompt: Prompt | None = None,
    budget: Budget = DEFAULT_BUDGET,
    options: Options | None = None,
    home: Path = HOME,
    progress: Progress | None = None,
) -> Result:
    """Optimize a task with few rows: every row is tested on, and none by a search that saw it.

    Searches once for each fold, tests each winner on the fold, and searches a last time on all
    rows: that prompt is the result's best. Its own score on new rows is not measured. The verdict
    is on what these searches bring, over the rows of all folds. `apo.folds` says how rows become
    folds, docs/folds.md what may be concluded.

    Args:
        task: as for `aoptimize`. Of a `Task`, the rows of all pools are put together.
        optimizer: as for `aoptimize`.
        folds: how many, 2 or more.
        settings: settings of an optimizer that is given by name.
        model: answers examples.
        optimizer_model: writes prompts; by default the same model.
        prompt: seed prompt in place of the task's own.
        budget: what all runs together may spend; each may spend a (folds + 1)-th.
        options: everything else.
        home: folder that holds `runs/`.
        progress: filled in while the runs go on.

    Raises:
        SettingsError: too few rows or too small a budget for so many folds.
        ApoError: what `aoptimize` raises; `resume_folds` goes on.
    """
    given: dict[str, Any] = {
        "task": task,
        "optimizer": optimizer,
        "settings": settings or {},
        "model": model,
        "optimizer_model": optimizer_model,
        "prompt": prompt,
    }
    plan = FoldPlan(given, folds, budget, options or Options())
    setup = plan.setup()
    whole, chosen = setup.resolve(home)
    plan.check(whole)
    folder = setup.create(whole, chosen, home, folds=folds)
    return await run_folds(folder, plan, whole, progress or Progress())


def optimize_folds(
    task: Task | str | Path,
    optimizer: Optimizer | str = "auto",
    *,
    folds: int = 5,
    settings: Mapping[str, Any] | None = None,
    model: Model | str = "embedded",
    optimizer_model: Model | str | None = None,
    prompt: Prompt | None = None,
    budget: Budget = DEFAULT_BUDGET,
    options: Options | None = None,
    home: Path = HOME,
    progress: Progress | None = None,
) -> Result:
    """Do what `aoptimize_folds` does, and wait for it; works in a notebook, too.

    Takes and raises the same.
    """
    progress = progress or Progress()
    work = aoptimize_folds(
        task,
        optimizer,
        folds=folds,
        settings=settings,
        model=model,
        optimizer_model=optimizer_model,
        prompt=prompt,
        budget=budget,
        options=options,
        home=home,
        progress=progress,
    )
    return wait_for_run(work, progress, "apo.resume_folds")


async def aresume_folds(
    run: str, *, home: Path = HOME, progress: Progress | None = None, **given: Any
) -> Result:
    """Go on with runs on folds where they stopped; no call that was paid is paid again.

    Args:
        run: the id that `aoptimize_folds` gave, a part of it, or "last".
        home: folder that holds `runs/`.
        progress: filled in while the runs go on.
        **given: any of `task`, `optimizer`, `model`, `optimizer_model` that it was started with
            as an object.

    Raises:
        RunError: no such run, changed data, or an object that it was started with is missing.
    """
    folder = find_run_to_resume(run, home, folds=True)
    record = folder.settings
    recorded = arguments_of(folder, given)
    options = recorded.pop("options")
    plan = FoldPlan({**recorded, **given}, record["folds"], Budget(**record["budget"]), options)
    whole, _ = plan.setup().resolve(home)
    if whole.fingerprint != record["data"]["fingerprint"]:
        raise RunError(
            f"The data of {whole.name!r} changed since {folder.id} was started, so rows would be "
            "in other folds. Restore the data, or start anew."
        )
    return await run_folds(folder, plan, whole, progress or Progress())


def resume_folds(
    run: str, *, home: Path = HOME, progress: Progress | None = None, **given: Any
) -> Result:
    """Do what `aresume_folds` does, and wait for it; works in a notebook, too."""
    progress = progress or Progress()
    work = aresume_folds(run, home=home, progress=progress, **given)
    return wait_for_run(work, progress, "apo.resume_folds")
