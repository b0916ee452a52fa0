"""Rows of text from files, tables and data sets, as a stream, and without changing a cell.

What a source holds as text stays text: "NA", "None", "007" and "" are data. Other values take one
form (see `apo.data.cells`). A missing value (null, NaN, an empty spreadsheet cell) is None.
"""

import codecs
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from apo.data.cells import Row, Typed
from apo.errors import DataError
from apo.scorers.characters import composed

TABLES = (".csv", ".tsv", ".tab")
SUFFIXES = (*TABLES, ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".xlsm")


def read_rows(
    source: Any,
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    wanted: Collection[str] = (),
    notes: list[str] | None = None,
) -> Iterator[Row]:
    """Read rows one by one; only JSON lists and Excel's shared texts are held in memory.

    Args:
        source: a path to a CSV, TSV, JSON, JSONL, Parquet or Excel file; "hf:owner/name", with
            ":config" and "/split" where wanted, for a data set on the Hugging Face Hub; a pandas
            DataFrame; a Dataset or IterableDataset of `datasets`; or any iterable of mappings.
        encoding: of CSV, TSV and JSON files. "utf-8" also takes a byte order mark.
        delimiter: between the cells of a text table, whatever the file's name ends in; None for
            what that says.
        wanted: the columns that will be asked for, if that is known: a Parquet file with all of
            them is not read further.
        notes: what was left out, such as an index without a name, is added after the last row.

    Raises:
        DataError: the source cannot be read or has no table's shape; the text says where.
    """
    source_type: type[object] = type(cast("object", source))
    if isinstance(source, str) and source.startswith("hf:"):
        from apo.data.libraries import hub_rows

        return hub_rows(source)
    if isinstance(source, str | Path):
        return _file_rows(Path(source), known_encoding(encoding), delimiter, wanted, notes)
    kind = source_type.__module__.partition(".")[0]
    if kind in ("pandas", "datasets"):
        from apo.data.libraries import dataset_rows, frame_rows

        return frame_rows(source) if kind == "pandas" else dataset_rows(source)
    if isinstance(source, Iterable) and not isinstance(source, Mapping):
        return records(cast("Iterable[object]", source), "row")
    raise DataError(
        f"Data cannot be read from a {source_type.__name__}; give a path, hf:owner/name, "
        "a DataFrame, a Dataset, or a list of dicts."
    )


def known_encoding(name: str) -> str:
    """Check the name of an encoding; UTF-8 also takes a byte order mark.

    Raises:
        DataError: Python knows no such encoding.
    """
    try:
        known = codecs.lookup(name).name
        "a".encode(known)  # What turns bytes into bytes, such as hex, fails here.
    except (LookupError, ValueError):
        raise DataError(
            f"encoding is {name!r}, which is unknown; common ones: utf-8, cp949, latin-1, utf-16."
        ) from None
    return "utf-8-sig" if known == "utf-8" else known


def column_names(names: Sequence[Any], where: str) -> list[str]:
    """Check a header: every column has a name of its own.

    Raises:
        DataError: a column without a name, or two of the same.
    """
    header = [composed(str(name).strip()) if name is not None else "" for name in names]
    for place, name in enumerate(header, 1):
        if not name:
            raise DataError(
                f"{where}: column {place} has no name. The first row must name every column; "
                f"it reads {header[:10]}."
            )
        if name in header[: place - 1]:
            raise DataError(f"{where}: two columns are named {name!r}; rename one of them.")
    return header


def _file_rows(
    path: Path,
    encoding: str,
    delimiter: str | None,
    wanted: Collection[str],
    notes: list[str] | None,
) -> Iterator[Row]:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"There is no data file {path} (looked for {path.resolve()}).")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty.")
    if suffix in (".parquet", ".xlsx", ".xlsm"):
        from apo.data.excel import excel_rows
        from apo.data.parquet import parquet_rows

        return parquet_rows(path, wanted) if suffix == ".parquet" else excel_rows(path, notes)
    from apo.data.text import table_rows, text_rows

    if delimiter is not None and suffix not in SUFFIXES[len(TABLES) :]:
        return table_rows(path, delimiter, encoding, notes)
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path} is no kind of file that apo reads: {', '.join(SUFFIXES)}. A table of text "
            "under another name is read where its `delimiter` is given."
        )
    return text_rows(path, suffix, encoding, notes)


BLANK = object()
"""An item without a row, which keeps its number so that messages name the right one."""


def records(items: Iterable[object], where: str) -> Iterator[Row]:
    """Make rows of mappings; `where` and the number of an item open the messages.

    Raises:
        DataError: an item that is no mapping, or two keys of it that differ in blanks alone.
    """
    again = partial(_values, items) if isinstance(items, Sequence) else None
    typed = Typed(cast("Any", again))
    for number, item in enumerate(items, 1):
        if item is BLANK:
            continue
        if not isinstance(item, Mapping):
            raise DataError(f"{where} {number} must be an object with columns, not {item!r:.80}.")
        values = cast("Mapping[object, Any]", item)
        row = {composed(str(key).strip()): value for key, value in values.items()}
        if len(row) < len(values):
            raise DataError(
                f"{where} {number}: two keys are the same but for blanks: {[*values]!r:.200}."
            )
        yield typed.row(row)


def _values(items: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    """The rows of mappings once more, as far as they are some."""
    for item in items:
        if isinstance(item, Mapping):
            values = cast("Mapping[object, Any]", item)
            yield {composed(str(key).strip()): value for key, value in values.items()}
