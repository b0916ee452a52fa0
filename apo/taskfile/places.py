"""Where the files of tasks are: those that come with apo, and folders with a task.yaml."""

import re
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import yaml

from apo.data.rows import SUFFIXES
from apo.errors import TaskError, near
from apo.taskfile.yaml_file import read_task_file

FILE_NAME = "task.yaml"


def builtin_tasks() -> list[str]:
    """Names of the tasks that come with apo."""
    return sorted(
        folder.name for folder in builtin_folder().iterdir() if (folder / FILE_NAME).is_file()
    )


def builtin_folder() -> Path:
    """The folder of the tasks that come with apo."""
    return Path(str(files("apo.tasks")))


def builtin_kinds() -> dict[str, str]:
    """What each task that comes with apo asks for, such as extraction, in order of these kinds."""
    text = (builtin_folder() / "kinds.yaml").read_text(encoding="utf-8")
    kinds: dict[str, list[str]] = yaml.safe_load(text)
    return {name: kind for kind, names in kinds.items() for name in names}


def path_of(ref: str | Path) -> Path:
    """The task.yaml of a built-in task, which comes first, or of a folder."""
    if isinstance(ref, str) and ref in builtin_tasks():
        return builtin_folder() / ref / FILE_NAME
    return _task_path(Path(ref), str(ref))


def own_path(ref: str) -> Path:
    """The task.yaml of a folder of the user's, beside which files may be written.

    Raises:
        TaskError: it is a built-in task, or there is none.
    """
    path = path_of(ref)
    if path.is_relative_to(builtin_folder()):
        raise TaskError(
            f"{ref} is a built-in task, whose folder is not yours to write. Copy it first: "
            f"cp -r {path.parent} my-{ref}"
        )
    return path


def _task_path(path: Path, text: str) -> Path:
    with suppress(OSError, ValueError):  # A text that can be no path.
        if path.suffix.lower() in SUFFIXES:
            raise TaskError(f"{text} is data. Make a task of it: apo init NAME --data {text}")
        if path.is_file():
            return path
        if (path / FILE_NAME).is_file():
            return path / FILE_NAME
        if path.is_dir():
            raise TaskError(f"The folder {path} has no {FILE_NAME}; `apo init` writes one.")
    raise TaskError(
        f"There is no task {text[:200]!r}: no built-in one, no folder with a {FILE_NAME}, no file."
        f"{near(text[:200], [*_folders_beside(path), *builtin_tasks()])}"
    )


def _folders_beside(path: Path) -> list[str]:
    """The folders with a task that stand where this one was looked for."""
    with suppress(OSError, ValueError):
        return sorted(str(file.parent) for file in path.parent.glob(f"*/{FILE_NAME}"))
    return []


def describe(name: str) -> str:
    """What a built-in task is about: the first sentence of its description."""
    settings = read_task_file(builtin_folder() / name / FILE_NAME)
    return re.split(r"(?<=[.!?])\s", " ".join(settings.description.split()))[0]
