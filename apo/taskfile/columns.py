"""What the columns of a table look like, found out in one pass; for drafting a task."""

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apo.data.examples import accepted
from apo.data.pools import POOLS
from apo.data.rows import Row, read_rows
from apo.errors import DataError
from apo.scorers.numbers import numbers_in

MAX_DISTINCT = 5000
"""Values of a column that are counted one by one."""

_NUMBER = re.compile(r"[-−+]?\s?[$€£¥₩]?\s?\.?\d[\d.,/ ]*(?:e[+-]?\d+)?\s?[%원]?", re.IGNORECASE)
_SCRIPTS = {
    "ko": re.compile("[가-힣]"),
    "en": re.compile("[A-Za-z]"),
    "und": re.compile(r"[^\W\d_]"),
}


@dataclass
class Column:
    """What a column looks like.

    Attributes:
        name: of the column.
        n: cells with something in them.
        missing: cells without.
        values: how often each value stands there; the first MAX_DISTINCT different ones.
        many: there are more different values than that.
        numbers: cells that are a number.
        objects: cells that are a JSON object.
        keys: how often each key stands in these objects.
        spaced: cells with white space within.
        length: characters in all.
        letters: letters by script: "ko" Hangul, "en" Latin, "und" all of any kind.
    """

    name: str
    n: int = 0
    missing: int = 0
    values: Counter[str] = field(default_factory=Counter[str])
    many: bool = False
    numbers: int = 0
    objects: int = 0
    keys: Counter[str] = field(default_factory=Counter[str])
    spaced: int = 0
    length: int = 0
    letters: Counter[str] = field(default_factory=Counter[str])

    def add(self, cell: str | None) -> None:
        """Take a cell in."""
        if cell is None or not cell.strip():
            self.missing += 1
            return
        self.n += 1
        self.length += len(cell)
        for value in map(str.strip, accepted(cell)[:1]):
            if value in self.values or not self.many:
                self.values[value] += 1
        self.many = len(self.values) >= MAX_DISTINCT
        self.numbers += bool(_NUMBER.fullmatch(cell.strip()) and numbers_in(cell))
        self.spaced += " " in cell.strip()
        if cell.lstrip().startswith("{"):
            self._add_object(cell)
        if self.n <= MAX_DISTINCT:
            for script, letter in _SCRIPTS.items():
                self.letters[script] += len(letter.findall(cell))

    def _add_object(self, cell: str) -> None:
        try:
            value: Any = json.loads(cell)
        except (ValueError, RecursionError):
            return
        self.objects += 1
        self.keys.update(list(value))

    @property
    def mean_length(self) -> float:
        """Characters of a cell, on average."""
        return self.length / self.n if self.n else 0.0

    @property
    def unique(self) -> float:
        """Share of cells whose value is met for the first time."""
        return 1.0 if self.many else len(self.values) / self.n if self.n else 0.0

    @property
    def is_label(self) -> bool:
        """Whether a few short values stand here again and again."""
        short = max(map(len, self.values), default=0) <= 40
        few = 2 <= len(self.values) <= min(10 if self.is_number else 50, self.n / 3)
        return few and short and not self.objects

    @property
    def is_number(self) -> bool:
        """Whether all cells are numbers."""
        return self.n > 0 and self.numbers == self.n

    @property
    def is_object(self) -> bool:
        """Whether all cells are JSON objects."""
        return self.n > 0 and self.objects == self.n

    @property
    def names_pools(self) -> bool:
        """Whether the column says which pool a row is for."""
        known = {*POOLS, "dev", "val", "valid", "training"}
        found = {value.strip().lower() for value in self.values}
        return len(found) > 1 and found <= known


def look(rows: Iterable[Row]) -> dict[str, Column]:
    """Look at all rows; give the columns by name, in order.

    Raises:
        DataError: there are no rows.
    """
    columns: dict[str, Column] = {}
    for row in rows:
        for name, cell in row.items():
            columns.setdefault(name, Column(name)).add(cell)
    if not columns:
        raise DataError("The data hold a header at most, and no rows.")
    return columns


def find_encoding(path: Path) -> str:
    """Find out how a text file is encoded: UTF-8, UTF-16 (by its mark), or cp949 with Hangul.

    Gives "utf-8" also where none fits, so that reading it says what is wrong.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8", "cp949"):
        letters = Counter[str]()
        try:
            with path.open(encoding=encoding) as file:
                for line in file:
                    letters["all"] += len(re.findall(r"[^\x00-\x7f]", line))
                    letters["hangul"] += len(_SCRIPTS["ko"].findall(line))
        except UnicodeError:
            continue
        # Western text often happens to be valid cp949, as rare signs.
        if encoding == "utf-8" or letters["hangul"] > letters["all"] / 2:
            return encoding
    return "utf-8"


def language_of(columns: Iterable[Column]) -> str:
    """Guess the language by the share of scripts: "ko", "en", or "und" for others."""
    letters = sum((column.letters for column in columns), Counter[str]())
    total = letters["und"] or 1
    if letters["ko"] / total >= 0.3:
        return "ko"
    return "en" if letters["en"] / total >= 0.5 else "und"


def read_columns(path: Path, encoding: str) -> dict[str, Column]:
    """Look at all rows of a file; see `look`."""
    return look(read_rows(path, encoding=encoding))
