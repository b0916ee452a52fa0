"""What a judge is measured on: the scorer with its judges, and answers that people rated."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from apo.assessment.ratings import Ratings, read_ratings
from apo.errors import SettingsError
from apo.scorers.awaited import judges_of
from apo.scorers.judge import Judge
from apo.task import Task
from apo.taskfile.places import FILE_NAME, builtin_tasks
from apo.taskfile.yaml_file import read_task_file


def judging_scorer(task: Task, models: Sequence[str]) -> tuple[Any, str | None]:
    """The scorer with its judges, and the model that judges where it names none.

    Args:
        task: has the scorer.
        models: who judges; several are compared.

    Raises:
        SettingsError: nobody judges, or several where the scorer is no judge.
    """
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


def rated_answers(
    ref: str, task: Task, scorer: Any, source: str, answer: str, rating: str
) -> Ratings:
    """Read people's ratings as the scorer takes them; `read_ratings` says what is raised.

    Args:
        ref: the task's name, folder or file, which says the columns.
        task: the task.
        scorer: its scale and its need of targets hold.
        source: the data file.
        answer: the column of the answers; "" to look for it.
        rating: the column of the ratings; "" to look for it.
    """
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


def _columns(ref: str, task: Task) -> tuple[Mapping[str, str], Sequence[str]]:
    """The columns of inputs and targets: the task file's, else those with the fields' names."""
    path = Path(str(files("apo.tasks"))) / ref if ref in builtin_tasks() else Path(ref)
    path = path / FILE_NAME if path.is_dir() else path
    if path.suffix in (".yaml", ".yml"):
        settings = read_task_file(path)
        return settings.inputs, settings.target
    return {name: name for name in task.input_fields}, ("target",)


def affordable(rated: Ratings, scorer: Any, draws: int, max_calls: int | None) -> Ratings:
    """As many of the answers as the calls are enough for.

    Raises:
        SettingsError: they are not enough for one.
    """
    each = int(getattr(scorer, "n_calls", 0)) * draws
    if max_calls is None or not each or each * len(rated.answers) <= max_calls:
        return rated
    if max_calls < each:
        raise SettingsError(
            f"{max_calls} call{'s' * (max_calls > 1)} {'is' if max_calls == 1 else 'are'} too few: "
            f"one answer takes {each}."
        )
    return rated.take(max_calls // each)
