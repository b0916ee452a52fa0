"""The way in: optimize a task within a budget."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.calls.retry import Retry
from apo.errors import SettingsError
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.results.result import Result
from apo.run.ending import conclude
from apo.run.prepare import Setup
from apo.run.waiting import wait_for_run
from apo.search.review import Reviewer
from apo.search.search import Optimizer
from apo.storage.folder import HOME
from apo.task import Task

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
    reviewer: Reviewer | None = None,
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
        reviewer: asks a person about each proposal (`apo.search.review`), and makes
            `options.review` true; a run that is reviewed needs it again when it is resumed.
        inputs: of data, the input column or several; guessed by default.
        target: of data, the column of right answers; guessed by default.

    Raises:
        SettingsError, TaskError, PromptError: something that was given cannot be used.
        Interrupted, ModelUnavailable: stopped; what was paid is kept, `resume` goes on.
        AuthenticationError, QuotaError, BadRequestError: the model refuses to work.
    """
    options = options or Options()
    if options.review and reviewer is None:
        raise SettingsError(
            "The options ask for a review of each proposal, and nobody is there to be asked: give "
            "reviewer=…, a function of a Proposal that gives a Review (apo.search.review)."
        )
    setup = Setup(
        _task(task, inputs, target),
        optimizer,
        settings or {},
        model,
        optimizer_model,
        prompt,
        budget,
        replace(options, review=reviewer is not None),
    )
    _, session = setup.prepare(run, home)
    session.progress = progress or session.progress
    session.progress.run_id = session.folder.id
    session.reviewer = reviewer
    session.retry = retry or session.retry
    return await conclude(session)


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
    reviewer: Reviewer | None = None,
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
        reviewer: asks a person about each proposal.
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
        reviewer=reviewer,
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
