"""`apo transfer`."""

from typing import TYPE_CHECKING, Annotated

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes
from apo.language.catalogue import translated

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from apo.assessment.matrix import Matrix
    from apo.storage.folder import RunFolder
    from apo.task import Task


@takes(AskFlags)
def transfer(
    run: o.RunName,
    model: Annotated[
        list[str],
        typer.Option("--model", "-m", help="A model to try the prompts on; repeatable."),
    ],
    top: Annotated[int, typer.Option("--top", help="Prompts beside the seed.")] = 5,
    split: Annotated[str, typer.Option("--split", help="validation, or test.")] = "validation",
    judge_model: o.JudgeModel = "",
    max_calls: o.MaxCalls = None,
    csv: o.Csv = False,
    *,
    flags: AskFlags,
) -> None:
    """Try the best prompts of a run on several models: the best for each, and the best for all.

    The seed, the best, the cheap ones of the front, and the next best. Answers are kept: the same
    again costs nothing. transfer.json is put in the run's folder.

    Example: `apo transfer last --model openai/gpt-5-mini --model openai/gpt-5-nano`
    """
    from functools import partial

    from apo.assessment.matrix import finalists
    from apo.assessment.transfer import atransfer, take_over
    from apo.cli.console import home, kept, one_form, print_csv, print_json, say
    from apo.results.front import objectives, with_front
    from apo.results.standings import standings
    from apo.run.wishes import trusted_settings
    from apo.storage.folder import find_run

    document = one_form(json=flags.json, csv=csv)
    folder = find_run(run, home())
    settings = trusted_settings(folder)
    found = standings(folder)
    prompts = finalists(with_front(found, objectives(found)), top)
    task = task_of(folder)
    if split == "test":
        say(
            "Choosing a prompt by this table spoils the test examples: what they say of the chosen "
            "one is then too high. Read it, and do not choose by it.",
            "yellow",
        )
    judging = settings["options"].get("judge_model") or settings["optimizer_model"]
    measured = partial(
        atransfer,
        task,
        prompts,
        model,
        split=split,
        judge_model=judging or settings["model"] or "embedded",
    )
    asked = flags.ask(
        measured,
        f"{folder.id} · transfer · {translated(split)}",
        judge_model=judge_model,
        max_calls=max_calls,
        quiet=document,
        before=partial(take_over, folder, [one.prompt for one in prompts]),
    )
    matrix = asked.found
    found_all = {"run_id": folder.id, **matrix.to_dict()}
    file = kept(lambda: folder.write("transfer.json", found_all))
    if document:
        overspent = {"overspent": asked.overspent}
        print_json({**found_all, **overspent}) if flags.json else print_csv(matrix.rows())
    else:
        _tell(matrix, folder, file)
    asked.end()


def task_of(folder: "RunFolder") -> "Task":
    """The task of a run, with the pools that it was run on.

    Raises:
        RunError: it was started with a Python object as its task, or the data have changed.
    """
    from apo.cli.console import home
    from apo.errors import RunError
    from apo.run.recorded import measured_task
    from apo.run.wishes import trusted_settings
    from apo.taskfile.load import load_task

    name: str | None = trusted_settings(folder).get("task_ref")
    if not name:
        raise RunError(
            f"{folder.id} was started with a Python object as its task, which cannot be loaded "
            "here. Put the task in a function of a file, and run file.py:name."
        )
    return measured_task(folder, load_task(name, memory=home() / "splits"))


def _tell(matrix: "Matrix", folder: "RunFolder", file: "Path | None") -> None:
    """A block of rows for each model, then who is best, then what to mind."""
    from apo.cli.console import percent, say, tell
    from apo.cli.spent import tell_spent

    tell(_table(matrix))
    for model in matrix.models:
        name = matrix.best_on(model)
        tell(f"Best on {model}: {translated(name)}, {percent(matrix.cells[model][name].score)}.")
    if len(matrix.models) > 1:
        mean, worst = translated(matrix.best_mean), translated(matrix.best_worst)
        on_mean = percent(matrix.mean(matrix.best_mean))
        on_worst = percent(matrix.worst(matrix.best_worst))
        tell(
            f"Best for all: {mean} by the mean over the models ({on_mean}), {worst} by the model "
            f"it does worst on ({on_worst}).",
            "bold",
        )
    tell(_prompts(matrix))
    _cautions(matrix)
    tell_spent(matrix.spent)
    if file is None:
        return
    tell(f"All figures and prompts: {file}")
    if (folder.path / "mlflow.json").exists():
        say(f"To put it in the run's MLflow page, too: apo sync {folder.id}")


def _table(matrix: "Matrix") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from apo.cli.console import percent

    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column("prompt", no_wrap=True)
    for name in ("score", "to seed", "95 % interval", "p", "tokens"):
        table.add_column(name, justify="right", no_wrap=True)
    for model in matrix.models:
        best = matrix.best_on(model)
        for place, finalist in enumerate(matrix.finalists):
            cell = matrix.cells[model][finalist.name]
            low, high = cell.interval or (0.0, 0.0)
            shown = (
                f"{translated(finalist.name)}{'*' if finalist.front else ''}",
                percent(cell.score),
                "" if cell.difference is None else f"{100 * cell.difference:+.1f}",
                ""
                if cell.interval is None
                else translated(f"{100 * low:+.1f} to {100 * high:+.1f}"),
                "" if cell.p_value is None else f"{cell.p_value:.2g}",
                f"{cell.tokens:,.0f}",
            )
            style = "bold green" if finalist.name == best else ""
            table.add_row(
                Text("" if place else model), *(Text(text, style=style) for text in shown)
            )
    return table


def _prompts(matrix: "Matrix") -> str:
    from apo.results.words import counted_groups

    named = ", ".join(f"{translated(f.name)} {f.prompt.id}" for f in matrix.finalists)
    told = [translated(f"The prompts: {named}.")]
    if any(f.front for f in matrix.finalists):
        told.append(translated("* is on the run's front (apo show RUN --front)."))
    last = f"p is corrected for the number of comparisons.{counted_groups(matrix.groups)}"
    return " ".join([*told, translated(last)])


def _cautions(matrix: "Matrix") -> None:
    from apo.cli.console import tell

    if matrix.split == "validation":
        tell(
            "The prompts were chosen on these examples, so what the run's own model scores here is "
            "too high. What you choose here, confirm on test examples: apo evaluate TASK "
            "--split test.",
            "yellow",
        )
    for model in matrix.models:
        found = [cell.counts for cell in matrix.cells[model].values()]
        refused = sum(counts.get("refused", 0) for counts in found)
        ungraded = sum(counts["error"] for counts in found)
        if refused:
            tell(
                f"Requests that {model} refused, or that were too long: {refused}. They score 0.",
                "yellow",
            )
        if ungraded:
            told = f"Answers of {model} that nobody could grade: {ungraded}, counted as wrong."
            tell(told, "yellow")
