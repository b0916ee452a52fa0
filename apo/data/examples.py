"""From rows to examples: which columns are the input and the target, and which rows are usable."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import NoneType
from typing import cast

from apo.data.cells import SPREADSHEET_ERRORS, NoText, Row
from apo.data.nested import with_paths
from apo.errors import DataError, near
from apo.reading.answers import quote
from apo.reading.characters import composed
from apo.reading.lists import written_list

TOLD = 1_000_000
"""After so many rows each, it is told how far reading is."""


_TEXTS = frozenset((str, NoneType))

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where an example's parts stand in a row.

    A name may be a path to what stands within a column, such as answers.text.

    Attributes:
        inputs: the column of each input field, by the field's name.
        targets: the columns of the accepted answers. A cell that is a list of texts, as JSON or
            Python write it, holds several accepted answers.
        labels: the only allowed answers; empty when all are allowed.
        split: the column that names each row's pool, if there is one.
        slices: columns whose values name slices of the rows, such as channel or product.
        must_pass: the column that marks rows which must never be got wrong, if there is one.
        whole_lists: a JSON list in a target's cell is one answer, for scorers of several items.
        group: the columns that together name what a row belongs with; empty when there are none.
    """

    inputs: Mapping[str, str]
    targets: tuple[str, ...]
    labels: tuple[str, ...] = ()
    split: str | None = None
    whole_lists: bool = False
    slices: tuple[str, ...] = ()
    must_pass: str | None = None
    group: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All columns that a row must have."""
        marks = [name for name in (self.split, self.must_pass) if name is not None]
        return [*self.inputs.values(), *self.targets, *self.slices, *self.group, *marks]


@dataclass
class Rejected:
    """How many rows were left out, by reason, with the first row of each."""

    counts: Counter[str] = field(default_factory=Counter[str])
    first: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, reason: str, where: str) -> None:
        """Count a row."""
        self.counts[reason] += 1
        self.first.setdefault(reason, where)

    def notes(self) -> list[str]:
        """Say it in words."""
        return [
            f"Rows left out, {reason}: {count} (first: {self.first[reason]})."
            for reason, count in sorted(self.counts.items())
        ]


Parts = tuple[dict[str, str], tuple[str, ...], Row]
"""The inputs by field, the accepted answers, and the row that they come from."""


def usable(
    rows: Iterable[Row], columns: Columns, rejected: Rejected, where: str
) -> Iterator[Parts]:
    """Give what an example is made of, row by row; most rows of large data never become one.

    A row is left out, and counted, when an input is missing (null), all inputs are blank, it has
    no target, a spreadsheet's error such as #N/A stands in place of one of these, or it holds half
    of a surrogate pair, which no API takes. A target in parts (NFD) is the label that it composes.

    Args:
        rows: as `apo.data.rows.read_rows` gives them.
        columns: what is what.
        rejected: counts the rows left out.
        where: names the source in messages.

    Raises:
        DataError: a column is not there, or a target is none of the labels.
    """
    names = columns.names
    needed, labels = frozenset(names), frozenset(() if columns.whole_lists else columns.labels)
    spelling = {composed(label): label for label in labels}
    for number, row in enumerate(rows, 1):
        if number % TOLD == 0:
            _log.info("Read %s rows of %s. Large data are read once.", f"{number:,}", where)
        if not needed <= row.keys():
            row = with_paths(row, names)
            _require_columns(row, names, f"{where}, row {number}")
        if not _TEXTS.issuperset(map(type, map(row.get, names))):
            _require_texts(row, names, f"{where}, row {number}")
        inputs = {name: row[column] for name, column in columns.inputs.items()}
        cells = tuple([row[name] for name in columns.targets])
        targets = targets_of(cells, strip=bool(columns.labels), whole=columns.whole_lists)
        if spelling and not labels.issuperset(targets):
            targets = tuple(spelling.get(composed(target), target) for target in targets)
        reason = _unusable(inputs, targets)
        if reason:
            rejected.add(reason, f"{where}, row {number}")
            continue
        if labels and not labels.issuperset(targets):
            target = next(target for target in targets if target not in labels)
            raise DataError(
                f"{where}, row {number}: the target {quote(target)} is none of the labels."
                f"{near(target, list(columns.labels))}"
            )
        yield cast("dict[str, str]", inputs), targets, row


def _require_columns(row: Row, names: list[str], place: str) -> None:
    for name in names:
        if name not in row:
            known = list(row)
            split_by = [sign for sign in ";\t|" if len(known) == 1 and sign in known[0]]
            hint = f" Are the cells separated by {split_by[0]!r}, not a comma?" if split_by else ""
            hint += f" Then say delimiter: {split_by[0]!r}." if split_by else ""
            raise DataError(f"{place}: there is no column {name!r}.{hint}{near(name, known)}")


def _require_texts(row: Row, names: list[str], place: str) -> None:
    for name in names:
        value = row[name]
        if isinstance(value, NoText):
            raise DataError(
                f"{place}: the column {name!r} holds {value}, which are no text. A task reads "
                "texts: name another column, or put what is in there into words."
            )


@lru_cache(maxsize=256)  # Labels come again and again.
def targets_of(cells: tuple[str | None, ...], *, strip: bool, whole: bool) -> tuple[str, ...]:
    """The accepted answers, each once, without the blank ones.

    Args:
        cells: of the target columns.
        strip: take blanks off their ends, as labels have none.
        whole: a list is one answer, not several that are accepted.
    """
    if whole:
        found = [cell for cell in cells if cell is not None]
    else:
        found = [target for cell in cells for target in accepted(cell)]
    if strip:
        found = [target.strip() for target in found]
    return tuple(dict.fromkeys(target for target in found if target.strip()))


def accepted(cell: str | None) -> list[str]:
    """Read a target cell: several answers when it is a list of texts, else the cell itself."""
    if cell is None:
        return []
    return written_list(cell) or [cell]


def _unusable(inputs: Mapping[str, str | None], targets: tuple[str, ...]) -> str:
    texts = [text for text in inputs.values() if text is not None]
    if len(texts) < len(inputs):
        missing = next(name for name, text in inputs.items() if text is None)
        return f"no value for {missing!r}"
    if not any(map(str.strip, texts)):
        return "blank input"
    if not targets:
        return "no target"
    error = next((text for text in (*texts, *targets) if text.strip() in SPREADSHEET_ERRORS), "")
    if error:
        return f"the spreadsheet's error {error.strip()} in place of a value"
    try:
        "".join((*texts, *targets)).encode()
    except UnicodeEncodeError:
        return "broken text (half of a surrogate pair)"
    return ""
