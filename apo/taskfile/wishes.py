"""What a task file wants to do beyond being read, for `apo.trust`."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import file_digest, sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from apo.errors import ApoError, TaskError
from apo.files import DATA, MB, TEXT, require_file
from apo.prompts.forms.reading import read_prompt
from apo.taskfile.output_schema import KEY, schema_reference
from apo.taskfile.tools import tools_reference
from apo.trust import FileName, Wish
from apo.user_code import importable, is_python_reference

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
    data = settings.data
    sources = [data] if isinstance(data, str) else [*data.values()]
    found = [wish for source in sources for wish in _data(source, folder)]
    found += _scorer(settings.scorer, folder)
    given = ({"decoding": settings.decoding}, settings.prompt)
    given = (*given, *settings.steps.values())
    found += body_wishes(*map(extra_of, given), *_extras_in_file(settings, folder))
    for step in settings.steps.values():
        if has_model(step):
            found += model_wishes(str(step["model"]))
    if is_python_reference(_name(settings.program)):
        found += _python(_name(settings.program), folder, "program")
    schema = schema_reference(settings.output_schema)
    if is_python_reference(schema):
        found += _python(schema, folder, KEY)
    elif schema:
        found += _file(schema, folder, KEY)
    if tools := tools_reference(settings.tools):
        found += _file(tools, folder, "tools")
    metric = _name(settings.metric)
    if is_python_reference(metric):
        found += _python(metric, folder, "metric")
    return [*dict.fromkeys(found)]


def _data(source: str, folder: Path) -> Iterator[Wish]:
    if source.startswith("hf:"):
        yield Wish(f"load the data set {source[3:]} from the Hugging Face Hub")
    elif Path(source).is_absolute():
        yield from _file(source, folder, "data")


def file_wishes(path: Path, folder: Path) -> list[Wish]:
    """What reading a task.yaml itself wants: nothing where it lies in its folder."""
    return [*_file(path.name, folder, path.name)]


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
        yield from _code(given, folder)
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


def _code(given: Mapping[str, Any], folder: Path) -> Iterator[Wish]:
    """What runs beside Python is allowed for this folder, and these files, alone."""
    if given.get("command"):
        command = str(given["command"])
        yield Wish(f"run the command: {command}", _command_hash(command, folder))
    for item in _texts(given.get("allow")):
        told = f"run programs that a model writes without protection of {item}"
        yield Wish(told, _command_hash("", folder))


def _command_hash(command: str, folder: Path) -> str:
    """A hash of a folder's place, and of the files that a command names here or there."""
    place = folder.resolve()
    digest = sha256(str(place).encode("utf-8", "backslashreplace"))
    for word in re.split(r"[\s'\";|&()<>=]+", command):
        for path in sorted({place / word, Path(word).absolute()}) if word else ():
            with suppress(OSError, ValueError):
                if path.is_file():
                    digest.update(f"{path}\0".encode("utf-8", "backslashreplace"))
                    digest.update(_digest(path))
    return digest.hexdigest()


def _texts(value: Any) -> list[str]:
    items = cast("list[object]", value if isinstance(value, list | tuple) else [value])
    return [item for item in items if isinstance(item, str)]


def model_wishes(name: object) -> Iterator[Wish]:
    """What asking a model wants, by its name; nothing for one of this process."""
    if name not in _OWN:
        keyed = ", with your key for it" if _takes_key(str(name)) else ""
        yield Wish(f"ask the model {name}{keyed}")


def _takes_key(model: str) -> bool:
    """Whether a model may be sent a key of yours; what is not known, such as a plug-in's, may."""
    from apo.models.providers import PROVIDERS  # Few task files name a model.

    provider = model.partition("/")[0]
    known = PROVIDERS.get(provider)
    return "://" not in model and provider != "local" and (known is None or known.key_variable > "")


def body_wishes(*bodies: object) -> Iterator[Wish]:
    """What further fields of requests want: a server may search the web by them, or cost more."""
    for body in bodies:
        if body:
            fields = json.dumps(body, sort_keys=True, default=repr, ensure_ascii=False)
            yield Wish(f"send these fields with each request to the task model: {fields}")


def extra_of(prompt: object) -> object:
    """The further fields that a prompt's JSON form, or a task file, holds under `decoding`."""
    decoding = cast("Mapping[str, Any]", prompt).get("decoding") if _is_map(prompt) else None
    return cast("Mapping[str, Any]", decoding).get("extra") if _is_map(decoding) else None


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)


def _extras_in_file(settings: Any, folder: Path) -> list[object]:
    """The further fields that a prompt file holds; what reading it will refuse holds none."""
    if settings.prompt_file is not None:
        with suppress(ApoError, OSError):
            path = inside(folder, settings.prompt_file, "prompt_file")
            require_file(path, TEXT)
            found = read_prompt(path, tuple(settings.inputs), settings.template, settings.beside)
            return [step.decoding.extra for step in found.prompt.steps.values()]
    return []


def _python(reference: str, folder: Path, key: str) -> Iterator[Wish]:
    name = reference.rpartition(":")[0]
    path = inside(folder, name, key)
    yield Wish(f"run the Python file {name} ({key})", code_hash(path))
    for file in _beside(path):
        if not _is_inside(folder, file, key):
            yield Wish(f"use {file.resolve()}, outside of its folder, beside it ({key})")


def code_hash(path: Path) -> str:
    """A hash of a Python file and of what it may import beside it; links out are not read."""
    digest, folder = sha256(), path.parent.resolve()
    for file in sorted({path, *_beside(path)}):
        with suppress(OSError, ValueError):  # What cannot be read cannot be run, either.
            if file.is_file() and file.resolve().is_relative_to(folder):
                content = _digest(file)
                name = str(file.relative_to(path.parent))
                digest.update(f"{name}\0".encode("utf-8", "backslashreplace"))
                digest.update(content)
    return digest.hexdigest()


def _digest(path: Path) -> bytes:
    if path.stat().st_size > DATA:  # It could be imported all the same.
        raise TaskError(
            f"{path} is over {DATA // MB:,} MB, too long for code that is trusted by its content: "
            "move it elsewhere."
        )
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


def _beside(path: Path) -> list[Path]:
    try:
        return sorted(importable(path.parent)) if path.is_file() else []
    except (OSError, ValueError, RuntimeError):
        return []


def step_by_file(step: Any) -> Any:
    """A step of a program with the model in it marked as named by a file."""
    given: Any = step
    return {**given, "model": FileName(given["model"])} if has_model(given) else given


def has_model(step: object) -> bool:
    """Whether a step of a program names a model."""
    return isinstance(step, Mapping) and "model" in step


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
