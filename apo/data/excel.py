"""Rows of a sheet of an Excel file, the first or the one named, as the sheet shows them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from apo.data.cells import NoText, Row
from apo.data.typed import Typed
from apo.data.unnamed import Header
from apo.errors import DataError

FORMULA = NoText(
    "formulas without stored values, which a spreadsheet program adds when it saves the file"
)
_NAMED = re.compile(r"(?P<file>.+?\.xls[xm])#(?P<sheet>.+)", re.IGNORECASE | re.DOTALL)
_DIGITS = 15  # As many as Excel keeps of a number.


def sheet_of(path: Path) -> tuple[Path, str]:
    """Take FILE.xlsx#SHEET apart; no sheet is "", the first one."""
    found = _NAMED.fullmatch(str(path))
    return (Path(found["file"]), found["sheet"]) if found and not path.exists() else (path, "")


def excel_rows(path: Path, notes: list[str] | None = None, sheet: str = "") -> Iterator[Row]:
    """Read a sheet row by row; empty cells are missing values.

    A formula whose value is not stored is a `NoText`.

    Args:
        path: the file.
        notes: what was left out is added, in words, after the last row.
        sheet: its name; "" for the first one.

    Raises:
        DataError: it is no Excel file, it has no such sheet, or its first row does not name the
            columns.
    """
    with path.open("rb") as file:  # Ours to close: openpyxl leaves a damaged one open.
        read = _Sheet(path, file, sheet)
        typed = Typed(read.values)
        empty = True
        for values in read.values():
            empty = False
            yield typed.row(values)
        if empty and read.others:
            raise DataError(f"{path}: the first sheet holds a header at most. {read.others}")
        if notes is not None:
            notes += [*read.header.notes(), *filter(None, [read.others])]


@dataclass
class _Sheet:
    path: Path
    file: BinaryIO
    name: str
    header: Header = field(init=False)

    def __post_init__(self) -> None:
        titles = [str(sheet.title) for sheet in self._book.worksheets]
        if self.name and self.name not in titles:
            told = ", ".join(map(repr, titles))
            raise DataError(f"{self.path} has no sheet {self.name!r}; its sheets are {told}.")
        first = list(next(self._rows(self._book), ()))
        while first and first[-1] is None:  # Cells that only had a format.
            first.pop()
        if not first:
            if self.name:
                raise DataError(f"{self.path}: the sheet {self.name!r} is empty.")
            raise DataError(f"{self.path}: the first sheet is empty. {self.others}".rstrip())
        self.header = Header(first, str(self.path))

    @property
    def others(self) -> str:
        """Say which sheets are not read, and how to have one read; "" for none."""
        names = [str(sheet.title) for sheet in self._book.worksheets]
        if self.name or len(names) == 1:
            return ""
        return (
            f"Only the first sheet, {names[0]!r}, is read, and not "
            f"{', '.join(map(repr, names[1:]))}. To have another one read, name it: "
            f"{self.path.name}#{names[1]}"
        )

    def values(self) -> Iterator[dict[str, Any]]:
        """Give the values of all rows below the header."""
        size = self.header.size
        rows = self._rows(self._book)
        next(rows)
        for number, values in enumerate(rows, 2):
            if all(value is None for value in values):
                continue
            if any(value is not None for value in values[size:]):
                raise DataError(
                    f"{self.path}, row {number}: a cell stands beyond the named columns."
                )
            padded = [*values, *[None] * size][:size]
            shown = [
                self._shown(number, place, value)
                for place, value in enumerate(self.header.named(padded, f"row {number}"))
            ]
            yield dict(zip(self.header.names, shown, strict=True))

    def _shown(self, number: int, place: int, value: Any) -> Any:
        if value is None and (number, self.header.names[place]) in self._unstored:
            return FORMULA
        # 0.1 + 0.2 is stored with more digits than Excel knows of.
        return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value

    @cached_property
    def _unstored(self) -> frozenset[tuple[int, str]]:
        """The rows and columns of formulas; only where a value is missing is it looked at."""
        found = list[tuple[int, str]]()
        for number, values in enumerate(self._rows(self._open(data_only=False)), 1):
            cells = [*values, *[None] * self.header.size][: self.header.size]
            named = self.header.kept(cells)
            pairs = zip(self.header.names, named, strict=True)
            found += [(number, name) for name, value in pairs if _is_formula(value)]
        return frozenset(found)

    @cached_property
    def _book(self) -> Any:
        return self._open(data_only=True)

    def _open(self, *, data_only: bool) -> Any:
        load_workbook: Any = import_module("openpyxl").load_workbook
        try:
            return load_workbook(self.file, read_only=True, data_only=data_only)
        except Exception as error:  # zipfile, XML and key errors of many kinds: a damaged file.
            raise DataError(f"{self.path} cannot be read as an Excel file: {error}.") from error

    def _rows(self, book: Any) -> Iterator[tuple[Any, ...]]:
        try:
            sheet = book[self.name] if self.name else book.worksheets[0]
            for row in sheet.iter_rows():
                yield tuple(_value(cell) for cell in row)
        except Exception as error:  # As many kinds as when it is opened: it is read only now.
            raise DataError(f"{self.path} cannot be read as an Excel file: {error!r}.") from error


def _value(cell: Any) -> Any:
    """The value of a cell; a share that the sheet shows as 8.5% is that text."""
    value = cell.value
    if type(value) not in (int, float) or "%" not in cell.number_format:
        return value
    signs = re.sub(r'"[^"]*"|\\.|_.', "", cell.number_format)
    return f"{value * 100:.{_DIGITS}g}%" if "%" in signs else value


def _is_formula(value: object) -> bool:
    """Whether openpyxl read a formula: a text with "=", or an object of its own for an array."""
    return (isinstance(value, str) and value.startswith("=")) or "Formula" in type(value).__name__
