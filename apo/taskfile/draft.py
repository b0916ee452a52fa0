"""Drafts a task.yaml for a data file: the logic of `apo init`. Every guess is said in words."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from apo.errors import DataError, TaskError
from apo.scorers.answers import plain
from apo.taskfile.columns import Column, find_encoding, language_of, read_columns
from apo.taskfile.draft_guess import field_name, guess_inputs, guess_scorer, guess_target, warn
from apo.taskfile.draft_prompt import seed_prompt
from apo.taskfile.load import FILE_NAME
from apo.taskfile.settings import TaskSettings, parse_settings

TEXT_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A task that is not written yet.

    Attributes:
        name: of the task.
        yaml: the text of its task.yaml.
        explanations: what was found and guessed, and what to look at, in words.
        data: the data file.
        encoding: how the file is encoded, where it is text.
    """

    name: str
    yaml: str
    explanations: tuple[str, ...]
    data: Path
    encoding: str = "utf-8"


def draft_task(
    name: str, data: Path, inputs: Sequence[str] | None = None, target: str | None = None
) -> Draft:
    """Look at a data file and draft the task.

    Args:
        name: of the task.
        data: a CSV, TSV, JSON, JSONL, Parquet or Excel file.
        inputs: the input columns; guessed when None.
        target: the column of the answers; guessed when None.

    Raises:
        TaskError: the file cannot be read, has no such column, or too few of them.
    """
    if not data.is_file():
        raise DataError(f"There is no data file {data}.")
    encoding = find_encoding(data) if data.suffix.lower() in TEXT_SUFFIXES else "utf-8"
    columns = read_columns(data, encoding)
    notes: list[str] = []
    if encoding != "utf-8":
        notes.append(f"The file is {encoding}; its copy in the task's folder will be UTF-8.")
    goal = guess_target(columns, target, inputs or (), notes)
    given = guess_inputs(columns, inputs, goal, notes)
    language = language_of([*given, goal])
    notes.append(_LANGUAGE_NOTES[language])
    settings = _settings(name, data, given, goal, language, notes)
    pools = [column for column in columns.values() if column.names_pools and column is not goal]
    if pools:
        settings["split"] = {"column": pools[0].name}
        notes.append(f"The column {pools[0].name!r} says which pool each row is for.")
    warn(goal, given, notes)
    checked = {key: value for key, value in settings.items() if key != "data"}
    parse_settings(TaskSettings, checked, f"task {name!r}")
    return Draft(
        name=name, yaml=_dump(settings), explanations=tuple(notes), data=data, encoding=encoding
    )


_LANGUAGE_NOTES = {
    "ko": "The text is Korean, so the prompts that write prompts will be Korean too.",
    "en": "The script is Latin; the language is taken for English. Change `language` if not.",
    "und": "The language is not known; set `language`.",
}


def write_draft(draft: Draft, folder: Path) -> Path:
    """Write the task.yaml and a copy of the data, in UTF-8, into a folder.

    Returns:
        The path of the task.yaml.

    Raises:
        TaskError: one of the files is there already, or cannot be written.
    """
    path, copy = folder / FILE_NAME, folder / draft.data.name
    in_place = copy.exists() and copy.samefile(draft.data)
    for file in [path] if in_place else [path, copy]:
        if file.exists():
            raise TaskError(f"{file} is there already; it is not overwritten. Choose another name.")
    text = draft.yaml
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if in_place:
            text += f"encoding: {draft.encoding}\n" if draft.encoding != "utf-8" else ""
        elif draft.encoding == "utf-8":
            shutil.copyfile(draft.data, copy)
        else:
            with (
                draft.data.open(encoding=draft.encoding, newline="") as source,
                copy.open("w", encoding="utf-8", newline="") as sink,
            ):
                shutil.copyfileobj(source, sink)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TaskError(f"{folder} cannot be written: {error.strerror}.") from error
    return path


def _settings(
    name: str, data: Path, inputs: list[Column], target: Column, language: str, notes: list[str]
) -> dict[str, Any]:
    kind, reason = guess_scorer(target)
    notes.append(f"Answers are judged by the scorer {kind!r}: {reason}.")
    labels = sorted(target.values) if kind == "choice" else []
    scorer: str | dict[str, Any] = kind
    if len({plain(label, strip_punctuation=False) for label in labels}) < len(labels):
        scorer = {"name": kind, "ignore_case": False}
        notes.append("Some labels differ in upper and lower case alone; make them one in the data.")
    fields = {field_name(column.name, place): column.name for place, column in enumerate(inputs, 1)}
    same = all(field == column for field, column in fields.items())
    settings: dict[str, Any] = {"name": name, "language": language}
    settings["inputs"] = list(fields) if same else fields
    settings["target"] = target.name
    if labels:
        settings["labels"] = labels
    details = labels or [key for key, _ in target.keys.most_common()]
    prompt = seed_prompt(kind, language, list(fields), target.name, details)
    notes.append("The seed prompt is a first try; put in its place what you use today.")
    return {**settings, "scorer": scorer, "data": data.name, "prompt": prompt}


class _Dumper(yaml.SafeDumper):
    """Lists on one line, texts of several lines as blocks."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def _dump(settings: dict[str, Any]) -> str:
    text = yaml.dump(
        settings,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )
    return f"# A draft by `apo init`; docs/tasks.md explains the keys.\n{text}"
