"""What the columns of a table look like, found out in one pass; for drafting a task."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apo.data.amounts import is_number, is_pair, noun_of
from apo.data.cells import SPREADSHEET_ERRORS, NoText, Row
from apo.data.named import pool_named
from apo.errors import DataError
from apo.reading.characters import composed
from apo.reading.digits import decimal_shown
from apo.reading.json_text import as_list, as_object
from apo.reading.lists import written_list
from apo.reading.said_moment import order_shown, order_worded, whole_moment

MAX_DISTINCT = 5000
"""Values of a column that are counted one by one."""

LONGEST_VALUE = 60
"""Characters of a cell that may be a number, a date or a time."""

_SCRIPTS = {
    "ko": re.compile("[가-힣]"),
    "ja": re.compile("[ぁ-ヺー]"),
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
        errors: cells with a spreadsheet's error, such as #N/A, by what it says.
        values: how often each value stands there, in cells that are lists each item; the first
            MAX_DISTINCT different ones.
        many: there are more different values than that.
        numbers: cells that are a number, with a unit at most.
        nouns: what the numbers count, such as "apples"; "" where nothing is said.
        pairs: cells that are rather two numbers than a fraction, as 120/80.
        decimals: how often a number shows "." and "," as its decimal sign.
        moments: cells that are a date or a time of day.
        orders: how often a date shows the order "dmy" and "mdy".
        worded: how often it does so where the month is a word.
        objects: cells that are a JSON object, or a list of them.
        keys: how often each key stands in these objects.
        kinds: Python's names of the kinds that the values of each key are of, but for None.
        spaced: cells with white space within.
        length: characters in all.
        lists: cells that are a list of texts.
        several: the first such cell with more than one item; "" when there is none.
        no_text: what stands there instead of texts, such as "bytes"; "" for texts.
        letters: letters by script: "ko" Hangul, "ja" kana, "en" Latin, "und" all of any kind.
    """

    name: str
    n: int = 0
    missing: int = 0
    errors: Counter[str] = field(default_factory=Counter[str])
    values: Counter[str] = field(default_factory=Counter[str])
    many: bool = False
    numbers: int = 0
    nouns: set[str] = field(default_factory=set[str])
    pairs: int = 0
    decimals: Counter[str] = field(default_factory=Counter[str])
    moments: int = 0
    orders: Counter[str] = field(default_factory=Counter[str])
    worded: Counter[str] = field(default_factory=Counter[str])
    objects: int = 0
    keys: Counter[str] = field(default_factory=Counter[str])
    kinds: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    spaced: int = 0
    length: int = 0
    lists: int = 0
    several: str = ""
    no_text: str = ""
    letters: Counter[str] = field(default_factory=Counter[str])

    def add(self, cell: str | None) -> None:
        """Take a cell in."""
        if isinstance(cell, NoText):
            self.no_text = str(cell)
            return
        if cell is None or not cell.strip():
            self.missing += 1
            return
        if cell.strip() in SPREADSHEET_ERRORS:
            self.errors[cell.strip()] += 1
            return
        cell = composed(cell)
        self.n += 1
        self.length += len(cell)
        for value in self._items(cell):
            if value in self.values or not self.many:
                self.values[value] += 1
        self.many = len(self.values) >= MAX_DISTINCT
        self._add_value(cell.strip())
        self.spaced += " " in cell.strip()
        if cell.lstrip().startswith(("{", "[")):
            self._add_object(cell)
        if self.n <= MAX_DISTINCT:
            for script, letter in _SCRIPTS.items():
                self.letters[script] += len(letter.findall(cell))

    def _add_value(self, cell: str) -> None:
        if len(cell) > LONGEST_VALUE or not re.search(r"\d", cell):
            return
        before = self.n - 1  # Only columns that hold nothing else are of interest.
        if self.numbers == before and is_number(cell):
            self.numbers += 1
            self.nouns.add(noun_of(cell))
            self.pairs += is_pair(cell)
            self.decimals[decimal_shown(cell)] += 1
        elif self.moments == before and (whole_moment(cell, "dmy") or whole_moment(cell, "mdy")):
            self.moments += 1
            self.orders[order_shown(cell)] += 1
            self.worded[order_worded(cell)] += 1

    def _items(self, cell: str) -> list[str]:
        items = written_list(cell)
        if items is None:
            return [cell.strip()]
        self.lists += 1
        if len(items) > 1 and not self.several:
            self.several = cell.strip()
        return [item.strip() for item in items]

    def _add_object(self, cell: str) -> None:
        try:
            value: Any = json.loads(cell)
        except (ValueError, RecursionError):
            return
        items = as_list(value)
        objects = [as_object(item) for item in ([value] if items is None else items)]
        if objects and None not in objects:
            self.objects += 1
            for key, held in ((k, v) for item in objects for k, v in (item or {}).items()):
                self.keys[key] += 1
                self.kinds.setdefault(key, set()).update({type(held).__name__} - {"NoneType"})

    @property
    def mean_length(self) -> float:
        """Characters of a cell, on average."""
        return self.length / self.n if self.n else 0.0

    @property
    def unique(self) -> float:
        """Share of cells whose value is met for the first time."""
        return 1.0 if self.many else min(1.0, len(self.values) / self.n) if self.n else 0.0

    @property
    def is_label(self) -> bool:
        """Whether a few short values stand here again and again."""
        short = max(map(len, self.values), default=0) <= 80
        ten = len(self.values) == 11 and {*map(str, range(11))} == {*self.values}  # Grades to 10.
        most = 11 if ten else 10 if self.is_number else 150
        few = 2 <= len(self.values) <= min(most, self.n / 3)
        return few and short and not self.objects

    @property
    def is_number(self) -> bool:
        """Whether all cells are numbers, of one thing, and no versions, as 1.1 beside 1.10.

        Where all stand in brackets, these are marks, and no minus of an account.
        """
        if not 0 < self.n == self.numbers or self.versions is not None:
            return False
        if len(self.nouns) > 1 or self.pairs > self.n / 3:
            return False
        return not all(re.fullmatch(r"\(\d+\)", value) for value in self.values)

    @property
    def versions(self) -> tuple[str, str] | None:
        """Two cells that are one number, and differ as versions and sections do: 1.1 and 1.10."""
        if self.n == 0 or self.numbers != self.n:
            return None
        bare = all(re.fullmatch(r"\d{1,3}(?:\.\d{1,3})?", value) for value in self.values)
        shorter = {value: value[:-1] for value in self.values if "." in value and value[-1] == "0"}
        pairs = [(short, value) for value, short in shorter.items() if short in self.values]
        return pairs[0] if bare and pairs else None

    @property
    def is_moment(self) -> bool:
        """Whether all cells are dates or times of day."""
        return self.n > 0 and self.moments == self.n

    @property
    def is_object(self) -> bool:
        """Whether all cells are JSON objects, or lists of them."""
        return self.n > 0 and self.objects == self.n

    @property
    def names_pools(self) -> bool:
        """Whether the column says which pool a row is for."""
        return len(self.values) > 1 and None not in self.pools

    @property
    def pools(self) -> set[str | None]:
        """The pools that the cells name; None is among them where a cell names none."""
        return set(map(pool_named, self.values))


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


def language_of(columns: Iterable[Column]) -> str:
    """Guess the language by the share of scripts: "ko", "ja", "en", or "und" for others."""
    letters = sum((column.letters for column in columns), Counter[str]())
    total = letters["und"] or 1
    if letters["ko"] / total >= 0.3:
        return "ko"
    if letters["ja"] / total >= 0.1:
        return "ja"
    return "en" if letters["en"] / total >= 0.5 else "und"
