"""`apo judge`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o
from apo.cli.flags import AskFlags, kept_answers, takes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apo.assessment.ratings import Ratings
    from apo.task import Task


@takes(AskFlags)
def judge(
    task: o.TaskName,
    ratings: Annotated[
        str,
        typer.Argument(
            metavar="RATINGS", help="A data file: the task's inputs, an answer, people's rating."
        ),
    ],
    answer: Annotated[
        str, typer.Option("--answer", metavar="COLUMN", help="The column of the answers.")
    ] = "",
    rating: Annotated[
        str, typer.Option("--rating", metavar="COLUMN", help="The column of people's ratings.")
    ] = "",
    judge_model: Annotated[
        list[str],
        typer.Option(
            "--judge-model", metavar="MODEL", help="Who judges; several are compared; repeatable."
        ),
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    draws: Annotated[int, typer.Option("--draws", help="How often each answer is judged.")] = 2,
    max_calls: o.MaxCalls = None,
    fresh: o.Fresh = False,
    csv: o.Csv = False,
    *,
    flags: AskFlags,
) -> None:
    """Measure a task's judge: does it agree with people, and with itself?

    Ratings are yes or no, shares from 0 to 1, or grades on the judge's scale. What was found is
    kept in judges/, and told with the results of runs that use this judge.

    Example: `apo judge my-task rated.csv --judge-model openai/gpt-5-mini`
    """
    from functools import partial

    from apo.assessment.agreement import measured
    from apo.assessment.judging import ascore
    from apo.calls.budget import Budget
    from apo.calls.progress import Progress
    from apo.cli.console import home, kept, one_form, print_csv, print_json, say, tell
    from apo.cli.judge_report import tell_judges
    from apo.cli.live import watch
    from apo.errors import SettingsError
    from apo.results.judge_trust import keep
    from apo.task import content_hash
    from apo.taskfile.load import load_task

    document = one_form(json=flags.json, csv=csv)
    if draws < 1:
        raise SettingsError(f"--draws is {draws}; an answer is judged at least once.")
    loaded = load_task(task, memory=home() / "splits")
    scorer, own = _judges(loaded, judge_model)
    rated = _read(task, loaded, scorer, ratings, answer, rating)
    rated = _affordable(rated, scorer, draws, max_calls)
    if not document:
        say(f"{len(rated.answers)} rated answers; ratings understood as {rated.scale}.")
        for note in rated.notes:
            say(note, "dim")
    options = flags.options(own)
    progress = Progress()
    with kept_answers(fresh=fresh) as journal:
        work = ascore(
            scorer,
            rated,
            options,
            draws=draws,
            budget=Budget(max_calls=max_calls, max_usd=flags.max_usd),
            journal=journal,
            progress=progress,
        )
        found, spent = watch(work, progress, f"{loaded.name} · judge", quiet=document)
        notes = () if progress.caller is None else progress.caller.kept_notes()
    figures = measured(found, rated)
    about = {"task": loaded.name, "scale": rated.scale, "notes": [*rated.notes], "draws": draws}
    about["ratings"] = content_hash([e.id for e in rated.examples])
    for one, scored in zip(figures["judges"], found, strict=True):
        write = partial(keep, home(), scored.scorer, own, {**about, **one})
        file = None if one["people"]["kappa"] is None else kept(write)
        one["file"] = file and str(file)
    result = {**about, **figures, "spent": spent.to_dict()}
    if document:
        print_json(result) if flags.json else print_csv(figures["judges"])
        return
    tell_judges(result)
    for note in notes:
        tell(note, "dim")


def _judges(task: "Task", models: list[str]) -> tuple[Any, str | None]:
    """The scorer with its judges, and the model that judges where it names none."""
    from dataclasses import replace

    from apo.errors import SettingsError
    from apo.scorers.awaited import judges_of
    from apo.scorers.judge import Judge

    scorer: Any = task.scorer
    if isinstance(scorer, Judge) and models:
        scorer = replace(scorer, models=tuple(dict.fromkeys(models)) if len(models) > 1 else ())
    elif len(models) > 1:
        raise SettingsError("Several --judge-model can be compared only where the scorer is judge.")
    if "" in judges_of(scorer) and not models:
        raise SettingsError(
            "Name the model that judges: --judge-model. It should be the one that judges in runs."
        )
    return scorer, models[0] if models else None


def _read(ref: str, task: "Task", scorer: Any, source: str, answer: str, rating: str) -> "Ratings":
    from apo.assessment.ratings import read_ratings
    from apo.scorers.judge import Judge

    graded = isinstance(scorer, Judge) and not scorer.pairwise
    return read_ratings(
        source,
        task,
        _columns(ref, task),
        answer=answer,
        rating=rating,
        scale=(scorer.lowest, scorer.highest) if graded else None,
        needs_target=not graded or scorer.show_target,
    )


def _columns(ref: str, task: "Task") -> "tuple[Mapping[str, str], Sequence[str]]":
    """The columns of inputs and targets: the task file's, else those with the fields' names."""
    from importlib.resources import files
    from pathlib import Path

    from apo.taskfile.load import FILE_NAME, builtin_tasks
    from apo.taskfile.yaml_file import read_task_file

    path = Path(str(files("apo.tasks"))) / ref if ref in builtin_tasks() else Path(ref)
    path = path / FILE_NAME if path.is_dir() else path
    if path.suffix in (".yaml", ".yml"):
        settings = read_task_file(path)
        return settings.inputs, settings.target
    return {name: name for name in task.input_fields}, ("target",)


def _affordable(rated: "Ratings", scorer: Any, draws: int, max_calls: int | None) -> "Ratings":
    """As many of the answers as the calls are enough for."""
    from apo.errors import SettingsError

    each = int(getattr(scorer, "n_calls", 0)) * draws
    if max_calls is None or not each or each * len(rated.answers) <= max_calls:
        return rated
    if max_calls < each:
        raise SettingsError(f"{max_calls} calls are too few: one answer takes {each}.")
    return rated.take(max_calls // each)
