"""What runs and experiments want to do beyond being read, and the settings of a run for use."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.storage.folder import RunFolder
from apo.storage.shapes import USED, require_present, typed
from apo.storage.shapes import require as require_shape
from apo.taskfile.places import builtin_tasks
from apo.taskfile.wishes import body_wishes, code_hash, extra_of, model_wishes
from apo.tracking.environment import absolute_uri, public_uri, tracking_uri
from apo.tracking.parameters import told_uri
from apo.trust import FileName, Wish, carry_over, logging_wish, remember, require
from apo.user_code import is_python_reference

_BOUND = (
    *("id", "task_ref", "cwd", "optimizer", "model", "optimizer_model"),
    *("objects", "prompt", "budget", "options", "folds"),
)
"""What an answer about a run is bound to: another run that wishes the same is asked about."""


def run_wishes(settings: Mapping[str, Any]) -> list[Wish]:
    """What the settings of a run want when they are used: its task, optimizer and models."""
    options = cast("Mapping[str, Any]", settings.get("options") or {})
    optimizer = cast("Mapping[str, Any]", settings.get("optimizer") or {})
    found = [*_reference(settings.get("task_ref"), "task")]
    if is_python_reference(str(optimizer.get("ref"))):
        found += _reference(optimizer["ref"], "optimizer")
    found += _setting_wishes(optimizer.get("name"), optimizer.get("settings"))
    for name in (settings.get("model"), settings.get("optimizer_model")):
        found += model_wishes(name)
    for key in ("fallback_model", "judge_model"):
        found += model_wishes(options.get(key))
    found += body_wishes(options.get("body"), extra_of(settings.get("prompt")))
    return [*dict.fromkeys(found)]


def _reference(reference: object, key: str) -> Iterator[Wish]:
    if not isinstance(reference, str) or reference in builtin_tasks():
        return
    if is_python_reference(reference):
        path = Path(reference.rpartition(":")[0]).absolute()
        yield Wish(f"run the Python file {path} ({key})", code_hash(path))
    else:
        yield Wish(f"read {Path(reference).absolute()} ({key})")


def _setting_wishes(name: object, settings: object) -> Iterator[Wish]:
    """What settings of an optimizer want: one may be the URL of a database that runs share."""
    if isinstance(settings, Mapping | list | tuple):
        given = cast("object", settings)
        if isinstance(settings, Mapping):
            given = cast("Mapping[object, object]", settings).values()
        for value in cast("Iterable[object]", given):
            yield from _setting_wishes(name, value)
    elif isinstance(settings, str) and "://" in settings:
        yield Wish(f"use {settings} (a setting of the optimizer {name})")


def trusted_settings(folder: RunFolder) -> dict[str, Any]:
    """The settings of a run, for use: what they want is allowed.

    The models of a run that was not made here are marked, so that no key goes to a URL in them.

    Raises:
        TrustError: it is not allowed yet.
        RunError: a setting is of the wrong kind.
    """
    settings = _usable_settings(folder)
    made_here = require(folder.path, run_wishes(settings), _bound(folder.settings))
    require(folder.path, sync_wishes(folder))
    if made_here:
        return settings
    options = {**settings["options"]}
    for values, names in (
        (settings, ("model", "optimizer_model")),
        (options, ("fallback_model", "judge_model")),
    ):
        for name in names:
            if isinstance(values.get(name), str):
                values[name] = FileName(values[name])
    return {**settings, "options": options}


def _usable_settings(folder: RunFolder) -> dict[str, Any]:
    settings, where = folder.settings, str(folder.path / "run.json")
    require_present(settings, USED, where)
    if "settings" in settings.get("optimizer", {}):
        require_shape(settings["optimizer"], {"settings": dict}, f"{where}: optimizer")
    for key, kind in (("options", Options), ("budget", Budget)):
        if key in settings:
            typed(kind, settings[key], f"{where}: {key}")
    return _from_its_place(settings)


def _from_its_place(settings: dict[str, Any]) -> dict[str, Any]:
    """Paths of the task and the optimizer that lead nowhere here, as the run's start meant them."""
    optimizer: dict[str, Any] = settings["optimizer"]
    place = settings.get("cwd")
    task, method = _placed(settings.get("task_ref"), place), optimizer.get("ref")
    method = _placed(method, place) if is_python_reference(str(method)) else method
    return {**settings, "task_ref": task, "optimizer": {**optimizer, "ref": method}}


def _placed(reference: object, place: object) -> object:
    if not (isinstance(reference, str) and isinstance(place, str)) or reference in builtin_tasks():
        return reference
    python = is_python_reference(reference)
    path = Path(reference.rpartition(":")[0] if python else reference)
    with suppress(OSError, ValueError):  # A text that can be no path.
        if not path.exists() and (Path(place) / path).exists():
            return str(Path(place) / reference)
    return reference


def sync_wishes(folder: RunFolder) -> list[Wish]:
    """What logging a run where its folder says wants: the place that it names, if not ours."""
    known = (folder.path / "mlflow.json").exists()
    logged = str(folder.read("mlflow.json").get("tracking_uri") or "") if known else ""
    named = told_uri(folder.settings) or logged
    ours = public_uri(absolute_uri(tracking_uri()))
    return [] if named in ("", ours) else [logging_wish(named)]


def remember_run(folder: RunFolder) -> None:
    """Note that a run was made here, so that going on with it asks nothing."""
    remember(folder.path, run_wishes(folder.settings), _bound(folder.settings))
    remember(folder.path, sync_wishes(folder))


def change_budget(folder: RunFolder, budget: Budget) -> None:
    """Write down the budget that a run goes on with; who was allowed to go on still is."""
    before = folder.settings
    folder.update(budget=asdict(budget))
    after = folder.settings
    if after["budget"] != before.get("budget"):
        wishes = run_wishes(_from_its_place(after))
        carry_over(wishes, _bound(before), _bound(after))


def _bound(settings: Mapping[str, Any]) -> str:
    """A hash of which run it is, and of all that decides what it asks whom, and how often."""
    used = {name: settings.get(name) for name in _BOUND}
    return sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()


def experiment_wishes(
    tasks: Sequence[str], optimizers: Sequence[tuple[str, object]], models: Sequence[str]
) -> list[Wish]:
    """What an experiment file wants: its tasks, its optimizers with settings, and its models."""
    found = [wish for task in tasks for wish in _reference(task, "task")]
    for name, settings in optimizers:
        found += _reference(name, "optimizer") if is_python_reference(name) else ()
        found += _setting_wishes(name, settings)
    for model in models:
        found += model_wishes(model)
    return [*dict.fromkeys(found)]
