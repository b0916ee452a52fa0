"""One prompt measured on one split."""

from dataclasses import replace
from typing import Any

from apo.calls.budget import Budget, Spent
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.concurrency import wait
from apo.data.split import examples_of
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.measure import measure
from apo.evaluation.outside import open_caller
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.scorers.awaited import try_scorer
from apo.storage.journal import Journal
from apo.task import Task


async def aevaluate(
    task: Task,
    prompt: Prompt,
    *,
    split: str = "test",
    model: Model | str = "embedded",
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> tuple[Evaluation, Spent]:
    """Measure one prompt on one split of a task.

    Args:
        task: the task.
        prompt: what to measure.
        split: "train", "validation" or "test".
        model: name of the model that answers, or one of your own.
        budget: what it may spend; by default no limit but the split's size.
        options: transport, time-out, concurrency and prices.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        SettingsError: there is no such split, or a price is missing under a limit in dollars.
        DataError: the split is empty.
        TaskError: the scorer fails when it is tried.
        Stopped, ModelError: as for `aoptimize`.
    """
    options = options or Options()
    examples = examples_of(task, split)
    async with open_caller(
        [model],
        task.scorer,
        program=task.program,
        budget=budget,
        options=options,
        journal=journal,
        progress=progress,
    ) as (caller, [answers]):
        await try_scorer(task, examples)
        evaluation = await measure(caller, answers, task, prompt, examples)
    return evaluation, replace(caller.meter.spent)


def evaluate(task: Task, prompt: Prompt, **given: Any) -> Evaluation:
    """Do what `aevaluate` does, and wait for it, also in a notebook; gives the evaluation alone."""
    return wait(aevaluate(task, prompt, **given))[0]
