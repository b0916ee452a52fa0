"""Rows of mappings, as JSON, data sets and people's own lists hold them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from functools import partial
from typing import Any, cast

from apo.data.cells import Row
from apo.data.typed import Typed
from apo.errors import DataError
from apo.reading.characters import composed

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


def is_columns(value: object, pools: Collection[str]) -> bool:
    """Whether data are a list for each column, as {"text": […], "label": […]}, and no pools.

    Args:
        value: any data.
        pools: names that mean pools, and no columns.
    """
    if not isinstance(value, Mapping) or not value:
        return False
    columns = cast("Mapping[object, object]", value)
    if columns.keys() & {*pools} or not all(map(_is_column, columns.values())):
        return False
    return not all(map(_starts_with_a_row, columns.values()))


def _is_column(value: object) -> bool:
    one = isinstance(value, str | bytes | Mapping)  # A path, or rows.
    table = hasattr(value, "columns")
    return isinstance(value, Sized) and isinstance(value, Iterable) and not one and not table


def _starts_with_a_row(column: object) -> bool:
    """Whether a list is one of rows or empty, as that of a pool by another name."""
    nothing = dict[str, object]()
    return isinstance(next(iter(cast("Iterable[object]", column)), nothing), Mapping)


def column_rows(columns: Mapping[Any, Any]) -> list[Mapping[str, Any]]:
    """Turn a list for each column into rows.

    Raises:
        DataError: the columns are not of one length.
    """
    sizes = {str(name): len(column) for name, column in columns.items()}
    if len({*sizes.values()}) > 1:
        told = ", ".join(f"{name!r} has {size}" for name, size in sizes.items())
        raise DataError(f"The columns must be of one length, a cell for each row: {told}.")
    return [dict(zip(sizes, row, strict=True)) for row in zip(*columns.values(), strict=True)]
