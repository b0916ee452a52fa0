"""Rows of text made of rows of values: what a midnight means is seen in the whole column."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from apo.data.cells import Row, cell, is_midnight, own


@dataclass
class Typed:
    """Makes rows of text of rows of values.

    Whether a midnight is a date is seen in the whole column. It is looked through when the first
    midnight comes; where rows come only once, each midnight is a date.

    Attributes:
        again: gives all rows of values from the start; None where that cannot be.
    """

    again: Callable[[], Iterable[Mapping[str, Any]]] | None = None

    def row(self, values: Mapping[str, Any]) -> Row:
        """Give the texts of a row."""
        return {name: self.text(name, value) for name, value in values.items()}

    def text(self, name: str, value: Any) -> str | None:
        """Give the text of a cell of the column."""
        if value is None or isinstance(value, str):
            return value
        return cell(value, timed=is_midnight(own(value)) and name in self._timed)

    @cached_property
    def _timed(self) -> frozenset[str]:
        """The columns with times of day."""
        if self.again is None:
            return frozenset()
        pairs = (pair for row in self.again() for pair in row.items())
        return frozenset(n for n, v in pairs if _is_moment(own(v)) and not is_midnight(own(v)))


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime)
