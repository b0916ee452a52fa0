"""Scorers by name: those of apo, such as `exact`, `choice` and `rouge`, and those of others.

A scorer is a frozen dataclass of settings that is called with an answer and its example. The ones
here are pure, accept any of an example's targets, and fail on no text.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from importlib.metadata import entry_points
from inspect import isclass, iscoroutinefunction
from pathlib import Path
from typing import Any, cast

from apo.errors import TaskError, near
from apo.scorers.awaited import AsyncScorer, AwaitedScorer
from apo.scorers.choice import Choice
from apo.scorers.code import Code
from apo.scorers.date import Date
from apo.scorers.dspy_metrics import DspyMetric, is_dspy_metric
from apo.scorers.function import FunctionScorer
from apo.scorers.items import ListF1, SetF1
from apo.scorers.json_fields import JsonFields
from apo.scorers.judge import Judge
from apo.scorers.label_set import LabelSet
from apo.scorers.mlflow_scorers import MlflowScorer, is_mlflow
from apo.scorers.multiple_choice import MultipleChoice
from apo.scorers.pattern import Regex
from apo.scorers.pool import PooledScorer
from apo.scorers.reward import Part, Reward, read_parts
from apo.scorers.schema import JsonSchema
from apo.scorers.settings import checked, require
from apo.scorers.similar import Bleu, ChrF, Edit, Rouge
from apo.scorers.sql import SqlRows
from apo.scorers.text import Contains, Exact, TokenF1
from apo.scorers.values import Numeric
from apo.task import Scorer
from apo.user_code import is_python_reference, load_object

__all__ = [
    "SCORERS",
    "Bleu",
    "Choice",
    "ChrF",
    "Contains",
    "Date",
    "Edit",
    "Exact",
    "JsonFields",
    "JsonSchema",
    "Judge",
    "LabelSet",
    "ListF1",
    "MultipleChoice",
    "Numeric",
    "Part",
    "Regex",
    "Reward",
    "Rouge",
    "SetF1",
    "SqlRows",
    "TokenF1",
    "judges_form",
    "keeps_targets",
    "make_scorer",
    "reads_lists",
    "scorer_of",
]

SCORERS: dict[str, type[Any]] = {
    "exact": Exact,
    "contains": Contains,
    "choice": Choice,
    "multiple_choice": MultipleChoice,
    "numeric": Numeric,
    "date": Date,
    "f1": TokenF1,
    "json": JsonFields,
    "code": Code,
    "rouge": Rouge,
    "bleu": Bleu,
    "chrf": ChrF,
    "edit": Edit,
    "set": SetF1,
    "list": ListF1,
    "label_set": LabelSet,
    "json_schema": JsonSchema,
    "regex": Regex,
    "sql": SqlRows,
    "reward": Reward,
    "judge": Judge,
}
"""The scorers of apo by the names that task files use."""
FORM = (Code, JsonSchema, Judge, Reward)
"""Those to which a target given as the answer need not be right."""


def keeps_targets(scorer: object) -> bool:
    """Whether a scorer is one of apo's that give each target 1 when it is the answer.

    Those that judge the form of an answer do not: a bare target may not have it.
    """
    if isinstance(scorer, Regex):
        return not scorer.pattern
    return type(scorer) in SCORERS.values() and not isinstance(scorer, FORM)


def judges_form(scorer: object) -> bool:
    """Whether a scorer, as `make_scorer` makes it, is one of apo's that judge the form too."""
    made = scorer.function if isinstance(scorer, FunctionScorer) else scorer
    return isinstance(made, tuple(SCORERS.values())) and not keeps_targets(made)


def reads_lists(scorer: object) -> bool:
    """Whether a JSON list in the cell of a target is one answer, and not several accepted ones."""
    if isinstance(scorer, FunctionScorer):
        return reads_lists(scorer.function)
    if isinstance(scorer, Reward):
        return any(reads_lists(part.scorer) for part in scorer.parts)
    return isinstance(scorer, SetF1 | ListF1 | LabelSet | JsonSchema)


def make_scorer(
    spec: str | Mapping[str, Any], labels: Sequence[str] = (), folder: Path = Path()
) -> Scorer:
    """Make a scorer from what a task file says.

    Args:
        spec: a name such as "exact", `file.py:name` for a function or class of the user's, or a
            mapping with the name and settings: {"name": "numeric", "tolerance": 0.01}. With
            `workers` a scorer of the user's scores in so many processes of its own.
        labels: the task's labels, for scorers that have a setting of that name.
        folder: where the path of a Python file starts.

    Raises:
        TaskError: an unknown name or setting, or a value that the scorer does not take.
    """
    settings: dict[str, Any] = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = settings.pop("name", None)
    if not isinstance(name, str):
        raise TaskError(
            'A scorer needs a name, such as "exact" or {name: numeric, tolerance: 0.01}.'
        )
    if "workers" in settings:
        return _make_pooled(name, settings, labels, folder)
    made = _find(name, folder)
    if not isclass(made):
        return scorer_of(made, name, settings)
    given = dict[str, Any]()
    if is_dataclass(made):
        known = {f.name: f for f in fields(made)}
        if name in SCORERS and "folder" in known:
            del known["folder"]  # The task's, no setting.
            given["folder"] = folder
        parts = settings.pop("parts", None) if made is Reward else None
        settings = checked(name, made, known, settings, labels)
        if made is Reward:
            given["parts"] = read_parts(parts, lambda part: make_scorer(part, labels, folder))
        require(name, known, settings | given)
    try:
        scorer = cast("Scorer", made(**settings, **given))
    except TypeError as error:
        raise TaskError(f"The scorer {name} does not take these settings: {error}.") from error
    return scorer_of(scorer, name)


def scorer_of(made: object, name: str, settings: Mapping[str, Any] | None = None) -> Scorer:
    """Make a scorer of an object: of apo, MLflow or DSPy, or a function, sync or async.

    Args:
        made: the object.
        name: what to call it in messages.
        settings: further arguments of a function; of an MLflow scorer lowest and highest, of a
            metric of DSPy output.

    Raises:
        TaskError: it is none of these, or does not take the settings.
    """
    if is_mlflow(made):
        try:
            return cast("Scorer", MlflowScorer(scorer=made, name=name, **(settings or {})))
        except TypeError as error:
            raise TaskError(
                f"The MLflow scorer {name} takes the settings lowest and highest, not "
                f"{', '.join(settings or {})}."
            ) from error
    if isinstance(made, FunctionScorer | AwaitedScorer) or keeps_targets(made):
        return cast("Scorer", made)
    if is_dspy_metric(made):
        given = {"output": "answer", **(settings or {})}
        if {*given} != {"output"} or not isinstance(given["output"], str):
            raise TaskError(
                f"The DSPy metric {name} takes one setting, output: the name of the output field."
            )
        return FunctionScorer(function=DspyMetric(cast("Any", made), given["output"]), name=name)
    if not callable(made):
        raise TaskError(f"The scorer {name} must be a function or a class, not {made!r:.80}.")
    function = partial(made, **settings) if settings else made
    if iscoroutinefunction(made) or iscoroutinefunction(type(made).__call__):
        awaited = cast("Callable[..., Awaitable[Any]]", function)
        return cast("Scorer", AsyncScorer(function=awaited, name=name))
    return FunctionScorer(function=function, name=name)


def _make_pooled(
    name: str, settings: dict[str, Any], labels: Sequence[str], folder: Path
) -> Scorer:
    workers = settings.pop("workers")
    if type(workers) is not int or workers < 1:
        raise TaskError(f"The scorer {name} has {workers!r} workers; it must be a number from 1.")
    make = partial(make_scorer, {"name": name, **settings}, tuple(labels), folder.absolute())
    scorer = make()
    if not isinstance(scorer, FunctionScorer):
        raise TaskError(f"The scorer {name} is quick and takes no workers; leave them out.")
    return PooledScorer(function=scorer.function, name=name, make=make, workers=workers)


def _find(name: str, folder: Path) -> Any:
    if name in SCORERS:
        return SCORERS[name]
    if is_python_reference(name):
        from apo.environment import prepare_environment

        prepare_environment()  # It may bring MLflow, which must not call home.
        found: object = load_object(name, folder)
    else:
        others = {point.name: point for point in entry_points(group="apo.scorers")}
        if name not in others:
            raise TaskError(f"There is no scorer {name!r}.{near(name, [*SCORERS, *others])}")
        found = others[name].load()
    return found
