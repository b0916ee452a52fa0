"""Tasks from files: built-in ones, folders with a task.yaml, Python files, and data in memory.

Imports pydantic and yaml; nothing that starts without a task imports this module.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, cast

from apo.data.cells import Row
from apo.data.pools import POOLS
from apo.data.records import is_columns
from apo.data.rows import read_rows
from apo.data.sniff import TextFormat
from apo.errors import USERS_ERRORS, DataError, TaskError, near
from apo.files import TEXT, require_file
from apo.prompts.forms.reading import read_prompt
from apo.prompts.prompt import Prompt
from apo.task import Task
from apo.taskfile.build import build_task, usable_prompt
from apo.taskfile.places import FILE_NAME, builtin_folder, path_of
from apo.taskfile.problems import parse_settings
from apo.taskfile.settings import TaskFile, TaskSettings
from apo.taskfile.wishes import file_wishes, inside, named_by_file, step_by_file, task_wishes
from apo.taskfile.yaml_file import read_task_file
from apo.trust import require
from apo.user_code import is_python_reference, load_object


def load_task(ref: str | Path, *, memory: Path | None = None, seed: int = 0) -> Task:
    """Load a task.

    Args:
        ref: the name of a built-in task, a folder with a task.yaml, such a file, or `file.py:name`
            for a `Task` or a function without arguments that returns one, which is run. What a
            task.yaml names beyond its own data must be allowed first: `apo trust FOLDER`.
        memory: folder where splits are remembered, such as .apo/splits; None remembers nothing.
        seed: of the split, where the task file sets none.

    Raises:
        TrustError: a task.yaml wants more than its own data, and the user has not allowed it.
        TaskError: no such task, or something in it is not usable.
    """
    text = str(ref)
    if is_python_reference(text):
        return _from_python(text)
    path, note = path_of(ref), ""
    local = Path(text) / FILE_NAME
    if path == builtin_folder() / text / FILE_NAME and local.is_file() and not local.samefile(path):
        note = f"This is the built-in task; for the folder of that name write ./{text}."
    task = _from_file(_settings(path), path, memory, seed)
    return replace(task, notes=(note, *task.notes)) if note else task


def check_trust(ref: str | Path) -> None:
    """Make sure that the user allows what a task wants, and load nothing.

    Raises:
        TrustError: he has not allowed it yet.
        TaskError: there is no such task, or its file is not usable.
    """
    path = path_of(ref)
    _trusted(_settings(path), path)


def _settings(path: Path) -> TaskFile:
    """Read a task.yaml; one that is a link to elsewhere is not even read before it is allowed."""
    require(path.parent, file_wishes(path, path.parent))
    return read_task_file(path)


def _trusted(settings: TaskFile, path: Path) -> TaskFile:
    if path.is_relative_to(builtin_folder()):
        return settings
    require(path.parent, task_wishes(settings, path.parent))
    steps = {name: step_by_file(step) for name, step in settings.steps.items()}
    return settings.model_copy(update={"scorer": named_by_file(settings.scorer), "steps": steps})


def _from_python(reference: str) -> Task:
    found: Any = load_object(reference)
    if not isinstance(found, Task) and callable(found):
        try:
            found = cast("Callable[[], object]", found)()
        except TaskError:
            raise
        except USERS_ERRORS as error:
            raise TaskError(f"{reference} failed: {type(error).__name__}: {error}") from error
    if not isinstance(found, Task):
        raise TaskError(
            f"{reference} must be a Task, or a function without arguments that returns one; "
            f"it is a {type(found).__name__}."
        )
    return found


def rows_of(ref: str | Path) -> tuple[TaskSettings, Iterator[Row]] | None:
    """Read a task's rows once more, with the columns that it does not use, and give its settings.

    Returns:
        None where the task is made in Python.

    Raises:
        TaskError: there is no such task, or its data cannot be read.
    """
    if is_python_reference(str(ref)):
        return None
    path = path_of(ref)
    settings = read_task_file(path)
    return settings, chain.from_iterable(
        read_rows(source, encoding=settings.encoding, delimiter=settings.delimiter)
        for source in _sources(settings, path.parent).values()
    )


def _sources(settings: TaskFile, folder: Path) -> dict[str, Any]:
    given = {"data": settings.data} if isinstance(settings.data, str) else settings.data
    return {
        name: source if source.startswith("hf:") else _data_path(folder, source)
        for name, source in given.items()
    }


def _from_file(settings: TaskFile, path: Path, memory: Path | None, seed: int) -> Task:
    folder = path.parent
    settings = _trusted(settings, path)
    sources = _sources(settings, folder)
    prompt, notes = None, tuple[str, ...]()
    fields = tuple(settings.inputs)
    if settings.prompt_file is not None:
        file = inside(folder, settings.prompt_file, "prompt_file")
        try:
            require_file(file, TEXT)
        except FileNotFoundError:
            pass  # Reading it tells.
        except OSError as error:
            raise TaskError(f"The prompt_file {file} cannot be read: {error.strerror}.") from error
        found = usable_prompt(
            str(path), lambda: read_prompt(file, fields, settings.template, settings.beside)
        )
        prompt = found.prompt
        notes = (f"{settings.prompt_file}: {found.note}",) if found.note else ()
    text = TextFormat(settings.encoding, settings.delimiter)
    task = build_task(settings, sources, prompt, folder, str(path), memory, seed, text)
    return replace(task, notes=(*task.notes, *notes)) if notes else task


def _data_path(folder: Path, source: str) -> Path:
    return Path(source) if Path(source).is_absolute() else inside(folder, source, "data")


def task_from_data(
    data: Any,
    *,
    inputs: str | Sequence[str] | Mapping[str, str],
    target: str | Sequence[str],
    prompt: str | list[dict[str, Any]] | dict[str, Any] | Prompt | None = None,
    name: str = "data",
    encoding: str = "utf-8",
    delimiter: str | None = None,
    memory: Path | None = None,
    seed: int = 0,
    **settings: Any,
) -> Task:
    """Make a task of data in memory or in a file.

    Args:
        data: a DataFrame, a Dataset, a list of dicts, a dict with a list for each column, a path or
            hf:owner/name; or a dict of these with train and, where given, validation and test.
        inputs: the input column, several, or a mapping of field: column.
        target: the column of the accepted answer, or several.
        prompt: the seed prompt: text, chat messages with {{variables}}, or a `Prompt`; None where
            `steps` have one each.
        name: of the task.
        encoding: of a text file.
        delimiter: of a text table; None for what the file's name says.
        memory: folder where splits are remembered; None remembers nothing.
        seed: of the split.
        settings: further keys of a task.yaml: description, language, labels, scorer (also a
            function of an answer and its example), template, decoding, split, steps, program.

    Raises:
        TaskError: something is not usable; the text says the key.
    """
    where = f"task {name!r}"
    ready = prompt if isinstance(prompt, Prompt) else None
    values = {"inputs": inputs, "target": target, "name": name, **settings}
    values |= {"prompt": None if ready else prompt}
    parsed = parse_settings(TaskSettings, values, where)
    if ready is None and parsed.prompt is None and not parsed.steps and not parsed.program:
        raise TaskError(f"{where}: give a prompt, or steps with a prompt each.")
    sources: dict[str, Any] = {"data": data}
    if isinstance(data, Mapping) and not is_columns(cast("object", data), POOLS):
        sources = {str(k): v for k, v in cast("Mapping[object, Any]", data).items()}
        for key in sources:
            if key not in POOLS:
                raise DataError(f"{where}: {key!r} is no pool.{near(key, list(POOLS))}")
        if "train" not in sources:
            raise DataError(f"{where}: the data have no train; they have {', '.join(sources)}.")
    text = TextFormat(encoding, delimiter)
    return build_task(parsed, sources, ready, Path(), where, memory, seed, text)
