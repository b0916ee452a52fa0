"""Rows of Parquet files, in the shortest texts of their typed values."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from apo.data.arrow_types import Change, change_of
from apo.data.cells import Row
from apo.data.class_labels import labels_of
from apo.data.typed import Typed
from apo.data.unnamed import column_names
from apo.errors import DataError

_BATCH = 4096  # rows of a Parquet file held at once


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
            timed = [n for n in chosen if arrow.types.is_timestamp(_type(file, known[n]))]
            typed = Typed(partial(_values, path, {name: known[name] for name in timed}))
            labels = labels_of(file.schema_arrow.metadata)
            changes = {
                name: labels.get(known[name]) or change_of(_type(file, known[name]))
                for name in chosen
            }
            # One thread: the rows are made one by one anyway.
            batches = file.iter_batches(
                _BATCH, columns=[known[name] for name in chosen], use_threads=False
            )
            for batch in batches:
                columns = [
                    _cells(batch.column(known[name]), name, typed, changes[name]) for name in chosen
                ]
                for values in zip(*columns, strict=True):
                    yield dict(zip(chosen, values, strict=True))
    except (arrow.ArrowException, OSError, UnicodeError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}.") from error


def _cells(column: Any, name: str, typed: Typed, change: Change | None) -> list[str | None]:
    """The texts of a column; one of texts needs no look at each of them."""
    values: list[Any] = column.to_pylist()
    if str(column.type) in ("string", "large_string", "string_view"):
        return values
    return [typed.text(name, change(value) if change else value) for value in values]


def _type(file: Any, name: str) -> Any:
    return file.schema_arrow.field(name).type


def _values(path: Path, known: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """The values of some columns of a Parquet file, by the names in its own header."""
    parquet: Any = import_module("pyarrow.parquet")
    with parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        for batch in file.iter_batches(_BATCH, columns=[*known.values()], use_threads=False):
            columns = [batch.column(raw).to_pylist() for raw in known.values()]
            for values in zip(*columns, strict=True):
                yield dict(zip(known, values, strict=True))
