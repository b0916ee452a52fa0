"""Rows from what libraries read: Parquet, Excel, pandas, `datasets` and the Hugging Face Hub.

The libraries have no types of their own, so they are imported by name, as Any, where they are used.
"""

import os
import re
import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from apo.data.rows import Row, cell, column_names
from apo.data.unnamed import Header
from apo.errors import DataError

_HUB = re.compile(
    r"hf:(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[\w.+-]+))?(?:/(?P<split>[\w.\[\]:%+-]+))?"
)
_BATCH = 4096  # rows of a Parquet file held at once
_HUB_TIMEOUT = 5.0  # seconds to find out that there is no way to the Hub


def parquet_rows(path: Path, wanted: Collection[str] = ()) -> Iterator[Row]:
    """Read a Parquet file batch by batch, in flat memory whatever the size of its row groups.

    Args:
        path: the file.
        wanted: the only columns to read, where the file has them all; otherwise all are read.

    Raises:
        DataError: it is no Parquet file, or two columns have the same name.
    """
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    try:
        # Without a buffer size, a column of a whole row group is held at once.
        with parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            raw = file.schema_arrow.names
            header = column_names(raw, str(path))
            known = dict(zip(header, raw, strict=True))
            chosen = [name for name in header if name in wanted]
            if not {*wanted} <= {*chosen} or not chosen:
                chosen = header
            # One thread: the rows are made one by one anyway.
            batches = file.iter_batches(
                _BATCH, columns=[known[name] for name in chosen], use_threads=False
            )
            for batch in batches:
                columns = [_cells(batch.column(known[name])) for name in chosen]
                for values in zip(*columns, strict=True):
                    yield dict(zip(chosen, values, strict=True))
    except (arrow.ArrowException, OSError, UnicodeError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}.") from error


def _cells(column: Any) -> list[str | None]:
    """The texts of a column; one of texts needs no look at each of them."""
    values: list[Any] = column.to_pylist()
    if str(column.type) in ("string", "large_string", "string_view"):
        return values
    return [cell(value) for value in values]


def excel_rows(path: Path, notes: list[str] | None = None) -> Iterator[Row]:
    """Read the first sheet of an Excel file row by row; empty cells are missing values.

    Args:
        path: the file.
        notes: what was left out is added, in words, after the last row.

    Raises:
        DataError: it is no Excel file, or its first row does not name the columns.
    """
    load_workbook: Any = import_module("openpyxl").load_workbook
    with path.open("rb") as file:  # Ours to close: openpyxl leaves a damaged one open.
        try:
            book = load_workbook(file, read_only=True, data_only=True)
        except Exception as error:  # zipfile, XML and key errors of many kinds: a damaged file.
            raise DataError(f"{path} cannot be read as an Excel file: {error}.") from error
        rows = _sheet(book, path)
        first = list(next(rows, ()))
        while first and first[-1] is None:  # Cells that only had a format.
            first.pop()
        if not first:
            raise DataError(f"{path}: the first sheet is empty.")
        header = Header(first, str(path))
        for number, values in enumerate(rows, 2):
            if all(value is None for value in values):
                continue
            if any(value is not None for value in values[header.size :]):
                raise DataError(f"{path}, row {number}: a cell stands beyond the named columns.")
            padded = [*values, *[None] * header.size][: header.size]
            yield _row(header.names, header.named(padded, f"row {number}"))
        if notes is not None:
            notes += header.notes()


def _sheet(book: Any, path: Path) -> Iterator[tuple[Any, ...]]:
    """Read the first sheet row by row."""
    try:
        yield from book.worksheets[0].iter_rows(values_only=True)
    except Exception as error:  # As many kinds as when it is opened: the sheet is read only now.
        raise DataError(f"{path} cannot be read as an Excel file: {error!r}.") from error


def frame_rows(frame: Any) -> Iterator[Row]:
    """Read a pandas DataFrame; NaN, None and NaT are missing values.

    Raises:
        DataError: it is no DataFrame, or two columns have the same name.
    """
    if not hasattr(frame, "itertuples"):
        raise DataError(f"Give a DataFrame, not a {type(frame).__name__}.")
    header = column_names(list(frame.columns), "the DataFrame")
    for values in frame.itertuples(index=False, name=None):
        yield _row(header, values)


def dataset_rows(dataset: Any) -> Iterator[Row]:
    """Read a Dataset or IterableDataset; class labels are given by name.

    Raises:
        DataError: it holds several splits.
    """
    if isinstance(dataset, Mapping):
        raise DataError(
            "This data set has several splits; give one of them, such as data['train'], or a dict "
            "of train, validation and test."
        )
    dataset, features = _undecoded(dataset)
    for values in dataset:
        row = {key: _named(features.get(key), value) for key, value in dict(values).items()}
        yield _row(column_names(list(row), "the data set"), list(row.values()))


def _undecoded(dataset: Any) -> tuple[Any, Mapping[str, Any]]:
    """Leave images, audio and video as they are stored: a look at them may take a library."""
    features: Mapping[str, Any] = getattr(dataset, "features", None) or {}
    for key, kind in features.items():
        if getattr(kind, "decode", False) is True:
            dataset = dataset.cast_column(key, replace(kind, decode=False))
    return dataset, features


def _named(kind: Any, value: Any) -> Any:
    """Put names in place of the numbers of class labels, also within lists and objects."""
    given: object = value
    if hasattr(kind, "names") and isinstance(given, int):
        return kind.names[given] if 0 <= given < len(kind.names) else None
    if isinstance(given, list):
        several = isinstance(cast("object", kind), list)
        inner = kind[0] if several else getattr(kind, "feature", None)
        return [_named(inner, item) for item in cast("list[object]", given)]
    if isinstance(given, dict) and hasattr(kind, "get"):
        cells = cast("dict[str, object]", given)
        return {key: _named(kind.get(key), item) for key, item in cells.items()}
    return value


def hub_rows(source: str) -> Iterator[Row]:
    """Stream a data set from the Hugging Face Hub, or take it from the local cache when offline.

    Args:
        source: "hf:owner/name", "hf:owner/name:config/split"; the split is "train" by default.

    Raises:
        DataError: a name of the wrong form, no connection, or no such data set, config or split.
    """
    match = _HUB.fullmatch(source)
    if match is None:
        raise DataError(
            f"{source!r} does not read like hf:owner/name, hf:owner/name/split or "
            "hf:owner/name:config/split."
        )
    offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    if not offline:
        _require_hub(source)
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "10")  # seconds; both before the first import
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "20")
    load_dataset: Any = import_module("datasets").load_dataset
    split = match["split"] or "train"
    try:
        # A cached data set cannot be streamed.
        dataset = load_dataset(match["name"], match["config"], split=split, streaming=not offline)
        yield from dataset_rows(dataset)
    except DataError:
        raise
    except Exception as error:  # Each version of the client has its own tree of errors.
        text = " ".join(str(error).split())[:300]
        hint = "It is not in the local cache." if offline else "Check name, config and split."
        raise DataError(
            f"{source} cannot be read: {type(error).__name__}: {text} {hint} A private or gated "
            "data set needs HF_TOKEN in the environment."
        ) from error


def _require_hub(source: str) -> None:
    """Find out in seconds, instead of after many retries, that there is no connection."""
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return  # Only the proxy knows.
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    url = urlsplit(endpoint)
    port = url.port or (80 if url.scheme == "http" else 443)
    try:
        socket.create_connection((url.hostname or "", port), timeout=_HUB_TIMEOUT).close()
    except (OSError, UnicodeError) as error:
        raise DataError(
            f"{source} cannot be read: no connection to {endpoint} ({error}). Download the data "
            "set as a file and give its path; or, if it is in the local cache already, set "
            "HF_HUB_OFFLINE=1."
        ) from error


def _row(header: list[str], values: Any) -> Row:
    return {name: cell(value) for name, value in zip(header, values, strict=True)}
