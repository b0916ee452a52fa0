"""Drafts a task.yaml for a data file: the logic of `apo init`. Every guess is said in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apo.data.cells import Row
from apo.data.columns import Column, language_of, look
from apo.data.named import pool_named
from apo.data.rows import read_rows
from apo.drafting.as_yaml import dump
from apo.drafting.cautions import tell_alike, tell_header, tell_splits, warn
from apo.drafting.format import Wanted, find_format
from apo.drafting.groups import guess_group, without_groups
from apo.drafting.guess import field_name, guess_inputs, guess_scorer, guess_signs, guess_target
from apo.drafting.lists import Lists, lists_note, may_be_lists, several_of
from apo.drafting.options import options_settings
from apo.drafting.prompt import seed_prompt
from apo.drafting.reshape import reshape
from apo.errors import DataError
from apo.taskfile.problems import parse_settings
from apo.taskfile.settings import TaskSettings


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A task that is not written yet.

    Attributes:
        name: of the task.
        yaml: the text of its task.yaml.
        explanations: what was found and guessed, and what to look at, in words.
        data: the data file.
        encoding: how the file is encoded, where it is text.
        rows: what is written in place of a copy of the file, where its rows were chats.
    """

    name: str
    yaml: str
    explanations: tuple[str, ...]
    data: Path
    encoding: str = "utf-8"
    rows: tuple[Row, ...] = ()


def copy_name(data: Path, rows: Sequence[Row]) -> str:
    """The name of the data in the task's folder: of a copy, or of rows that were changed."""
    return f"{data.stem}.rows.jsonl" if rows else data.name


def draft_task(name: str, data: Path, wanted: Wanted | None = None) -> Draft:
    """Look at a data file and draft the task.

    Args:
        name: of the task.
        data: a CSV, TSV, JSON, JSONL, Parquet or Excel file, or a table of text under any name.
        wanted: what need not be guessed.

    Raises:
        TaskError: the file cannot be read, has no such column, or too few of them.
    """
    if not data.is_file():
        raise DataError(f"There is no data file {data}.")
    wanted, notes = wanted or Wanted(), list[str]()
    text = find_format(data, wanted, notes)
    rows = read_rows(data, encoding=text.encoding, delimiter=text.delimiter, notes=notes)
    shape = reshape(rows, wanted, notes)
    settings = draft_settings(name, look(shape.rows), shape.wanted, notes, shape.prompt, shape.head)
    prompt = settings.pop("prompt")  # It is long, and stands last.
    kept = tuple(shape.rows) if shape.changed else ()
    settings["data"] = copy_name(data, kept)
    if text.delimiter is not None:
        settings["delimiter"] = text.delimiter
    if text.encoding != "utf-8" and not kept:
        notes.append(f"The file is {text.encoding}; its copy in the task's folder will be UTF-8.")
    yaml = dump({**settings, "prompt": prompt})
    return Draft(
        name=name,
        yaml=yaml,
        explanations=tuple(notes),
        data=data,
        encoding="utf-8" if kept else text.encoding,
        rows=kept,
    )


def draft_settings(
    name: str,
    columns: dict[str, Column],
    wanted: Wanted,
    notes: list[str],
    prompt: str = "",
    head: Sequence[Row] = (),
    *,
    pools_given: bool = False,
) -> dict[str, Any]:
    """Give the keys of a task file but for those of the data.

    Args:
        name: of the task.
        columns: what stands in the data.
        wanted: what need not be guessed.
        notes: what was guessed is added, in words.
        prompt: the seed prompt, where the data bring one.
        head: the first rows, which show whether their inputs hold options.
        pools_given: the rows come in pools.

    Raises:
        TaskError: there is no such column, or too few of them.
    """
    tell_header(columns, notes)
    asked = without_groups(columns, {*wanted.inputs, wanted.target})
    goal = guess_target(asked, wanted.target, wanted.inputs, notes)
    given = guess_inputs(asked, wanted.inputs, goal, notes)
    language = language_of([*given, goal])
    notes.append(_LANGUAGE_NOTES[language])
    options = options_settings(head, [column.name for column in given], goal.name, notes)
    settings = _settings(name, given, goal, language, wanted.lists, notes, options)
    if prompt:
        settings["prompt"] = prompt
    else:
        notes.append("The seed prompt is a first try; put in its place what you use today.")
    pools = [column for column in columns.values() if column.names_pools and column is not goal]
    if pools:
        settings["split"] = {"column": pools[0].name}
        said = ", ".join(f"{value} is {pool_named(value)}" for value in sorted(pools[0].values))
        notes.append(f"The column {pools[0].name!r} says which pool each row is for: {said}.")
    else:
        tell_splits(columns, wanted, goal, notes)
    taken = [goal.name, *(column.name for column in (*given, *pools))]
    group = guess_group(columns, taken, given, notes, pools=bool(pools) or pools_given)
    if group is not None:
        settings["group"] = group
    warn(goal, given, notes)
    parse_settings(TaskSettings, settings, f"task {name!r}")
    return settings


_LANGUAGE_NOTES = {
    "ko": "The text is Korean, so the prompts that write prompts will be Korean too.",
    "en": "The script is Latin; the language is taken for English. Change `language` if not.",
    "und": "The language is not known; set `language`.",
}


def _settings(
    name: str,
    inputs: list[Column],
    target: Column,
    language: str,
    lists: Lists | None,
    notes: list[str],
    options: dict[str, Any] | None,
) -> dict[str, Any]:
    fields = {field_name(column.name, place): column.name for place, column in enumerate(inputs, 1)}
    same = all(field == column for field, column in fields.items())
    settings: dict[str, Any] = {"name": name, "language": language}
    settings["inputs"] = list(fields) if same else fields
    settings["target"] = target.name
    several = several_of(target, lists) if options is None else None
    notes += filter(None, [may_be_lists(target, lists)])
    kind, reason = guess_scorer(target, several, options=options is not None)
    if several is not None:
        notes.append(lists_note(target, several))
    notes.append(f"Answers are judged by the scorer {kind!r}: {reason}.")
    marks = kind == "multiple_choice" and target.is_label and max(map(len, target.values)) <= 3
    labels = sorted(target.values) if kind == "choice" or marks else []
    labels = list(several.labels) if several is not None else labels
    scorer: str | dict[str, Any] = {"name": kind, "score": "f1"} if kind == "label_set" else kind
    signs = options or guess_signs(kind, target, notes)
    if signs:
        scorer = {"name": kind, **signs}
    if tell_alike(labels, notes):
        scorer = {"name": kind, "ignore_case": False}
    if labels:
        settings["labels"] = labels
    shown = [f'"{label}"' for label in labels] if any("," in t for t in labels) else labels
    details = shown or [key for key, _ in target.keys.most_common()]
    example = several.example if several is not None else ""
    prompt = seed_prompt(kind, language, list(fields), target.name, details, example)
    return {**settings, "scorer": scorer, "prompt": prompt}
