"""Rows whose input and target stand within one cell, put into columns before a task is drafted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from apo.data.cells import Row
from apo.data.chats import Chats, chat_column
from apo.data.options import find_layout, with_options
from apo.drafting.format import Wanted
from apo.drafting.options import LOOKED_AT


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Rows as a task can use them.

    Attributes:
        rows: all of them; a stream where nothing was changed.
        changed: the rows are not those of the source, so they must be kept.
        prompt: the seed prompt that the source brings; "" for none.
        head: the first rows, to be looked at.
    """

    rows: Iterable[Row]
    head: Sequence[Row] = ()
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
    head = list(islice(stream, LOOKED_AT))
    if not head:
        return Shape(rows=())
    first, whole = head[0], chain(head, stream)
    named = {*wanted.inputs, *filter(None, [wanted.target])}
    column = None if named & first.keys() else chat_column(first)
    if column is None:
        return _choices(head, whole, named, notes)
    chats = Chats(column)
    found = list(chats.rows(whole))
    notes.append(chats.note())
    return Shape(rows=found, changed=True, prompt=chats.system or "", head=found[:LOOKED_AT])


def _choices(head: Sequence[Row], rows: Iterable[Row], named: set[str], notes: list[str]) -> Shape:
    at = find_layout(head[0])
    if at is None or not named <= {at.question, at.key}:
        return Shape(rows=rows, head=head)
    whole = list(rows)
    found = with_options(whole, at)
    if found is None:
        return Shape(rows=whole, head=head)
    notes.append(
        f"The options of {at.named} now stand in {at.question!r}, each after a letter; the "
        f"target is the letter that {at.key!r} says, in the column 'answer'."
    )
    return Shape(rows=found, changed=True, head=found[:LOOKED_AT])
