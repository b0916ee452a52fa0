"""Rows whose input and target stand within one cell, put into columns before a task is drafted."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from apo.data.cells import Row
from apo.data.chats import Chats, chat_column
from apo.data.options import find_layout, with_options
from apo.drafting.format import Wanted


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Rows as a task can use them.

    Attributes:
        rows: all of them; a stream where nothing was changed.
        changed: the rows are not those of the source, so they must be kept.
        prompt: the seed prompt that the source brings; "" for none.
    """

    rows: Iterable[Row]
    changed: bool = False
    prompt: str = ""


def reshape(rows: Iterable[Row], wanted: Wanted, notes: list[str]) -> Shape:
    """Put chats into columns, and options into their question; other rows stay as they are.

    Args:
        rows: of the source.
        wanted: what the user named: whoever names columns of the source means its rows.
        notes: what was changed is added, in words.

    Raises:
        DataError: the rows are chats that cannot be a task, or options without a clear key.
    """
    stream = iter(rows)
    first = next(stream, None)
    if first is None:
        return Shape(rows=())
    named = {*wanted.inputs, *filter(None, [wanted.target])}
    column = None if named & first.keys() else chat_column(first)
    if column is None:
        return _choices(first, chain([first], stream), named, notes)
    chats = Chats(column)
    found = list(chats.rows(chain([first], stream)))
    notes.append(chats.note())
    return Shape(rows=found, changed=True, prompt=chats.system or "")


def _choices(first: Row, rows: Iterable[Row], named: set[str], notes: list[str]) -> Shape:
    at = find_layout(first)
    if at is None or not named <= {at.question, at.key}:
        return Shape(rows=rows)
    whole = list(rows)
    found = with_options(whole, at)
    if found is None:
        return Shape(rows=whole)
    notes.append(
        f"The options of {at.options!r} now stand in {at.question!r}, each after a letter; the "
        f"target is the letter that {at.key!r} says, in the column 'answer'."
    )
    return Shape(rows=found, changed=True)
