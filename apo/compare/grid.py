"""From an experiment to its cells: one run for each task, model, optimizer and seed."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from apo.calls.budget import Budget
from apo.compare.data_folder import is_data_folder, task_from_folder
from apo.compare.settings import Experiment, OptimizerEntry
from apo.errors import SettingsError
from apo.models.prices import Price, parse_price
from apo.run.fit import fit_pools
from apo.search.plugins import make_optimizer
from apo.search.search import Optimizer
from apo.task import Task, content_hash


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run of a comparison.

    Attributes:
        id: the run's name: readable parts, and a hash of all that decides how it goes.
        task: what the task is loaded by.
        fingerprint: of the task's data, as this command read them.
        block: what tables call the task; with the model's name where several are compared.
        optimizer: what the optimizer is made by.
        settings: settings that the experiment gives it.
        label: what tables call it.
        model: answers the examples.
        optimizer_model: writes prompts; the same model when None.
        seed: of the random streams.
        budget: the run's own.
        concurrency: the most calls under way at once.
        prices: dollars per million tokens, by model.
        max_answer: tokens of the longest answer to an example; None for what the targets need.
        reuse: whether it takes answers that other runs of the comparison's folder paid for.
    """

    id: str
    task: str
    fingerprint: str
    block: str
    optimizer: str
    settings: Mapping[str, Any]
    label: str
    model: str
    optimizer_model: str | None
    seed: int
    budget: Budget
    concurrency: int
    prices: Mapping[str, Price]
    max_answer: int | None
    reuse: bool


def make_cells(experiment: Experiment, root: Path, *, reuse: bool = False) -> list[Cell]:
    """Load every task and make every optimizer once, and lay out the grid.

    A cell's id changes with the data, the optimizer's settings (defaults included), the models,
    the seed and the budget: a finished cell of the same id would come out the same.

    Args:
        experiment: what to compare.
        root: the comparison's folder, which remembers how data are split.
        reuse: whether cells take answers that others of the folder paid for.

    Returns:
        The cells, the first seed of all optimizers and tasks first.

    Raises:
        ApoError: a task, an optimizer or a setting cannot be used.
    """
    budget = experiment.budget.budget()
    prices = dict(parse_price(f"{name}={text}") for name, text in experiment.prices.items())
    optimizers = {e.label: make_optimizer(e.name, dict(e.settings)) for e in experiment.optimizers}
    tasks = {ref: fit_pools(read_task(ref, root), budget.max_calls) for ref in experiment.tasks}
    _check(tasks)
    return [
        _cell(experiment, budget, prices, ref, tasks[ref], model, entry, optimizers, seed, reuse)
        for seed in experiment.seeds
        for ref in experiment.tasks
        for model in experiment.models
        for entry in experiment.optimizers
    ]


def _check(tasks: Mapping[str, Task]) -> None:
    names: dict[str, str] = {}
    for ref, task in tasks.items():
        if not task.test:
            raise SettingsError(f"The task {ref} has no test examples, and so nothing to compare.")
        if task.name in names:
            raise SettingsError(
                f"The tasks {names[task.name]} and {ref} have the same name {task.name!r}; "
                "give one of them another."
            )
        names[task.name] = ref


def _cell(
    experiment: Experiment,
    budget: Budget,
    prices: Mapping[str, Price],
    ref: str,
    task: Task,
    model: str,
    entry: OptimizerEntry,
    optimizers: Mapping[str, Optimizer],
    seed: int,
    reuse: bool,
) -> Cell:
    decides: dict[str, Any] = {
        "data": task.fingerprint,
        "prompts": [prompt.id for prompt in task.seed_prompts],
        "optimizer": [entry.name, _settings(optimizers[entry.label])],
        "models": [model, experiment.optimizer_model or model],
        "seed": seed,
        "budget": asdict(budget),
    }
    if experiment.max_answer is not None:  # Cells without it keep the names that they had.
        decides["max_answer"] = experiment.max_answer
    readable = re.sub(r"[^\w.-]+", "-", f"{task.name}-{entry.label}-s{seed}")
    return Cell(
        id=f"{readable}-{content_hash(decides)[:8]}",
        task=ref,
        fingerprint=task.fingerprint,
        block=f"{task.name} · {model}" if len(experiment.models) > 1 else task.name,
        optimizer=entry.name,
        settings=entry.settings,
        label=entry.label,
        model=model,
        optimizer_model=experiment.optimizer_model,
        seed=seed,
        budget=budget,
        concurrency=experiment.concurrency,
        prices=prices,
        max_answer=experiment.max_answer,
        reuse=reuse,
    )


def _settings(optimizer: Optimizer) -> str:
    """An optimizer's settings as text that is the same in every process."""
    values = {field.name: getattr(optimizer, field.name) for field in fields(optimizer)}
    return json.dumps(values, default=lambda v: str(getattr(v, "__qualname__", v)), sort_keys=True)


@lru_cache(maxsize=64)
def read_task(ref: str, root: Path) -> Task:
    """Load a task, once in each process.

    Args:
        ref: a built-in task's name, a folder with task.yaml, `file.py:name`, or a data folder.
        root: the comparison's folder.

    Raises:
        TaskError: no such task, or something in it is not usable.
    """
    from apo.taskfile.load import load_task

    memory = root / "splits"
    return (
        task_from_folder(Path(ref), memory)
        if is_data_folder(ref)
        else load_task(ref, memory=memory)
    )
