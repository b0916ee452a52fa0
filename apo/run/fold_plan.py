"""The runs on folds: what each is made of, one after the other, and what they come to."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from filelock import FileLock, Timeout

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.data.folds import fold_tasks
from apo.errors import RunError, SettingsError
from apo.results.fold_verdict import conclude
from apo.results.result import Result
from apo.run.ending import finish_tracking, running, tracker_of
from apo.run.fit import fit_pools, share_budget
from apo.run.optimize import aoptimize
from apo.run.prepare import Setup
from apo.run.resume import aresume
from apo.storage.folder import RunFolder, list_runs
from apo.task import Task

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoldPlan:
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


async def run_folds(folder: RunFolder, plan: FoldPlan, whole: Task, progress: Progress) -> Result:
    """Run what is not finished yet, and write down what it comes to."""
    lock = FileLock(f"{folder.journal_path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"{folder.id} is in use by another process. Wait for it to end.") from None
    except OSError as error:
        raise RunError(f"{folder.path} cannot be used: {error.strerror}.") from error
    try:
        with running(folder):
            last = await _run_all(folder, plan, whole, progress)
            progress.phase = "logging"
            known = _runs(folder)
            tasks = fold_tasks(whole, plan.k, plan.options.seed)
            result = conclude(folder, [known[n] for n in sorted(known)], tasks, last)
            folder.set_state("finished")
            if plan.options.track:  # The last run's search, with the verdict on all.
                tracker = tracker_of(folder, plan.options)
                tracker.start()
                result = await finish_tracking(folder, tracker, result)
    finally:
        progress.run_id = folder.id  # What is to be resumed is all of it.
        lock.release()
    progress.phase = "done"
    return result


async def _run_all(folder: RunFolder, plan: FoldPlan, whole: Task, progress: Progress) -> Result:
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
        _log.info("%s has train %d, validation %d, test %d.", name, *sizes)
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
