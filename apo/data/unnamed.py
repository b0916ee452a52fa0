"""Columns without a name: an index that pandas wrote, and the empty columns of a spreadsheet."""

import re
from collections.abc import Sequence
from typing import Any

from apo.errors import DataError
from apo.reading.characters import composed


class Header:
    """The header of a table, which leaves out columns without a name that hold no data.

    Attributes:
        names: the named columns, in order.
        size: the columns in all.
    """

    def __init__(self, cells: Sequence[Any], where: str) -> None:
        """Read a header.

        Args:
            cells: the first row.
            where: opens the messages.

        Raises:
            DataError: no column has a name, or two have the same.
        """
        self._cells = [str(cell).strip() if cell is not None else "" for cell in cells]
        kept = [place for place, cell in enumerate(self._cells) if cell]
        self.names = column_names(
            [self._cells[place] for place in kept or range(len(cells))], where
        )
        self.size = len(cells)
        self._kept = kept if len(kept) < self.size else []
        self._unnamed = [place for place in range(self.size) if place not in kept]
        self._where = where
        self._index = False

    def named(self, cells: Sequence[Any], line: str) -> Sequence[Any]:
        """Give the cells of the named columns.

        Args:
            cells: as many as the header has.
            line: names the row in messages.

        Raises:
            DataError: a column without a name holds data.
        """
        for place in self._unnamed:
            cell = "" if cells[place] is None else str(cells[place]).strip()
            if cell and place == 0 and re.fullmatch(r"\d+", cell):
                self._index = True
            elif cell:
                raise DataError(
                    f"{self._where}: column {place + 1} has no name, and {line} has {cell[:40]!r} "
                    f"there. The first row must name every column; it reads {self._cells[:10]}. "
                    "Delete lines that stand above the names, such as a title."
                )
        return self.kept(cells)

    def kept(self, cells: Sequence[Any]) -> Sequence[Any]:
        """Give the cells of the named columns, whatever stands in the others."""
        return [cells[place] for place in self._kept] if self._unnamed else cells

    def notes(self) -> list[str]:
        """Say what was left out, once all rows are read."""
        empty = [place + 1 for place in self._unnamed if place or not self._index]
        notes = list[str]()
        if self._index:
            notes.append("The first column has no name and numbers the rows: it is left out.")
        if empty:
            places = ", ".join(map(str, empty))
            notes.append(f"Left out, as they have neither a name nor cells: column {places}.")
        return notes


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
