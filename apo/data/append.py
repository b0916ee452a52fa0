"""Rows added at the end of a data file, in its own form; what is there stays, byte for byte."""

import codecs
import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apo.data.rows import known_encoding, read_rows
from apo.data.text import TABLES
from apo.errors import DataError
from apo.files import DATA, read_bytes
from apo.reading.characters import composed

LINES = (".jsonl", ".ndjson")


def appended(
    path: Path,
    rows: Sequence[Mapping[str, str]],
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> tuple[bytes, bytes]:
    """Give a file's content, and the content with further rows.

    Args:
        path: a CSV, TSV or JSONL file with at least one row.
        rows: by column; columns that the file has and a row does not stay empty.
        encoding: of the file.
        delimiter: of a text table; None for what the file's name says.

    Raises:
        DataError: another kind of file, a column that it does not have, or letters that its
            encoding lacks.
    """
    suffix = path.suffix.lower()
    table = suffix in TABLES or (delimiter is not None and suffix not in LINES)
    if not table and suffix not in LINES:
        raise DataError(
            f"{path} is no file that rows can be added to: CSV, TSV and JSONL are. Save the data "
            "as one of these, and name it in task.yaml."
        )
    first = next(iter(read_rows(path, encoding=encoding, delimiter=delimiter)))
    for row in rows:
        for name in row:
            if name not in first:
                raise DataError(f"{path} has no column {name!r}; it has {', '.join(first)}.")
    before = read_bytes(path, DATA)
    name = known_encoding(encoding).removesuffix("-sig")
    if name in ("utf-16", "utf-32"):
        raise DataError(f"{path} is in {name}; save it as UTF-8 to have rows added.")
    end = b"\r\n" if b"\r\n" in before else b"\n"
    if table:
        sign = delimiter or ("," if suffix == ".csv" else "\t")
        text = _table(before.decode(known_encoding(encoding)), rows, sign, end.decode())
    else:
        shown = json.loads(before.decode(known_encoding(encoding)).splitlines()[0])
        text = "".join(_line(row, shown) + end.decode() for row in rows)
    try:
        new = codecs.encode(text, name)
    except UnicodeEncodeError as error:
        raise DataError(f"{path} is in {name}, which has no {text[error.start]!r}.") from error
    return before, before + (b"" if before.endswith((b"\n", b"\r")) else end) + new


def _table(text: str, rows: Sequence[Mapping[str, str]], delimiter: str, end: str) -> str:
    header = next(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    names = [composed(cell.strip()) for cell in header]
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    return written.getvalue()


def _line(row: Mapping[str, str], shown: Mapping[str, Any]) -> str:
    """A line of JSON; where the file holds numbers or objects, a text that is one is written so."""

    def value(name: str, text: str) -> Any:
        if isinstance(shown.get(name), str | None):
            return text
        try:
            return json.loads(text)
        except ValueError:
            return text

    return json.dumps({name: value(name, text) for name, text in row.items()}, ensure_ascii=False)
