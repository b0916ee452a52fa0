"""The scorer `sql`: whether the answer's query gives the rows that the target's query gives."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from apo.errors import TaskError
from apo.reading.answers import quote
from apo.scorers.files import found, text_of
from apo.scorers.sql_limits import building, reading
from apo.scorers.sql_text import is_ordered, query_in
from apo.task import Example, Score

Rows = list[tuple[Any, ...]]

_MAX_SECONDS = 600.0
_MAX_SIZE = 20_000_000  # characters and bytes of one result
_MAX_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class SqlRows:
    """The answer's SQL query must give the rows that the target's gives, in a SQLite database.

    Rows count as often as they come, in any order, but in the target's order where that ends in
    ORDER BY. Columns compare by their place, whatever their names; numbers by 12 digits. The
    answer's query is what stands in its last ``` fence, else from its first SELECT or WITH to
    the semicolon. One that SQLite does not take is not well formed.

    A query can only read: an authorizer refuses all else, also ATTACH, PRAGMA, extensions and
    random(). It runs in this process and may take memory until its time is up.

    Attributes:
        schema: the SQL script that builds the database in memory, or the path of its file, which
            ends in .sql; one of schema and database must be given.
        database: the path of a SQLite file, which is only read.
        max_rows: how many rows a query may give, at least 1.
        seconds: how long a query may take, above 0.
        folder: the task's, where such paths start.
    """

    schema: str = ""
    database: str = ""
    max_rows: float = 10_000
    seconds: float = 5.0
    folder: Path = Path()

    def __post_init__(self) -> None:
        if bool(self.schema.strip()) == bool(self.database.strip()):
            raise TaskError(
                "The scorer sql needs one of schema (a script that builds the database, or its "
                ".sql file) and database (a SQLite file)."
            )
        if not (isfinite(self.max_rows) and self.max_rows >= 1 and self.max_rows % 1 == 0):
            raise TaskError(f"sql.max_rows is {self.max_rows}; it must be a whole number from 1.")
        if not 0 < self.seconds <= _MAX_SECONDS:
            raise TaskError(
                f"sql.seconds is {self.seconds}; it must be a number above 0, at most 600."
            )
        with closing(self._open()):
            pass  # A wrong schema or file is told at once.

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the rows are those of a target."""
        query = query_in(output)
        if not query:
            return Score(0.0, False, "The answer holds no SELECT query.")
        try:
            said = self._run(query)
        except sqlite3.Error as error:
            return Score(0.0, False, f"The query {quote(query)} fails: {_reason(error)}.")
        wrong = ""
        for target in example.targets:
            try:
                wanted = self._run(query_in(target))
            except sqlite3.Error as error:
                wrong = f"The target's query {quote(target)} fails: {_reason(error)}."
                continue
            if _same(said, wanted, is_ordered(target)):
                return Score(1.0)
            wrong = wrong or _difference(said, wanted)
        return Score(0.0, True, wrong)

    def tables(self) -> dict[str, list[str]]:
        """The columns of each table of the database, in the order in which they were made."""
        with closing(self._open()) as db:
            made = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
            names: list[str] = [row[0] for row in made if not row[0].startswith("sqlite_")]
            told = "SELECT name FROM pragma_table_info(?)"
            return {name: [row[0] for row in db.execute(told, (name,))] for name in names}

    def _run(self, query: str) -> Rows:
        with closing(self._open()) as db, reading(db, self.seconds):
            rows = Rows()
            size = 0
            for row in db.execute(query):
                rows.append(tuple(map(_cell, row)))
                size += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
                if len(rows) > self.max_rows or size > _MAX_SIZE:
                    raise sqlite3.DataError(f"it gives more than {self.max_rows:g} rows, or 20 MB")
            return rows

    def _open(self) -> sqlite3.Connection:
        if not self.database:
            db = sqlite3.connect(":memory:")
            db.deserialize(self._built)
            return db
        path = found("sql.database", self.database, self.folder).resolve()
        db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            db.close()
            raise TaskError(f"{path} cannot be read as a SQLite database: {error}.") from error
        return db

    @cached_property
    def _built(self) -> bytes:
        script, name = self.schema, "sql.schema"
        if script.strip().lower().endswith(".sql") and "\n" not in script.strip():
            name = script.strip()
            script = text_of("sql.schema", name, self.folder)
        with closing(sqlite3.connect(":memory:")) as db:
            try:
                with building(db):
                    db.executescript(script)
                    db.commit()
            except (sqlite3.Error, ValueError) as error:
                raise TaskError(f"The script {name} of the scorer sql fails: {error}.") from error
            if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise TaskError(
                    f"The script {name} of the scorer sql makes no table; it needs CREATE TABLE "
                    "and INSERT. A file's name must end in .sql."
                )
            return db.serialize()


def _cell(value: object) -> object:
    """Bring numbers to the form that is compared: sums may differ in the last digits."""
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _same(said: Rows, wanted: Rows, in_order: bool) -> bool:
    return said == wanted if in_order else Counter(said) == Counter(wanted)


def _difference(said: Rows, wanted: Rows) -> str:
    missing = [*(Counter(wanted) - Counter(said)).elements()]
    extra = [*(Counter(said) - Counter(wanted)).elements()]
    told = [f"Expected {len(wanted)} rows, the query gives {len(said)}"]
    widths = {len(row) for row in wanted[:1]}, {len(row) for row in said[:1]}
    if all(widths) and widths[0] != widths[1]:
        told.append(f"expected {max(widths[0])} columns, it gives {max(widths[1])}")
    told += [f"missing: {_shown(missing)}"] if missing else []
    told += [f"not asked for: {_shown(extra)}"] if extra else []
    if not missing and not extra:
        told.append("the rows are right, their order is not")
    return "; ".join(told) + "."


def _shown(rows: Rows) -> str:
    more = f" and {len(rows) - _MAX_SHOWN} more" if len(rows) > _MAX_SHOWN else ""
    return ", ".join(quote(repr(row))[1:-1] for row in rows[:_MAX_SHOWN]) + more


def _reason(error: sqlite3.Error) -> str:
    """What SQLite says; of what it refuses, why."""
    text = str(error).rstrip(".")
    if any(word in text for word in ("authoriz", "prohibited")):
        return f"{text} (a query can only read)"
    return text
