"""Rows of mappings, as JSON, data sets and people's own lists hold them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

from apo.data.cells import Row, Typed
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
