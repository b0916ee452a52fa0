"""Rows whose input and target stand within one cell, put into columns before a task is drafted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from apo.data.annotated import TARGET, annotated
from apo.data.cells import Row
from apo.data.chats import Chats, chat_column
from apo.data.nested import text_path, with_paths
from apo.data.options import find_layout, with_options
from apo.data.promptfoo import TARGET as EXPECTED
from apo.data.promptfoo import Assertions, is_test
from apo.drafting.evaluated import NOTE, flat_rows
from apo.drafting.format import Wanted
from apo.drafting.options import LOOKED_AT
from apo.errors import DataError
from apo.reading.answers import quote


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Rows as a task can use them.

    Attributes:
        wanted: what the user named, with what the form of the rows says.
        rows: all of them; a stream where nothing was changed.
        changed: the rows are not those of the source, so they must be kept.
        prompt: the seed prompt that the source brings; "" for none.
        head: the first rows, to be looked at.
    """

    wanted: Wanted
    rows: Iterable[Row]
    head: Sequence[Row] = ()
    changed: bool = False
    prompt: str = ""


def reshape(rows: Iterable[Row], wanted: Wanted, notes: list[str]) -> Shape:
    """Put chats and annotations into columns, options into their question; leave other rows.

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
        return Shape(wanted=wanted, rows=())
    named = {*wanted.inputs, *filter(None, [wanted.target])}
    export = None if named else annotated(head[0])
    if export is not None:
        labelled = list(export.rows(chain(head, stream)))
        notes.append(export.note())
        wanted = replace(wanted, target=TARGET)
        return Shape(wanted=wanted, rows=labelled, changed=True, head=labelled[:LOOKED_AT])
    if not named & {*head[0]} and is_test(head[0]):
        tests = Assertions()
        tested = list(tests.rows(chain(head, stream)))
        notes.append(tests.note())
        lists = wanted.lists or ("any" if tests.several else None)
        wanted = replace(wanted, target=wanted.target or EXPECTED, lists=lists)
        return Shape(wanted=wanted, rows=tested, changed=True, head=tested[:LOOKED_AT])
    if not named & {*head[0]} and flat_rows(head):
        rest = list(stream)
        if (flat := flat_rows([*head, *rest])) is not None:
            notes.append(NOTE)
            return Shape(wanted=wanted, rows=flat, changed=True, head=flat[:LOOKED_AT])
        stream = iter(rest)
    if not named and (path := _answer_path(head)):
        notes.append(
            f"The target is taken to be {path!r}, the texts that stand beside their places."
        )
        wanted, named = replace(wanted, target=path), {path}
    if paths := named - head[0].keys():
        head = [with_paths(row, paths) for row in head]
        _require_found(head, paths)
        stream = (with_paths(row, paths) for row in stream)
    first, whole = head[0], chain(head, stream)
    column = None if named & first.keys() else chat_column(first)
    if column is None:
        return _choices(head, whole, wanted, named, notes)
    chats = Chats(column)
    found = chats.rows(whole)
    notes.append(chats.note())
    return Shape(
        wanted=wanted, rows=found, changed=True, prompt=chats.system or "", head=found[:LOOKED_AT]
    )


def _answer_path(head: Sequence[Row]) -> str:
    """Where the texts of right answers stand beside their places, as SQuAD writes them."""
    keys = {name: text_path(row.get(name) for row in head) for name in head[0]}
    found = [f"{name}.{key}" for name, key in keys.items() if key]
    return found[0] if len(found) == 1 else ""


def _require_found(head: Sequence[Row], paths: set[str]) -> None:
    for path in sorted(paths):
        column, dot, _ = path.partition(".")
        if dot and column in head[0] and all(row.get(path) is None for row in head):
            raise DataError(
                f"The path {path!r} leads to nothing in the first {len(head)} rows, such as "
                f"{quote(head[0][column] or '')}."
            )


def _choices(
    head: Sequence[Row], rows: Iterable[Row], wanted: Wanted, named: set[str], notes: list[str]
) -> Shape:
    at = find_layout(head[0])
    if at is None or not named <= {at.question, at.key}:
        return Shape(wanted=wanted, rows=rows, head=head)
    whole = list(rows)
    found = with_options(whole, at)
    if found is None:
        return Shape(wanted=wanted, rows=whole, head=head)
    notes.append(
        f"The options of {at.named} now stand in {at.question!r}, each after a letter; the "
        f"target is the letter that {at.key!r} says, in the column 'answer'."
    )
    return Shape(wanted=wanted, rows=found, changed=True, head=found[:LOOKED_AT])
