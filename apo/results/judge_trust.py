"""What `apo judge` found of a judge, kept so that runs can tell how far it is to be trusted."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast

from apo.data.memory import replace_file
from apo.errors import RunError
from apo.files import read_text
from apo.models.base_url import public_name
from apo.scorers.awaited import AwaitedScorer, judges_of
from apo.scorers.judge import Judge
from apo.storage.folder import RunFolder
from apo.task import content_hash


def keep(home: Path, scorer: object, model: str | None, found: dict[str, Any]) -> Path:
    """Write down what was found of a judge; an earlier finding makes way.

    Args:
        home: the folder that holds `judges/`, such as .apo.
        scorer: the scorer that was measured.
        model: the model that judges where the scorer names none.
        found: what is kept, JSON values.

    Raises:
        RunError: it cannot be written.
    """
    path = _path(home, scorer, model)
    try:
        replace_file(path, json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        raise RunError(f"Cannot write {path}: {error.strerror}.") from error
    return path


def checked(home: Path, scorer: object, model: str | None) -> dict[str, Any] | None:
    """What was found of a judge; None where it was never compared with people.

    Args:
        home: as for `keep`.
        scorer: a task's.
        model: the model that judges where the scorer names none.
    """
    try:
        found: Any = json.loads(read_text(_path(home, scorer, model)))
        kappa = found["people"]["kappa"]
        return cast("dict[str, Any]", found) if isinstance(kappa, int | float) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def judge_details(folder: RunFolder, scorer: object) -> dict[str, Any]:
    """How far the judge of a run is to be trusted, as its result says it.

    Args:
        folder: the run's, whose settings name the models.
        scorer: the task's.
    """
    settings = folder.settings
    model = settings["options"]["judge_model"] or settings["optimizer_model"] or settings["model"]
    task = settings["task_ref"] or settings["task"]
    line, warns = judge_line(folder.path.parents[1], scorer, model, task)
    return {"told": line, "warning": warns}


def judge_line(home: Path, scorer: object, model: str | None, task: str) -> tuple[str, bool]:
    """Say in a line how far a run's judge is to be trusted.

    Args:
        home: as for `keep`.
        scorer: the task's.
        model: the model that judges where the scorer names none.
        task: how the task is named on the command line.

    Returns:
        The line, "" where no model judges, and whether it is a warning.
    """
    if not judges_of(scorer) and not (isinstance(scorer, AwaitedScorer) and _note(scorer)):
        return "", False
    found = checked(home, scorer, model)
    if found is None:
        flag = f" --judge-model {public_name(model)}" if model and "" in judges_of(scorer) else ""
        return (
            "This judge was never compared with people, so nobody knows what its scores are worth: "
            f"apo judge {task} RATINGS{flag}",
            True,
        )
    people = found["people"]
    low, high = people["interval"]
    line = (
        f"Judge: κ {people['kappa']:.2f} ({low:.2f} to {high:.2f}) with people on {people['n']} "
        "answers"
    )
    if not found["better_than_chance"]:
        return f"{line}: not better than chance. Do not trust the scores of this run.", True
    return f"{line}.", False


def _note(scorer: object) -> str:
    return str(getattr(scorer, "note", ""))


def _path(home: Path, scorer: object, model: str | None) -> Path:
    """The file of a judge: another one for other settings or another model."""
    names = [public_name(name or model or "") for name in judges_of(scorer)]
    if isinstance(scorer, Judge):  # The same judge, whether the task or the run names the model.
        settings = {f.name: getattr(scorer, f.name) for f in fields(scorer) if f.name != "models"}
    else:
        settings = {"scorer": scorer}
    text = json.dumps([type(scorer).__name__, settings, names], sort_keys=True, default=_plain)
    return home / "judges" / f"{content_hash(text)}.json"


def _plain(value: object) -> Any:
    """A setting as JSON: of an object what makes it, of a function its name."""
    if is_dataclass(value) and not isinstance(value, type):
        return {"is": type(value).__name__} | {
            f.name: getattr(value, f.name) for f in fields(value) if f.init
        }
    if hasattr(value, "instructions"):  # A judge of MLflow.
        return [type(value).__name__, *(str(getattr(value, n, "")) for n in _MLFLOW)]
    return str(getattr(value, "__qualname__", type(value).__qualname__))


_MLFLOW = ("name", "instructions", "model", "feedback_value_type")
