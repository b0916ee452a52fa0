"""Rows of text from files, tables and data sets, as a stream, and without changing a cell.

What a source holds as text stays text: "NA", "None", "007" and "" are data. Other values take one
form (see `apo.data.cells`). A missing value (null, NaN, an empty spreadsheet cell) is None.
"""

import codecs
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from apo.data.cells import Row
from apo.data.dspy_examples import is_examples, plain_examples
from apo.data.promptfoo import SUFFIXES as CONFIGS
from apo.data.promptfoo import config_tests
from apo.data.records import column_rows, is_columns, records
from apo.data.text import TABLES, table_rows, text_rows
from apo.errors import DataError
from apo.files import DATA, MB

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
        source: a path to a CSV, TSV, JSON, JSONL, Parquet or Excel file (FILE.xlsx#SHEET for
            another sheet than the first), to a folder that `datasets` saved, or to promptfoo's
            tests in YAML; "hf:owner/name", with ":config" and "/split" where wanted, for a data
            set on the Hugging Face Hub; a pandas DataFrame; a Dataset or IterableDataset of
            `datasets`; an evaluation data set of MLflow or its frame, whose inputs and
            expectations become columns; any iterable of mappings; a list of `dspy.Example`s; or a
            mapping with a list for each column.
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
    if is_evaluation_data(source):
        from apo.data.libraries import evaluation_rows

        return evaluation_rows(source)
    if kind in ("pandas", "datasets"):
        from apo.data.libraries import dataset_rows, frame_rows

        return frame_rows(source) if kind == "pandas" else dataset_rows(source)
    if isinstance(source, Iterable) and not isinstance(source, Mapping):
        items = cast("Iterable[object]", source)
        return records(plain_examples(items) if is_examples(items) else items, "row")
    if is_columns(cast("object", source), ()):
        return records(column_rows(cast("Mapping[Any, Any]", source)), "row")
    raise DataError(
        f"Data cannot be read from a {source_type.__name__}; give a path, hf:owner/name, "
        "a DataFrame, a Dataset, a list of dicts, or a dict with a list for each column."
    )


def is_evaluation_data(source: Any) -> bool:
    """Whether this is an evaluation data set of MLflow, or the frame of one."""
    kind = type(cast("object", source)).__module__.partition(".")[0]
    columns: Collection[Any] = getattr(source, "columns", ())
    return (
        hasattr(source, "to_df")
        if kind == "mlflow"
        else (kind == "pandas" and {"inputs", "expectations", "dataset_record_id"} <= set(columns))
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


def _file_rows(
    path: Path,
    encoding: str,
    delimiter: str | None,
    wanted: Collection[str],
    notes: list[str] | None,
) -> Iterator[Row]:
    from apo.data.excel import excel_rows, sheet_of

    path, sheet = sheet_of(path)
    suffix = path.suffix.lower()
    try:
        if path.is_dir():
            from apo.data.saved import saved_rows

            return saved_rows(path)
        size = path.stat().st_size if path.is_file() else None
    except OSError as error:  # A name that is too long, or a folder that may not be looked into.
        raise DataError(f"{str(path)!r:.200} cannot be read: {error.strerror}.") from error
    if size is None:
        raise DataError(f"There is no data file {path} (looked for {path.resolve()}).")
    if size == 0:
        raise DataError(f"{path} is empty.")
    if suffix == ".json" and size > DATA:
        raise DataError(
            f"{path} is {size / MB:,.0f} MB long, and JSON, which is read as a whole, may be "
            f"{DATA // MB:,} MB long. Save it as .jsonl, which is read line by line."
        )
    if suffix in (".xlsx", ".xlsm"):
        return excel_rows(path, notes, sheet)
    if suffix == ".parquet":
        from apo.data.parquet import parquet_rows

        return parquet_rows(path, wanted)
    if suffix in CONFIGS:
        return records(config_tests(path), f"{path}, test")
    if delimiter is not None and suffix not in SUFFIXES[len(TABLES) :]:
        return table_rows(path, delimiter, encoding, notes)
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path} is no kind of file that apo reads: {', '.join(SUFFIXES)}. A table of text "
            "under another name is read where its `delimiter` is given."
        )
    return text_rows(path, suffix, encoding, notes)
