"""Drafts a task.yaml for a data file: the logic of `apo init`. Every guess is said in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apo.data.cells import Row
from apo.data.columns import Column, language_of, look
from apo.data.excel import sheet_of
from apo.data.named import pool_named
from apo.data.rows import read_rows
from apo.data.sniff import TextFormat
from apo.drafting.as_yaml import dump
from apo.drafting.batch_files import batch_rows
from apo.drafting.cautions import tell_header, tell_splits, warn
from apo.drafting.format import Wanted, find_format
from apo.drafting.groups import guess_group, without_groups
from apo.drafting.guess import guess_inputs, guess_target
from apo.drafting.reshape import reshape
from apo.drafting.settings import asked_settings
from apo.drafting.talks import talks_in
from apo.errors import DataError
from apo.taskfile.problems import parse_settings
from apo.taskfile.settings import TaskSettings

DATABASES = (".sql", ".db", ".sqlite", ".sqlite3")
"""How files end that queries can run on."""


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
        database: what queries run on, which is copied beside the data.
    """

    name: str
    yaml: str
    explanations: tuple[str, ...]
    data: Path
    encoding: str = "utf-8"
    rows: tuple[Row, ...] = ()
    database: Path | None = None


def copy_name(data: Path, rows: Sequence[Row]) -> str:
    """The name of the data in the task's folder: of a copy, or of rows that were changed."""
    return f"{data.stem}.rows.jsonl" if rows else data.name


def draft_task(name: str, data: Path, wanted: Wanted | None = None) -> Draft:
    """Look at a data file and draft the task.

    Args:
        name: of the task.
        data: a CSV, TSV, JSON, JSONL, Parquet or Excel file (FILE.xlsx#SHEET names a sheet), a
            folder that `datasets` saved, promptfoo's tests, a file of an OpenAI batch, or a table
            of text under any name.
        wanted: what need not be guessed.

    Raises:
        TaskError: the file cannot be read, has no such column, or too few of them.
    """
    file, sheet = sheet_of(data)
    if not file.is_file() and not data.is_dir():
        raise DataError(f"There is no data file {data}.")
    wanted, notes = _with_database(wanted or Wanted(), data), list[str]()
    batch = batch_rows(data, notes)
    text = TextFormat() if batch is not None else find_format(data, wanted, notes)
    rows = batch or read_rows(data, encoding=text.encoding, delimiter=text.delimiter, notes=notes)
    no_copy = bool(sheet) or data.is_dir()  # There is no file that could be copied as it is.
    rows = list(rows) if no_copy else rows
    shape = reshape(rows, wanted, notes)
    settings = draft_settings(name, look(shape.rows), shape.wanted, notes, shape.prompt, shape.head)
    prompt = settings.pop("prompt")  # It is long, and stands last.
    if no_copy and not shape.changed:
        shape = replace(shape, rows=rows, changed=True)
    kept = tuple(shape.rows) if shape.changed else ()
    settings["data"] = copy_name(file, kept)
    if text.delimiter is not None:
        settings["delimiter"] = text.delimiter
    if text.encoding != "utf-8" and not kept:
        notes.append(f"The file is {text.encoding}; its copy in the task's folder will be UTF-8.")
    yaml = dump({**settings, "prompt": prompt})
    return Draft(
        name=name,
        yaml=yaml,
        explanations=tuple(notes),
        data=file,
        encoding="utf-8" if kept else text.encoding,
        rows=kept,
        database=wanted.database if _runs_queries(settings) else None,
    )


def _with_database(wanted: Wanted, data: Path) -> Wanted:
    """The wishes with the one database that lies beside the data, where none is named."""
    if wanted.database is not None:
        if not wanted.database.is_file():
            raise DataError(f"There is no database {wanted.database}.")
        return wanted
    beside = [
        path
        for path in data.parent.iterdir()
        if path.suffix.lower() in DATABASES and path.name != "mlflow.db"  # Holds runs, not data.
    ]
    return replace(wanted, database=beside[0]) if len(beside) == 1 else wanted


def _runs_queries(settings: dict[str, Any]) -> bool:
    scorer: str | dict[str, Any] = settings["scorer"]
    return not isinstance(scorer, str) and scorer["name"] == "sql"


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
        head: the first rows, which show how inputs and targets stand to each other.
        pools_given: the rows come in pools.

    Raises:
        TaskError: there is no such column, or too few of them.
    """
    tell_header(columns, notes)
    asked = without_groups(columns, {*wanted.inputs, wanted.target})
    talks = talks_in(head)
    goal = guess_target(asked, wanted.target, wanted.inputs or talks, notes)
    given = guess_inputs(asked, wanted.inputs, goal, notes, talks)
    language = language_of([*given, goal])
    notes.append(_LANGUAGE_NOTES[language])
    settings = asked_settings(name, given, goal, language, wanted, head, notes)
    if prompt:
        settings["prompt"] = prompt
    else:
        notes.append("The seed prompt is a first try; put in its place what you use today.")
    pools = [column for column in columns.values() if column.names_pools and column is not goal]
    if pools:
        settings["split"] = {"column": pools[0].name}  # In place of shares.
        said = ", ".join(f"{value} is {pool_named(value)}" for value in sorted(pools[0].values))
        notes.append(f"The column {pools[0].name!r} says which pool each row is for: {said}.")
    else:
        tell_splits(columns, wanted, goal, notes)
    if pools_given:
        settings.pop("split", None)
    taken = [goal.name, *(column.name for column in (*given, *pools))]
    group = guess_group(columns, taken, given, notes, pools=bool(pools) or pools_given)
    if group is not None:
        settings["group"] = group
    warn(goal, given, notes)
    parse_settings(TaskSettings, settings, f"task {name!r}")
    return settings


_LANGUAGE_NOTES = {
    "ko": "The text is Korean, so the prompts that write prompts will be Korean too.",
    "ja": "The text is Japanese; the seed prompt, and those that write prompts, are English.",
    "en": "The script is Latin; the language is taken for English. Change `language` if not.",
    "und": "The language is not known; set `language`.",
}
