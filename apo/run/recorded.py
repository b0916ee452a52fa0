"""What is written down of a run for those who go on with it, and what must be the same again."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from apo.calls.options import Options
from apo.data.folds import fold_tasks
from apo.errors import RunError
from apo.evaluation.room import target_room
from apo.evaluation.widening import WIDENED
from apo.model import Model
from apo.models.base_url import public_name
from apo.run.fit import sample_pools
from apo.run.pacing import PACED
from apo.run.pacing import fitted as at_pace
from apo.search.search import Optimizer
from apo.storage.folder import RunFolder
from apo.storage.rows import open_for_reading, read_events
from apo.storage.shapes import USED, require, typed
from apo.task import Task, content_hash


def public_options(options: Options) -> dict[str, Any]:
    """The options as they are written down: without passwords."""
    written, uri = asdict(options), options.tracking_uri
    if uri:
        from apo.tracking.environment import public_uri

        written["tracking_uri"] = public_uri(uri)
    others = {n: public(getattr(options, n)) for n in ("fallback_model", "judge_model")}
    return {**written, **others}


def require_same(folder: RunFolder, options: Options, optimizer: Optimizer) -> None:
    """Make sure that a resumed run walks the way it was started on.

    Raises:
        RunError: another seed, or other settings of the optimizer.
    """
    record = folder.settings
    if "folds" in record:
        raise RunError(
            f"{folder.id} is made of runs on folds: go on with apo resume {folder.id}, or in "
            f"Python with apo.resume_folds({folder.id!r})."
        )
    settings = optimizer_settings(optimizer)
    given = {"seed": options.seed, "settings": settings}
    # A setting that the optimizer has got since then stands as if it had been given.
    recorded = {**settings, **record["optimizer"]["settings"]}
    before = {"seed": record["options"]["seed"], "settings": recorded}
    for name, value in given.items():
        if value != before[name]:
            raise RunError(
                f"{folder.id} was started with the {name} {before[name]}, not {value}. Give "
                "the same again, or start a new run."
            )


def wording(task: Task) -> dict[str, str]:
    """What requests say of a task, each part by a short hash: prompts, labels, description."""
    parts = {
        "prompt": [prompt.to_dict() for prompt in task.seed_prompts],
        "labels": task.labels,
        "description": task.description,
        "language": task.language,
    }
    return {name: content_hash(part) for name, part in parts.items()}


def require_same_wording(folder: RunFolder, task: Task) -> None:
    """Make sure that a resumed run asks what it asked before: other words would be paid again.

    Raises:
        RunError: the task's prompt, labels, description or language were edited.
    """
    before: dict[str, str] = folder.settings.get("wording", {})  # Earlier versions wrote none.
    edited = [name for name, mark in wording(task).items() if before.get(name, mark) != mark]
    if edited:
        raise RunError(
            f"The {' and the '.join(edited)} of {task.name!r} changed since {folder.id} was "
            "started, so it would ask other questions and pay for all of them again. Restore the "
            f"task, or start a new run; what this one found: apo show {folder.id}"
        )


def public(model: Model | str | None) -> str | None:
    """A model's name as it is written down: without a login that its URL may hold."""
    return public_name(model) if isinstance(model, str) else None


def same_pools(folder: RunFolder, task: Task) -> Task:
    """Take the pools that the run was started with.

    Raises:
        RunError: the data are no longer the same, or the run's settings are damaged.
    """
    settings, where = folder.settings, str(folder.path / "run.json")
    require(settings, {"data": USED["data"], "options": dict}, where)
    options = typed(Options, settings["options"], f"{where}: options")
    data, task = settings["data"], fold_of(task, options.fold, options.seed)
    sizes = data["validation"], data["test"]
    for by_class in (True, False):  # As runs of earlier versions were.
        fitted = sample_pools(task, *sizes, by_class=by_class)
        if fitted.fingerprint == data["fingerprint"]:
            return fitted
    raise RunError(
        f"The data of {task.name!r} changed since {folder.id} was started, so its scores "
        "cannot be compared. Restore the data, or start a new run."
    )


def measured_task(folder: RunFolder, task: Task) -> Task:
    """Take the pools that the run was started with, and the room that it gave to answers.

    Raises:
        RunError: the data are no longer the same, or the run's folder is damaged.
    """
    fitted = same_pools(folder, replace(task, answer_tokens=target_room(task)))
    if not folder.journal_path.exists():
        return fitted
    database = open_for_reading(folder.journal_path)
    try:
        wide = [e.body for e in read_events(database, kind=WIDENED)]
        plans = [e.body for e in read_events(database, kind=PACED)]
    finally:
        database.close()
    for plan in plans:
        fitted = at_pace(fitted, plan)
    room = max((int(body["to"]) for body in wide if body.get("enough")), default=0)
    return replace(fitted, answer_tokens=max(room, fitted.answer_tokens))


def fold_of(task: Task, fold: Sequence[int] | None, seed: int) -> Task:
    """The task of a fold. A fold of a fold's task is the same again, as it has all rows."""
    if fold is None:
        return task
    number, k = fold
    return fold_tasks(task, k, seed)[number - 1]


def optimizer_settings(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer's settings as JSON gives them back; functions and classes by their names."""
    settings = {f.name: getattr(optimizer, f.name) for f in fields(optimizer)}
    plain: dict[str, Any] = json.loads(json.dumps(settings, default=_named))
    return plain


def _named(value: object) -> str:
    return str(getattr(value, "__qualname__", value))
