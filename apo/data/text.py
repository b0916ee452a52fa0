"""Rows from text files: CSV, TSV, JSON and JSONL, read strictly, with the line in every message."""

import csv
import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from apo.data.cells import Row
from apo.data.records import BLANK, column_rows, is_columns, records
from apo.data.unnamed import Header
from apo.errors import DataError
from apo.files import LINE, MB

TABLES = (".csv", ".tsv", ".tab")


def text_rows(
    path: Path, suffix: str, encoding: str, notes: list[str] | None = None
) -> Iterator[Row]:
    """Read a CSV, TSV, JSON or JSONL file; all but JSON line by line.

    Args:
        path: the file.
        suffix: its kind, such as ".csv".
        encoding: from `apo.data.rows.known_encoding`.
        notes: what was left out is added, in words, after the last row.

    Raises:
        DataError: a wrong encoding, a damaged file, ragged rows; the text names the line.
    """
    if suffix in TABLES:
        yield from table_rows(path, "," if suffix == ".csv" else "\t", encoding, notes)
        return
    with _opened(path, encoding) as file:
        if suffix == ".json":
            yield from records(_json_list(path, file), f"{path}, item")
        else:
            yield from records(_json_lines(path, file), f"{path}, line")


def table_rows(
    path: Path, delimiter: str, encoding: str, notes: list[str] | None = None
) -> Iterator[Row]:
    """Read a file with a header and cells between delimiters, line by line.

    Args:
        path: the file, of any name.
        delimiter: one character.
        encoding: from `apo.data.rows.known_encoding`.
        notes: what was left out is added, in words, after the last row.

    Raises:
        DataError: as for `text_rows`; or the delimiter cannot be one.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise DataError(
            f"delimiter is {delimiter!r:.80}; it must be one character, such as ',' or ';', "
            '"\\t" for a tab, in double quotes.'
        )
    with _opened(path, encoding) as file:
        header = yield from _csv_rows(path, file, delimiter)
    if notes is not None:
        notes += header.notes()


@contextmanager
def _opened(path: Path, encoding: str) -> Generator[IO[str]]:
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield file
    except UnicodeError as error:
        raise DataError(_decoding_help(path, encoding, error)) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _decoding_help(path: Path, encoding: str, error: UnicodeError) -> str:
    """Name the first line and byte that are not of the encoding."""
    place = f"({error.__class__.__name__})"
    if isinstance(error, UnicodeDecodeError):
        place = f"(byte 0x{error.object[error.start]:02X})"
    if encoding == "utf-8-sig":
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as bad:
                    place = f"at line {number}, byte {bad.start + 1} (0x{line[bad.start]:02X})"
                    break
    name = encoding.removesuffix("-sig")
    return (
        f"{path} is not {name} {place}. If it was saved by Excel, its encoding is often cp949 "
        "(Korean), cp1252 (Western), cp1256 (Arabic) or utf-16: save the file as UTF-8, or give "
        "its encoding: in a task.yaml, encoding: cp949; to apo init, --encoding cp949."
    )


def _csv_rows(path: Path, file: IO[str], delimiter: str) -> Generator[Row, None, Header]:
    csv.field_size_limit(LINE)
    reader = csv.reader(_without_nul(path, file), delimiter=delimiter, strict=True)
    try:
        first = next(reader, list[str]())
        if first and first[0].lower() in ("sep=", f"sep={delimiter}"):  # A line for Excel.
            first = next(reader, list[str]())
        header = Header(first, str(path))
        if not header.size:
            raise DataError(f"{path} has no header: the first row must name the columns.")
        for cells in reader:
            if not cells or (delimiter == "|" and reader.line_num == 2 and _is_rule(cells)):
                continue  # A blank line, or the one under the header of a Markdown table.
            if len(cells) != header.size:
                raise DataError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells, but the header names "
                    f"{header.size} columns. A cell that holds the delimiter needs quotes."
                )
            named = header.named(cells, f"line {reader.line_num}")
            yield dict(zip(header.names, named, strict=True))
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: {error}. Is a quote left open, or not doubled "
            "within quotes?"
        ) from None
    return header


def _is_rule(cells: list[str]) -> bool:
    return all(re.fullmatch(r":?-+:?|", cell.strip()) for cell in cells)


def _without_nul(path: Path, file: IO[str]) -> Iterator[str]:
    for number, line in enumerate(_lines(path, file), 1):
        if "\0" in line:
            raise DataError(
                f"{path}, line {number}: a NUL byte. The file is damaged, or it is UTF-16, without "
                "the mark that says so: then save it as UTF-8, or give its encoding, utf-16-le."
            )
        yield line


def _lines(path: Path, file: IO[str]) -> Iterator[str]:
    """The lines; one without an end would fill the memory."""
    for number, line in enumerate(iter(partial(file.readline, LINE), ""), 1):
        if len(line) == LINE and "\0" not in line:
            raise DataError(f"{path}, line {number} is over {LINE // MB} million characters long.")
        yield line


def _json_list(path: Path, file: IO[str]) -> list[object]:
    value = _parse(file.read(), str(path))
    if isinstance(value, dict):
        if len(cast("dict[str, object]", value)) > 1 and is_columns(cast("object", value), ()):
            return [*column_rows(cast("dict[str, Any]", value))]
        items = cast("dict[str, object]", value).values()
        lists = [cast("list[object]", item) for item in items if isinstance(item, list)]
        if len(lists) != 1:
            raise DataError(
                f"{path} must be a list of objects, or an object with one list of them; "
                f"it is an object with {len(lists)} lists."
            )
        return lists[0]
    if not isinstance(value, list):
        raise DataError(f"{path} must be a list of objects, not {type(value).__name__}.")
    return cast("list[object]", value)


def _json_lines(path: Path, file: IO[str]) -> Iterator[object]:
    for number, line in enumerate(_lines(path, file), 1):
        yield _parse(line, f"{path}, line {number}") if line.strip() else BLANK


def _parse(text: str, where: str) -> Any:
    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise DataError(f"{where}: the key {twice!r} stands twice in one object.")
        return value

    try:
        return json.loads(text, object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is not valid JSON: {error}.") from None
