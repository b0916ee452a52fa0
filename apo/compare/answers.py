"""The answers of a comparison in one file: who has it replays the comparison without the model.

A file of JSON lines, compressed with xz: a line of the fields' names, then a list of values for
each answer, sorted so that it is the same whoever wrote it. Times and requests are left out.
"""

import json
import lzma
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from apo.errors import DataError, RunError
from apo.files import require_file, write_whole
from apo.storage.journal import Journal
from apo.storage.rows import Entry, open_for_reading, readable
from apo.storage.tables import VERSION
from apo.usage import Usage

FIELDS = (
    "key", "role", "model", "reply", "thinking", "served", "truncated", "bound", "retries",
    "input_tokens", "output_tokens", "cached_tokens", "thinking_tokens",
)  # fmt: skip
LIMIT = 256 * 2**20
"""Bytes that a file may have."""
MAX_LINE = 2**20
"""Characters of one answer's line."""


def keep_answers(journals: Iterable[Path], path: Path) -> int:
    """Write the answers in journals to one file; of two to the same request the first counts.

    Args:
        journals: those of a comparison's cells; refusals and answers of stand-ins are left out.
        path: the file; what it holds already stays, before theirs.

    Returns:
        How many answers it holds.

    Raises:
        DataError: there is a file of that name that holds no answers.
        JournalError: one cannot be read.
        RunError: the file cannot be written.
    """
    found = kept_answers(path)
    for journal in journals:
        with closing(open_for_reading(journal)) as database, readable():
            for row in _rows(database):
                found.setdefault(row[0], row)
    head = {"answers": VERSION, "fields": FIELDS}
    lines = [json.dumps(head), *(json.dumps(row, ensure_ascii=False) for row in _in_order(found))]
    text = "".join(f"{line}\n" for line in lines)
    try:
        write_whole(path, lzma.compress(text.encode("utf-8", "surrogatepass"), preset=9))
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}.") from error
    return len(found)


def kept_answers(path: Path) -> dict[str, Sequence[Any]]:
    """The answers of a file by their keys; none where there is no file yet.

    Raises:
        DataError: it is no such file, or of another version of apo.
    """
    if not path.exists():
        return {}
    rows: Iterator[list[Any]] = _read(path)
    return {_entry(row, path).key: row for row in rows}


def _rows(database: sqlite3.Connection) -> list[Sequence[Any]]:
    sql = f"SELECT {', '.join(FIELDS)} FROM calls WHERE error = '' AND role != 'fallback'"  # noqa: S608
    return database.execute(sql).fetchall()


def _in_order(found: dict[str, Sequence[Any]]) -> list[Sequence[Any]]:
    """Those that read alike beside each other: the file is half as large."""
    return sorted(found.values(), key=lambda row: (row[1], row[3] or "", row[0]))


def take_answers(path: Path, root: Path) -> int:
    """Put the answers of a file where the runs of a comparison take them with `reuse`.

    What other runs left there already stays.

    Args:
        path: what `keep_answers` wrote.
        root: the comparison's folder.

    Returns:
        How many answers it holds.

    Raises:
        DataError: it is no such file, or of another version of apo.
        JournalError: the folder's own answers cannot be used.
    """
    n = 0
    root.mkdir(parents=True, exist_ok=True)
    with Journal(shared=root / "answers.db") as journal:  # It leaves them when it is closed.
        for n, values in enumerate(_read(path), 1):  # noqa: B007 - counted
            journal.add(_entry(values, path))
    return n


def _read(path: Path) -> Iterator[list[Any]]:
    try:
        require_file(path, LIMIT)
        with lzma.open(path, "rt", encoding="utf-8", errors="surrogatepass") as lines:
            head: Any = json.loads(lines.readline(MAX_LINE))
            if not isinstance(head, dict) or "answers" not in head:
                raise ValueError("its first line does not say what it holds")
            told = cast("dict[str, Any]", head)
            if told != {"answers": VERSION, "fields": list(FIELDS)}:
                raise ValueError(f"it is of another version of apo: {told}, not {VERSION}")
            while line := lines.readline(MAX_LINE):
                yield json.loads(line)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (lzma.LZMAError, EOFError, ValueError) as error:
        raise DataError(
            f"{path} is no file of answers, as apo compare --keep-answers writes it: {error}."
        ) from error


def _entry(values: Any, path: Path) -> Entry:
    given: list[Any] = values if hasattr(values, "append") else []  # Any JSON.
    known = dict(zip(FIELDS, given, strict=False))
    texts = all(isinstance(known.get(name), str) for name in FIELDS[:6])
    numbers = all(type(known.get(name) or 0) is int for name in FIELDS[6:])
    if len(given) != len(FIELDS) or not texts or not numbers:
        raise DataError(f"{path}: {str(values)[:80]!r} is no answer with {', '.join(FIELDS)}.")
    counts = {name: int(known.pop(name) or 0) for name in FIELDS[9:]}
    known["truncated"] = bool(known["truncated"])
    return Entry(**known, usage=Usage(**counts))
