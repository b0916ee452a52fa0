"""The way in: optimize a task within a budget, or resume a run."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.calls.retry import Retry
from apo.errors import RunError, Stopped
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.results.judge_trust import told
from apo.results.result import Result
from apo.run.prepare import Setup
from apo.run.rescoring import note_rescoring
from apo.run.session import Session
from apo.run.waiting import wait_for_run
from apo.run.wishes import trusted_settings
from apo.scorers.metrics.registry import metric_name
from apo.search.search import Optimizer
from apo.storage.folder import HOME, RunFolder, find_run
from apo.task import Task

R = TypeVar("R")
DEFAULT_BUDGET = Budget(max_calls=2000)


async def aoptimize(
    task: Any,
    optimizer: Optimizer | str = "auto",
    *,
    settings: Mapping[str, Any] | None = None,
    model: Model | str = "embedded",
    optimizer_model: Model | str | None = None,
    prompt: Prompt | None = None,
    budget: Budget = DEFAULT_BUDGET,
    options: Options | None = None,
    run: str | None = None,
    home: Path = HOME,
    progress: Progress | None = None,
    retry: Retry | None = None,
    inputs: str | Sequence[str] = (),
    target: str = "",
) -> Result:
    """Search for a better prompt, and give a verdict on data that the search never saw.

    Args:
        task: a task, a built-in task's name, a folder with task.yaml, or "file.py:name". Or data:
            a DataFrame, a Dataset, a list of dicts, or the path of a data file; what `apo init`
            would write for it is then used, and what was guessed is logged as a warning.
        optimizer: an optimizer with its settings, its name, or "file.py:Name".
        settings: settings of an optimizer that is given by name.
        model: answers examples: a model or its name, such as "openai/gpt-5-mini".
        optimizer_model: writes prompts; by default the same model.
        prompt: seed prompt in place of the task's own.
        budget: what the run may spend in all.
        options: everything else.
        run: id of a run to go on with; its settings must be given again as they were.
        home: folder that holds `runs/`.
        progress: filled in while the run goes on.
        retry: what is tried again, and when.
        inputs: of data, the input column or several; guessed by default.
        target: of data, the column of right answers; guessed by default.

    Raises:
        SettingsError, TaskError, PromptError: something that was given cannot be used.
        Interrupted, ModelUnavailable: stopped; what was paid is kept, `resume` goes on.
        AuthenticationError, QuotaError, BadRequestError: the model refuses to work.
    """
    setup = Setup(
        _task(task, inputs, target),
        optimizer,
        settings or {},
        model,
        optimizer_model,
        prompt,
        budget,
        options or Options(),
    )
    folder, session = setup.prepare(run, home)
    session.progress = progress or session.progress
    session.progress.run_id = folder.id
    session.retry = retry or session.retry
    return await conclude(folder, session, setup.options)


def optimize(
    task: Any,
    optimizer: Optimizer | str = "auto",
    *,
    settings: Mapping[str, Any] | None = None,
    model: Model | str = "embedded",
    optimizer_model: Model | str | None = None,
    prompt: Prompt | None = None,
    budget: Budget = DEFAULT_BUDGET,
    options: Options | None = None,
    run: str | None = None,
    home: Path = HOME,
    progress: Progress | None = None,
    retry: Retry | None = None,
    inputs: str | Sequence[str] = (),
    target: str = "",
) -> Result:
    """Search for a better prompt, and prove the gain; works in a notebook, too.

    Does what `aoptimize` does, and waits for it; that one's docstring has the details.

    Args:
        task: a task or its name, or data: a DataFrame, a list of dicts, a dict of lists, a path.
        optimizer: how to search: a name such as "gepa", or an optimizer with its settings.
        settings: settings of an optimizer that is given by name.
        model: answers examples, such as "openai/gpt-5-mini".
        optimizer_model: writes prompts; by default the same model.
        prompt: seed prompt in place of the task's own.
        budget: what the run may spend in all.
        options: everything else.
        run: id of a run to go on with.
        home: folder that holds `runs/`.
        progress: filled in while the run goes on.
        retry: what is tried again, and when.
        inputs: of data, the input column or several; guessed by default.
        target: of data, the column of right answers; guessed by default.

    Raises:
        ApoError: what `aoptimize` raises.
        KeyboardInterrupt: Ctrl-C; its note names the run, which `resume` goes on with.
    """
    progress = progress or Progress()
    work = aoptimize(
        task,
        optimizer,
        settings=settings,
        model=model,
        optimizer_model=optimizer_model,
        prompt=prompt,
        budget=budget,
        options=options,
        run=run,
        home=home,
        progress=progress,
        retry=retry,
        inputs=inputs,
        target=target,
    )
    return wait_for_run(work, progress, "apo.resume")


def _task(task: Any, inputs: str | Sequence[str], target: str) -> Task | str | Path:
    """The task, or a name of one; of data the task that a draft makes."""
    if isinstance(task, Task):
        return task
    if isinstance(task, str | Path):
        from apo.data.rows import SUFFIXES

        if Path(task).suffix.lower() not in SUFFIXES:
            return task
    from apo.drafting.from_data import guessed_task

    return guessed_task(task, inputs, target)


async def aresume(
    run: str,
    *,
    budget: Budget | None = None,
    home: Path = HOME,
    progress: Progress | None = None,
    retry: Retry | None = None,
    **objects: Any,
) -> Result:
    """Go on with a run where it stopped; no call that was paid is paid again.

    Args:
        run: the run's id, a part of it that no other run has, or "last".
        budget: limits to change; those that it leaves open stay as the run had them.
        home: folder that holds `runs/`.
        progress: filled in while the run goes on.
        retry: what is tried again, and when.
        **objects: any of `task`, `optimizer`, `model`, `optimizer_model` that the run was started
            with as an object; for data, `inputs` and `target`, too.

    Raises:
        RunError: no such run, one that is finished and is to go on longer, or an object that it
            was started with is missing.
    """
    given = {**objects, "home": home, "progress": progress, "retry": retry}
    folder = find_run(run, home)
    record = folder.settings
    if "folds" in record:
        raise RunError(f"{folder.id} is made of runs on folds: apo.resume_folds({folder.id!r}).")
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
    **objects: Any,
) -> Result:
    """Do what `aresume` does, and wait for it; works in a notebook, too."""
    progress = progress or Progress()
    work = aresume(run, budget=budget, home=home, progress=progress, retry=retry, **objects)
    return wait_for_run(work, progress, "apo.resume")


async def conclude(folder: RunFolder, session: Session, options: Options) -> Result:
    """Run a session with its tracking, and write down how it ended.

    Raises:
        ApoError: what `aoptimize` raises.
    """
    begun = folder.settings["state"] != "new"
    # First of all: another process may be running it.
    with folder.open_journal(reuse=options.reuse, begun=begun) as journal:
        session.check_limits(journal, folder.settings["budget"])
        folder.update(budget=asdict(session.budget))
        note_rescoring(folder, journal, session.task)
        tracker = None
        if options.track:
            from apo.tracking import Tracker

            tracker = Tracker(folder, uri=options.tracking_uri, experiment=options.experiment)
            tracker.check()
            tracker.start()
        folder.set_state("running")
        try:
            result = await session.run(journal)
        except BaseException as error:
            stopped = isinstance(error, Stopped | asyncio.CancelledError | KeyboardInterrupt)
            folder.set_state("interrupted" if stopped else "failed")
            if tracker is not None:
                tracker.finish("interrupted" if stopped else "failed")
            raise
    session.progress.phase = "logging"
    settings = folder.settings
    judges = settings["options"]["judge_model"] or settings["optimizer_model"] or settings["model"]
    home, task = folder.path.parents[1], settings["task_ref"] or settings["task"]
    line, warns = told(home, session.task.scorer, judges, task)
    details = {
        "judge": {"told": line, "warning": warns},
        "metric": metric_name(session.task.metric),
        "task": session.task.name,
        "optimizer": settings["optimizer"]["name"],
        "model": session.task_model.model.name,
        "optimizer_model": session.optimizer_model.model.name,
    }
    result = replace(result, details=details)
    folder.write("result.json", result.to_dict())
    folder.set_state("finished")
    if tracker is not None:
        tracked = await asyncio.to_thread(tracker.finish, "finished")
        result = replace(result, mlflow=tracked.to_dict())
        folder.write("result.json", result.to_dict())
    session.progress.phase = "done"
    return result
