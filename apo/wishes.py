"""What task files, runs and experiments want to do beyond being read, for `apo.trust`."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from apo.budget import Budget
from apo.errors import TaskError
from apo.options import Options
from apo.python_file import is_python_reference
from apo.runs import RunFolder
from apo.shapes import USED, require_present, typed
from apo.trust import FileName, Wish, remember, require

_OWN = {None, "", "embedded"}
"""Models that nobody outside of this process is asked for."""


def inside(folder: Path, name: str, key: str) -> Path:
    """A path in a task's folder, so that a task is complete when its folder is copied.

    Raises:
        TaskError: it leaves the folder, links followed, or is no path.
    """
    path = folder / name
    if not _is_inside(folder, path, key):
        raise TaskError(
            f"{key} is {name!r}, which leaves the task's folder {folder}. Move the file into the "
            "folder; data may also be given by an absolute path."
        )
    return path


def _is_inside(folder: Path, path: Path, key: str) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError) as error:  # A NUL, or links in a circle.
        raise TaskError(f"{key} is {str(path)!r:.200}, which is no path: {error}.") from None


def task_wishes(settings: Any, folder: Path) -> list[Wish]:
    """What a task file wants.

    Args:
        settings: its `TaskFile`.
        folder: where it lies.

    Raises:
        TaskError: Python that it names lies outside of the folder.
    """
    given = settings.data
    sources = [given] if isinstance(given, str) else [*given.values()]
    found = [wish for source in sources for wish in _data(source, folder)]
    found += _scorer(settings.scorer, folder)
    metric = _name(settings.metric)
    if is_python_reference(metric):
        found += _python(metric, folder, "metric")
    return [*dict.fromkeys(found)]


def _data(source: str, folder: Path) -> Iterator[Wish]:
    if source.startswith("hf:"):
        yield Wish(f"load the data set {source[3:]} from the Hugging Face Hub")
    elif Path(source).is_absolute():
        yield from _file(source, folder, "data")


def _file(name: str, folder: Path, key: str) -> Iterator[Wish]:
    path = folder / name
    if not _is_inside(folder, path, key):
        yield Wish(f"read {path.resolve()}, outside of its folder ({key})")


def _name(spec: Any) -> str:
    name: object = spec
    if isinstance(spec, Mapping):
        name = cast("Mapping[str, Any]", spec).get("name")
    return name if isinstance(name, str) else ""


def _scorer(spec: Any, folder: Path) -> Iterator[Wish]:
    """What a scorer wants, and what the parts of a reward do."""
    name, given = _name(spec), cast("dict[str, Any]", spec if isinstance(spec, Mapping) else {})
    if is_python_reference(name):
        yield from _python(name, folder, "scorer")
    elif name == "code":
        yield from _code(given)
    elif name == "judge":
        for model in _texts(given.get("models")):
            yield from _model(model)
    elif name == "reward":
        parts: list[Any] = given["parts"] if isinstance(given.get("parts"), list) else []
        for part in parts:
            if isinstance(part, Mapping):
                yield from _scorer(cast("Mapping[str, Any]", part).get("scorer"), folder)
    elif name in ("sql", "json_schema"):
        for key in ("database", "schema"):
            value = given.get(key)
            if isinstance(value, str) and "\n" not in value.strip():
                yield from _file(value.strip(), folder, f"{name}.{key}")
    elif any(entry_points(group="apo.scorers", name=name)):
        yield Wish(f"use the scorer {name} of an installed package, with the settings {given!r}")


def _code(given: Mapping[str, Any]) -> Iterator[Wish]:
    if given.get("command"):
        yield Wish(f"run the command: {given['command']}")
    for item in _texts(given.get("allow")):
        yield Wish(f"run programs that a model writes without protection of {item}")


def _texts(value: Any) -> list[str]:
    items = cast("list[object]", value if isinstance(value, list | tuple) else [value])
    return [item for item in items if isinstance(item, str)]


def _model(name: object) -> Iterator[Wish]:
    if name not in _OWN:
        keyed = "" if "://" in str(name) else ", with your key for it"
        yield Wish(f"ask the model {name}{keyed}")


def _python(reference: str, folder: Path, key: str) -> Iterator[Wish]:
    name = reference.rpartition(":")[0]
    path = inside(folder, name, key)
    yield Wish(f"run the Python file {name} ({key})", _code_hash(path))
    for file in sorted(path.parent.glob("*.py")):
        if not _is_inside(folder, file, key):
            yield Wish(f"use {file.resolve()}, outside of its folder, beside it ({key})")


def _code_hash(path: Path) -> str:
    """A hash of a Python file and of those beside it, which it may run; links out are not read."""
    digest = sha256()
    for file in sorted({path, *path.parent.glob("*.py")}):
        if file.is_file() and file.resolve().is_relative_to(path.parent.resolve()):
            digest.update(f"{file.name}\0".encode("utf-8", "backslashreplace"))
            digest.update(sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def named_by_file(spec: Any) -> Any:
    """A scorer's settings with the models in them marked as named by a file."""
    if not isinstance(spec, Mapping):
        return spec
    given = dict(cast("Mapping[str, Any]", spec))
    if isinstance(given.get("models"), list):
        given["models"] = [
            FileName(model) if isinstance(model, str) else model for model in given["models"]
        ]
    if isinstance(given.get("parts"), list):
        parts = cast("list[Any]", given["parts"])
        given["parts"] = [
            {**part, "scorer": named_by_file(part.get("scorer"))}  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            if isinstance(part, dict)
            else part
            for part in parts
        ]
    return given


def run_wishes(settings: Mapping[str, Any]) -> list[Wish]:
    """What the settings of a run want when they are used: its task, optimizer and models."""
    options = cast("Mapping[str, Any]", settings.get("options") or {})
    optimizer = cast("Mapping[str, Any]", settings.get("optimizer") or {})
    found = [*_reference(settings.get("task_ref"), "task")]
    if is_python_reference(str(optimizer.get("ref"))):
        found += _reference(optimizer["ref"], "optimizer")
    for name in (settings.get("model"), settings.get("optimizer_model")):
        found += _model(name)
    for key in ("fallback_model", "judge_model"):
        found += _model(options.get(key))
    return [*dict.fromkeys(found)]


def _reference(reference: object, key: str) -> Iterator[Wish]:
    from apo.taskfile.load import builtin_tasks

    if not isinstance(reference, str) or reference in builtin_tasks():
        return
    if is_python_reference(reference):
        path = Path(reference.rpartition(":")[0]).absolute()
        yield Wish(f"run the Python file {path} ({key})", _code_hash(path))
    else:
        yield Wish(f"read {Path(reference).absolute()} ({key})")


def trusted_settings(folder: RunFolder) -> dict[str, Any]:
    """The settings of a run, for use: what they want is allowed.

    The models of a run that was not made here are marked, so that no key goes to a URL in them.

    Raises:
        TrustError: it is not allowed yet.
        RunError: a setting is of the wrong kind.
    """
    settings = _usable_settings(folder)
    made_here = require(folder.path, run_wishes(settings))
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
    for key, kind in (("options", Options), ("budget", Budget)):
        if key in settings:
            typed(kind, settings[key], f"{where}: {key}")
    return settings


def sync_wishes(folder: RunFolder) -> list[Wish]:
    """What logging a run where its folder says wants: the place that it names, if not ours."""
    from apo.tracking.environment import absolute_uri, public_uri, tracking_uri
    from apo.tracking.parameters import told_uri

    known = (folder.path / "mlflow.json").exists()
    logged = str(folder.read("mlflow.json").get("tracking_uri") or "") if known else ""
    named = told_uri(folder.settings) or logged
    ours = public_uri(absolute_uri(tracking_uri()))
    return [] if named in ("", ours) else [logging_wish(named)]


def logging_wish(uri: str) -> Wish:
    """The wish to log a run at a tracking URI without passwords."""
    return Wish(f"write to MLflow at {uri}")


def remember_run(folder: RunFolder) -> None:
    """Note that a run was made here, so that going on with it asks nothing."""
    remember(folder.path, run_wishes(folder.settings))
    remember(folder.path, sync_wishes(folder))


def experiment_wishes(
    tasks: Sequence[str], optimizers: Sequence[str], models: Sequence[str]
) -> list[Wish]:
    """What an experiment file wants: its tasks, its optimizers and its models."""
    found = [wish for task in tasks for wish in _reference(task, "task")]
    for name in optimizers:
        found += _reference(name, "optimizer") if is_python_reference(name) else ()
    for model in models:
        found += _model(model)
    return [*dict.fromkeys(found)]
