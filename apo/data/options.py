"""Rows of multiple choice, as ARC and MMLU write them: the options put beside the question.

The options stand in a list, or each in a column of its own (A, B, C, D; option_a; choice1).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from apo.data.cells import Row
from apo.errors import DataError

OPTIONS = ("choices", "options", "endings")
_KEYS = (
    *("answerkey", "answer_key", "answer_idx", "answer_index", "answer", "label", "correct", "cop"),
    *("correct_answer", "correct_option", "target", "gold", "정답", "답"),
)
_QUESTIONS = (
    *("question", "stem", "query", "ctx", "context", "problem", "input", "text", "sentence"),
    *("premise", "문제", "질문"),
)
_ONE = re.compile(
    r"(?:(?:option|opt|op|choice|ending|sol|보기|선택지)[ _-]?(?P<mark>[a-j]|\d)|(?P<alone>[a-e]))",
    re.IGNORECASE,
)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class OptionColumns:
    """Which columns a question, its options and the key of the right one stand in."""

    question: str
    options: tuple[str, ...]
    key: str

    @property
    def named(self) -> str:
        """The columns of the options, for people."""
        return ", ".join(map(repr, self.options))

    def read(self, row: Row) -> list[tuple[str, str]]:
        """Give the options of a row with what they are called; none where there are no two."""
        if len(self.options) == 1:
            return _read(row[self.options[0]])
        marks = [_mark(name) for name in self.options]
        found = [(m, (row[n] or "").strip()) for m, n in zip(marks, self.options, strict=True)]
        return [(mark.upper(), text) for mark, text in found if text]


def find_layout(row: Row) -> OptionColumns | None:
    """Name the columns of a question of multiple choice; None where a row is none."""
    lower = {name.lower(): name for name in row}
    listed = next((lower[n] for n in OPTIONS if n in lower and _read(row[lower[n]])), None)
    options = option_columns(row) if listed is None else (listed,)
    key = next((lower[n] for n in _KEYS if n in lower), None)
    question = next((lower[n] for n in _QUESTIONS if n in lower), None)
    if not options or key is None or question is None:
        return None
    return OptionColumns(question=question, options=options, key=key)


def option_columns(row: Row) -> tuple[str, ...]:
    """The columns that hold an option each, as A, B, C, D; () where they do not follow so."""
    for order in ("abcdefghij", "0123456789", "123456789"):
        named = {_mark(name): name for name in row if _mark(name)}
        found = list[str]()
        for mark in order:
            if mark not in named:
                break
            found.append(named[mark])
        alone = any(len(name.strip()) == 1 for name in found)  # "a" and "b" may be two texts.
        if len(found) >= 2 + alone and sum(bool(row[name]) for name in found) >= 2:
            return tuple(found)
    return ()


def _mark(name: str) -> str:
    match = _ONE.fullmatch(name.strip())
    return (match["mark"] or match["alone"]).lower() if match else ""


def with_options(rows: Sequence[Row], at: OptionColumns) -> list[Row] | None:
    """Put the options into the question, after letters, and the right letter into "answer".

    Returns:
        The rows; None where the key names an option in no row, so that it is something else.

    Raises:
        DataError: only some of the keys name an option, or they can be read in two ways.
    """
    options = [at.read(row) for row in rows]
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
        holds = "hold" if len(at.options) > 1 else "holds"
        raise DataError(
            f"{at.named} {holds} options, and the cells of {at.key!r} {why}. Write "
            f"the options into {at.question!r}, each after a letter (A. …), and the letter of the "
            f"right one into {at.key!r}, and leave {at.named} out."
        )
    return [
        _row(row, at, found, place)
        for row, found, place in zip(rows, options, sure[0], strict=True)
    ]


def _row(row: Row, at: OptionColumns, options: list[tuple[str, str]], place: int | None) -> Row:
    listed = "\n".join(f"{_LETTERS[n]}. {text}" for n, (_, text) in enumerate(options))
    rest = {name: cell for name, cell in row.items() if name not in (*at.options, at.key)}
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
    said = (key, _mark(key).upper(), key.strip("().").upper())
    return next((names.index(name) for name in said if name in names), None)


def _by_text(key: str, options: list[tuple[str, str]]) -> int | None:
    texts = [text.strip() for _, text in options]
    return texts.index(key) if key in texts else None


def _from_0(key: str, options: list[tuple[str, str]]) -> int | None:
    return int(key) if key.isdecimal() and int(key) < len(options) else None


def _from_1(key: str, options: list[tuple[str, str]]) -> int | None:
    return int(key) - 1 if key.isdecimal() and 1 <= int(key) <= len(options) else None


_READERS = {"name": _by_name, "text": _by_text, "from 0": _from_0, "from 1": _from_1}
