"""Optimizing where rows are few: a search on each of k folds, a last one, and a pooled verdict.

The runs lie in a folder of a run of their own, which is their home: `runs/` in it holds one run a
fold and the last one. What they come to lies there as in every run (`apo.fold_verdict`).
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.data.folds import fold_tasks
from apo.errors import RunError, SettingsError, Stopped
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.results.fold_verdict import conclude
from apo.results.result import Result
from apo.run.fit import fit_pools, share_budget
from apo.run.optimize import DEFAULT_BUDGET, aoptimize, aresume, arguments_of
from apo.run.prepare import Setup
from apo.run.waiting import wait_for_run
from apo.search.search import Optimizer
from apo.storage.folder import HOME, RunFolder, find_run, list_runs
from apo.task import Task

_log = logging.getLogger(__name__)


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
    plan = _Plan(given, folds, budget, options or Options())
    setup = plan.setup()
    whole, chosen = setup.resolve(home)
    plan.check(whole)
    folder = setup.create(whole, chosen, home, folds=folds)
    return await _run(folder, plan, whole, progress or Progress())


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
    folder = find_run(run, home)
    record = folder.settings
    if "folds" not in record:
        raise RunError(f"{folder.id} has no folds: go on with apo resume {folder.id}")
    recorded = arguments_of(folder, given)
    options = recorded.pop("options")
    plan = _Plan({**recorded, **given}, record["folds"], Budget(**record["budget"]), options)
    whole, _ = plan.setup().resolve(home)
    if whole.fingerprint != record["data"]["fingerprint"]:
        raise RunError(
            f"The data of {whole.name!r} changed since {folder.id} was started, so rows would be "
            "in other folds. Restore the data, or start anew."
        )
    return await _run(folder, plan, whole, progress or Progress())


def resume_folds(
    run: str, *, home: Path = HOME, progress: Progress | None = None, **given: Any
) -> Result:
    """Do what `aresume_folds` does, and wait for it; works in a notebook, too."""
    progress = progress or Progress()
    work = aresume_folds(run, home=home, progress=progress, **given)
    return wait_for_run(work, progress, "apo.resume_folds")


@dataclass(frozen=True)
class _Plan:
    """What the runs are made of, and how the budget is parted."""

    given: Mapping[str, Any]
    k: int
    budget: Budget
    options: Options

    def setup(self) -> Setup:
        """What all runs are made of; its task has all rows, as the last run's."""
        options = replace(self.options, fold=(self.k + 1, self.k))
        return Setup(**self.given, budget=self.budget, options=options)

    def arguments(self, number: int) -> dict[str, Any]:
        """The arguments of `aoptimize` for a fold; for the last run with k + 1."""
        each, last = share_budget(self.budget, self.k + 1)
        budget = each if number <= self.k else last
        # The last run is logged with the verdict, as the run that holds them all.
        track = self.options.track and number <= self.k
        options = replace(self.options, fold=(number, self.k), track=track)
        return {**self.given, "budget": budget, "options": options}

    def check(self, whole: Task) -> None:
        """Make sure that each run can do with its share of the calls."""
        calls, n_runs = self.budget.max_calls, self.k + 1
        if calls is None:
            return
        for task in fold_tasks(whole, self.k, self.options.seed):
            try:
                fit_pools(task, calls // n_runs)
            except SettingsError as error:
                least = 22 * task.calls_per_example * n_runs
                raise SettingsError(
                    f"{self.k} folds are {n_runs} runs, which share the {calls} calls. {error} "
                    f"For {self.k} folds, that is {least} or more; fewer folds take less."
                ) from error


async def _run(folder: RunFolder, plan: _Plan, whole: Task, progress: Progress) -> Result:
    """Run what is not finished yet, and write down what it comes to."""
    lock = FileLock(f"{folder.journal_path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"{folder.id} is in use by another process. Wait for it to end.") from None
    try:
        folder.set_state("running")
        last = await _run_all(folder, plan, whole, progress)
        progress.phase = "logging"
        known = _runs(folder)
        tasks = fold_tasks(whole, plan.k, plan.options.seed)
        result = conclude(folder, [known[n] for n in sorted(known)], tasks, last)
        folder.set_state("finished")
        result = await _track(folder, plan.options, result)
    except BaseException as error:
        stopped = isinstance(error, Stopped | asyncio.CancelledError | KeyboardInterrupt)
        folder.set_state("interrupted" if stopped else "failed")
        raise
    finally:
        progress.run_id = folder.id  # What is to be resumed is all of it.
        lock.release()
    progress.phase = "done"
    return result


async def _run_all(folder: RunFolder, plan: _Plan, whole: Task, progress: Progress) -> Result:
    """Run the folds and the last run; what is finished is not run again.

    Returns:
        The result of the last run.
    """
    home, known, results = folder.path, _runs(folder), list[Result]()
    tasks = fold_tasks(whole, plan.k, plan.options.seed)
    for number, task in enumerate(tasks, 1):
        run = known.get(number)
        if number <= plan.k and run is not None and run.state == "finished":
            continue
        name = f"Fold {number} of {plan.k}" if number <= plan.k else "Last run, without a test"
        sizes = (len(task.train), len(task.validation), len(task.test))
        _log.info("%s: train %d, validation %d, test %d.", name, *sizes)
        if run is None:
            work = aoptimize(**plan.arguments(number), home=home, progress=progress)
        else:
            objects: dict[str, Any] = {name: plan.given[name] for name in run.settings["objects"]}
            work = aresume(run.id, **objects, home=home, progress=progress)
        results.append(await work)
    return results[-1]


def _runs(folder: RunFolder) -> dict[int, RunFolder]:
    """The runs in a folder by the number of their fold."""
    return {run.settings["options"]["fold"][0]: run for run in list_runs(folder.path)}


async def _track(folder: RunFolder, options: Options, result: Result) -> Result:
    """Log the last run's search, with the verdict on all."""
    if not options.track:
        return result
    from apo.tracking import Tracker

    tracker = Tracker(folder, uri=options.tracking_uri, experiment=options.experiment)
    tracker.start()
    tracked = await asyncio.to_thread(tracker.finish, "finished")
    result = replace(result, mlflow=tracked.to_dict())
    folder.write("result.json", result.to_dict())
    return result
