"""Finds out whether cells of a target hold several items, and which are right: any, or all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from apo.data.columns import Column
from apo.reading.lists import SEPARATORS, split_at

Lists = Literal["all", "any"]

_ANY_NAMES = (
    *("answer", "answers", "aliases", "accepted", "references", "synonyms", "solutions"),
    *("정답", "답", "답변", "동의어"),
)
_SURE = (";", "|", ",", "\n")
MAX_LABELS = 50
MAX_LENGTH = 40


@dataclass(frozen=True)
class Several:
    """What cells with several items are taken for.

    Attributes:
        right: "all" items of a cell are right together, or "any" one of them is.
        labels: the items, where they come again and again; else none.
        example: such a cell.
        reason: why, in words.
    """

    right: Lists
    labels: tuple[str, ...]
    example: str
    reason: str

    @property
    def scorer(self) -> str:
        """The scorer that judges so."""
        if self.right == "all":
            return "label_set" if self.labels else "set"
        return "choice" if self.labels else "exact"


def several_of(column: Column, wanted: Lists | None) -> Several | None:
    """Look for cells with several items; None where each cell is one answer.

    Args:
        column: of the targets.
        wanted: what the user says of them; guessed when None.
    """
    if column.several:
        right = wanted or (
            "any" if column.name.casefold().partition(".")[0] in _ANY_NAMES else "all"
        )
        found = sum(column.values.values())
        few = not column.many and 2 <= len(column.values) <= min(MAX_LABELS, found / 3)
        short = max(map(len, column.values)) <= MAX_LENGTH
        labels = tuple(sorted(column.values)) if few and short else ()
        reason = "as you said" if wanted else "by the column's name" if right == "any" else ""
        return Several(right, labels, column.several, reason)
    if wanted == "any" or column.many or column.objects:
        return None
    for signs in (*((sign,) for sign in SEPARATORS), SEPARATORS):
        if column.is_number and wanted is None and {*signs} - {";", "|"}:
            return None  # 7,9 is a number in most of Europe; `may_be_lists` tells it.
        labels = _labels_between(signs, column)
        if labels:
            example = next(v for v in column.values if len(_items(signs, v)) > 1)
            between = repr(signs[0]) if len(signs) == 1 else "several signs"
            return Several("all", labels, example, f"as labels stand there between {between}")
    return None


def may_be_lists(column: Column, lists: Lists | None) -> str:
    """Say that numbers with a comma may be two labels each, where that could be; else ""."""
    if lists is not None or not column.is_number or not _labels_between((",",), column):
        return ""
    example = next(value for value in column.values if "," in value)
    return (
        f"Cells of {column.name!r} such as {example} are taken for one number each, with a decimal "
        "comma. If they are lists of labels, say --lists all."
    )


def _labels_between(signs: Sequence[str], column: Column) -> tuple[str, ...]:
    """The labels of cells such as "urgent; bug", where each comes again in another cell.

    Signs that stand within labels, too, such as / and "and", count where some labels are cells of
    their own, and two cells or more hold several.
    """
    cells, total, joined = Counter[str](), 0, 0
    sure = len(signs) == 1 and signs[0] in _SURE
    for value, count in column.values.items():
        parts = [item.strip() for item in _items(signs, value)]
        if "" in parts and not sure:
            return ()
        joined += len(parts) > 1
        items = {*parts} - {""}
        cells.update(items)
        total += count * len(items)
    again = all(count > 1 for count in cells.values())
    short = max(map(len, cells), default=0) <= MAX_LENGTH
    few = 2 <= len(cells) <= min(MAX_LABELS, total / 3)
    divided = joined > 0 if sure else 2 <= joined < len(column.values)
    return tuple(sorted(cells)) if divided and again and short and few else ()


def _items(signs: Sequence[str], value: str) -> list[str]:
    """The parts of a cell between any of the signs."""
    parts = [value]
    for sign in signs:
        parts = [item for part in parts for item in split_at(sign, part)]
    return parts


def lists_note(column: Column, several: Several) -> str:
    """Say what was taken for what, and how to say that it is not so."""
    kind = "labels" if several.labels else "items"
    example = " ⏎ ".join(several.example.splitlines())
    name, other = f"{column.name!r}", "any" if several.right == "all" else "all"
    because = f", {several.reason}" if several.reason else ""
    if several.right == "all":
        taken = f"all {kind} of a cell are taken to be right together{because}"
        way = f"If any one of them is a right answer, say --lists {other}"
    else:
        taken = f"any one of them is taken to be a right answer{because}"
        way = f"If all must be given, say --lists {other}"
    return f"Cells of {name} hold several {kind}, such as {example}: {taken}. {way}."
