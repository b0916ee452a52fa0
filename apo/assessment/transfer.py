"""Finalists of a run on several models: the best prompt for each, and the best one for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from apo.assessment.matrix import Finalist, Matrix, PromptOnModel
from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.concurrency import gather
from apo.data.split import POOLS, examples_of
from apo.errors import SettingsError, near
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.measure import measure_in_turns
from apo.evaluation.outside import open_caller
from apo.prompts.prompt import Prompt
from apo.results.verdict import reach_verdict
from apo.statistics.clusters import n_groups
from apo.statistics.groups import holm
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.storage.rows import Entry, open_for_reading, readable
from apo.task import Example, Task
from apo.usage import Usage

_ANSWERS = """
SELECT key, role, model, request, reply, truncated, input_tokens, output_tokens, cached_tokens,
    seconds, at FROM calls WHERE role = 'task' AND error = ''
"""


def take_over(folder: RunFolder, prompts: Iterable[Prompt], journal: Journal) -> None:
    """Give a journal what the run has paid for: its answers to these prompts.

    Raises:
        JournalError: the run's journal cannot be read.
    """
    wanted = {prompt.id for prompt in prompts}
    database = open_for_reading(folder.journal_path)
    try:
        with readable():
            for row in database.execute(_ANSWERS):
                key, role, model, note, reply, cut, read, written, cached, seconds, at = row
                if note.partition(" ")[0] in wanted:
                    usage = Usage(read, written, cached)
                    entry = Entry(key, role, model, note, reply, "", usage, bool(cut))
                    journal.add(entry._replace(seconds=seconds, at=at))
    finally:
        database.close()


async def atransfer(
    task: Task,
    prompts: Sequence[Finalist],
    models: Sequence[str],
    *,
    split: str = "validation",
    judge_model: str = "embedded",
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Matrix:
    """Measure prompts on several models, each on the same examples.

    Args:
        task: the task, with the pools of the run.
        prompts: as `finalists` gives them, the seed first.
        models: names, each once.
        split: "validation" or "test".
        judge_model: judges answers, where the scorer asks a model and names none: one for all, so
            that the columns can be compared.
        budget: what it may spend; by default no limit. The whole matrix is paid, or nothing.
        options: transport, time-out, concurrency and prices.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        SettingsError: no such split, no model, one twice, a missing price, or too few calls.
        DataError: the split is empty.
        Stopped, ModelError: as for `aoptimize`; what was answered is kept in the journal.
    """
    options, budget = options or Options(), budget or Budget()
    examples = _check(task, prompts, models, split, budget)
    async with open_caller(
        models,
        task.scorer,
        program=task.program,
        judge_model=judge_model,
        budget=budget,
        options=options,
        journal=journal,
        progress=progress,
    ) as (caller, answering):
        found = await gather(
            measure_in_turns(caller, endpoint, task, [one.prompt for one in prompts], examples)
            for endpoint in answering
        )
    rows = dict(zip(models, found, strict=True))
    return Matrix(
        split=split,
        n=len(examples),
        models=tuple(models),
        finalists=tuple(prompts),
        cells=_cells(rows, [finalist.name for finalist in prompts]),
        spent=replace(caller.meter.spent),
        groups=n_groups([example.group for example in examples]),
    )


def _check(
    task: Task, prompts: Sequence[Finalist], models: Sequence[str], split: str, budget: Budget
) -> Sequence[Example]:
    """Make sure that there is something to measure, and calls enough for all of it."""
    if split not in POOLS[1:]:
        found = near(split, POOLS[1:])
        raise SettingsError(f"There is no split {split!r} to transfer on.{found}")
    if not models:
        raise SettingsError("No model is given; name each with --model, such as openai/gpt-5-mini.")
    twice = next((name for name in models if list(models).count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"--model {twice} is given twice; each model has one column.")
    examples = examples_of(task, split)
    calls = len(models) * len(prompts) * len(examples) * task.calls_per_example
    if budget.max_calls is not None and calls > budget.max_calls:
        raise SettingsError(
            f"{len(prompts)} prompts on {len(models)} models and {len(examples)} {split} examples "
            f"take {calls:,} calls, kept answers counted, and --max-calls allows "
            f"{budget.max_calls:,}. Raise it, or lower --top."
        )
    return examples


def _cells(
    rows: Mapping[str, Sequence[Evaluation]], names: Sequence[str]
) -> dict[str, dict[str, PromptOnModel]]:
    cells: dict[str, dict[str, PromptOnModel]] = {}
    for model, evaluations in rows.items():
        seed = evaluations[0]
        cells[model] = {name: _cell(seed, e) for name, e in zip(names, evaluations, strict=True)}
    tested = [
        (model, name, cell.p_value)
        for model, row in cells.items()
        for name, cell in row.items()
        if cell.p_value is not None
    ]
    corrected = holm([p for _, _, p in tested])
    for (model, name, _), p_value in zip(tested, corrected, strict=True):
        cells[model][name] = replace(cells[model][name], p_value=p_value)
    return cells


def _cell(seed: Evaluation, evaluation: Evaluation) -> PromptOnModel:
    tokens = sum(r.tokens for r in evaluation.rollouts) / len(evaluation.rollouts)
    cell = PromptOnModel(score=evaluation.at_least, counts=evaluation.counts(), tokens=tokens)
    both = any(a.score and b.score for a, b in zip(seed.rollouts, evaluation.rollouts, strict=True))
    if evaluation.prompt == seed.prompt or not both:
        return cell
    found = reach_verdict(seed, evaluation)
    return replace(
        cell, difference=found.difference, interval=found.interval, p_value=found.p_value
    )
