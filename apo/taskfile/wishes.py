"""What a task file wants to do beyond being read, for `apo.trust`."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from apo.errors import TaskError
from apo.trust import FileName, Wish
from apo.user_code import is_python_reference

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
            yield from model_wishes(model)
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


def model_wishes(name: object) -> Iterator[Wish]:
    """What asking a model wants, by its name; nothing for one of this process."""
    if name not in _OWN:
        keyed = "" if "://" in str(name) else ", with your key for it"
        yield Wish(f"ask the model {name}{keyed}")


def _python(reference: str, folder: Path, key: str) -> Iterator[Wish]:
    name = reference.rpartition(":")[0]
    path = inside(folder, name, key)
    yield Wish(f"run the Python file {name} ({key})", code_hash(path))
    for file in sorted(path.parent.glob("*.py")):
        if not _is_inside(folder, file, key):
            yield Wish(f"use {file.resolve()}, outside of its folder, beside it ({key})")


def code_hash(path: Path) -> str:
    """A hash of a Python file and of those beside it, which it may run; links out are not read."""
    digest = sha256()
    for file in sorted({path, *path.parent.glob("*.py")}):
        with suppress(OSError, ValueError):  # What cannot be read cannot be run, either.
            if file.is_file() and file.resolve().is_relative_to(path.parent.resolve()):
                content = sha256(file.read_bytes()).digest()
                digest.update(f"{file.name}\0".encode("utf-8", "backslashreplace"))
                digest.update(content)
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
