"""Rows of multiple choice, as ARC and MMLU write them: the options put beside the question."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from apo.data.cells import Row
from apo.errors import DataError

_OPTIONS = ("choices", "options", "endings")
_KEYS = ("answerkey", "answer_key", "answer_idx", "answer_index", "answer", "label", "correct")
_QUESTIONS = ("question", "stem", "query", "ctx", "context", "problem", "input", "text", "sentence")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which columns a question, its options and the key of the right one stand in."""

    question: str
    options: str
    key: str


def find_layout(row: Row) -> Layout | None:
    """Name the columns of a question of multiple choice; None where a row is none."""
    lower = {name.lower(): name for name in row}
    options = next((lower[n] for n in _OPTIONS if n in lower and _read(row[lower[n]])), None)
    key = next((lower[n] for n in _KEYS if n in lower), None)
    question = next((lower[n] for n in _QUESTIONS if n in lower), None)
    if options is None or key is None or question is None:
        return None
    return Layout(question=question, options=options, key=key)


def with_options(rows: Sequence[Row], at: Layout) -> list[Row] | None:
    """Put the options into the question, after letters, and the right letter into "answer".

    Returns:
        The rows; None where the key names an option in no row, so that it is something else.

    Raises:
        DataError: only some of the keys name an option, or they can be read in two ways.
    """
    options = [_read(row[at.options]) for row in rows]
    keys = [(row[at.key] or "").strip() for row in rows]
    read = {name: [*map(reader, keys, options)] for name, reader in _READERS.items()}
    asked = [place for place, key in enumerate(keys) if key]
    if not any(found[place] is not None for found in read.values() for place in asked):
        return None
    sure = [found for found in read.values() if all(found[p] is not None for p in asked)]
    numbered = any(name.isdecimal() for found in options for name, _ in found)
    if numbered and read["name"] in sure:  # ARC numbers some: a key is such a number, no place.
        sure = [read["name"]]
    if not sure or any(found != sure[0] for found in sure):
        why = "could name two options of a row" if sure else "do not all name an option of the row"
        raise DataError(
            f"The column {at.options!r} holds options, and the cells of {at.key!r} {why}. Write "
            f"the options into {at.question!r}, each after a letter (A. …), and the letter of the "
            f"right one into {at.key!r}, and leave {at.options!r} out."
        )
    return [
        _row(row, at, found, place)
        for row, found, place in zip(rows, options, sure[0], strict=True)
    ]


def _row(row: Row, at: Layout, options: list[tuple[str, str]], place: int | None) -> Row:
    listed = "\n".join(f"{_LETTERS[n]}. {text}" for n, (_, text) in enumerate(options))
    rest = {name: cell for name, cell in row.items() if name not in (at.options, at.key)}
    question = row[at.question]
    rest[at.question] = None if question is None else f"{question}\n\n{listed}"
    return {**rest, "answer": None if place is None else _LETTERS[place]}


def _read(cell: str | None) -> list[tuple[str, str]]:
    """The options of a cell with what they are called in it; none where it is no list of them."""
    try:
        value: Any = json.loads(cell or "")
    except (ValueError, RecursionError):
        return []
    names: object = None
    if isinstance(value, Mapping):
        found = cast("Mapping[str, object]", value)
        names, value = found.get("label"), found.get("text")
    if not isinstance(value, list) or not 2 <= len(cast("list[object]", value)) <= len(_LETTERS):
        return []
    texts = [str(text) for text in cast("list[object]", value)]
    named = [str(name) for name in cast("list[object]", names)] if isinstance(names, list) else []
    return list(zip(named if len(named) == len(texts) else _LETTERS, texts, strict=False))


def _by_name(key: str, options: list[tuple[str, str]]) -> int | None:
    names = [name for name, _ in options]
    return names.index(key) if key in names else None


def _by_text(key: str, options: list[tuple[str, str]]) -> int | None:
    texts = [text.strip() for _, text in options]
    return texts.index(key) if key in texts else None


def _from_0(key: str, options: list[tuple[str, str]]) -> int | None:
    return int(key) if key.isdecimal() and int(key) < len(options) else None


def _from_1(key: str, options: list[tuple[str, str]]) -> int | None:
    return int(key) - 1 if key.isdecimal() and 1 <= int(key) <= len(options) else None


_READERS = {"name": _by_name, "text": _by_text, "from 0": _from_0, "from 1": _from_1}
