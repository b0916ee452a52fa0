"""Guesses which columns are input and target, and how answers are judged; each says why."""

import re
from collections.abc import Callable, Sequence
from functools import partial

from apo.data.columns import Column
from apo.drafting.kinds import QUERY, TESTS, holds
from apo.errors import DataError, near
from apo.reading.said_moment import whole_moment

_TARGET_NAMES = (
    *("target", "label", "answer", "intent", "category", "class", "sentiment", "output"),
    *("expected", "gold", "solution", "summary", "reply", "response", "corrected", "correction"),
    *("translation", "completion", "chosen", "ideal", "expected_response"),
    *("정답", "라벨", "레이블", "답", "감성", "분류", "카테고리", "의도", "요약", "답변", "응답"),
    *("교정", "번역"),
)
_SOLUTIONS = ("solution", "canonical_solution", "code", "answer", "output", "completion")
ENTRY_POINT = "entry_point"
"""The column with the name of the function that unit tests call, where `check` is given it."""
_FACTS = ("date", "url", "source")
_NO_INPUT = (
    *("id", "idx", "index", "no", "번호", "split", "set", "fold", "rejected"),  # Of preferences.
    *_FACTS,
)


def guess_target(
    columns: dict[str, Column], name: str | None, inputs: Sequence[str], notes: list[str]
) -> Column:
    """The column of the answers: as said, else by its name, its few values, its form."""
    if name is not None:
        return _column(columns, name)
    left = [c for c in columns.values() if c.name not in inputs and c.n and not c.names_pools]
    if len(left) < (1 if inputs else 2):
        raise DataError(
            "A task needs an input and a target; the columns are "
            f"{', '.join(map(_unused, columns.values()))}."
        )
    answers = [column for column in left if column.name.lower() not in _NO_INPUT] or left
    if not inputs and len(answers) == 1 and (asked := _asked_of(answers[0], left)) is not None:
        notes.append(f"The target is taken to be {asked.name!r}, as the input is the other one.")
        return asked
    shortest = min(answers, key=lambda column: column.mean_length)
    rules: tuple[tuple[Callable[[Column], bool], str], ...] = (
        (partial(holds, TESTS), "as it holds unit tests"),
        (lambda column: column.name.lower() in _TARGET_NAMES, "by its name"),
        (partial(holds, QUERY), "as it holds SQL queries"),
        (partial(_may_be_answer, left, inputs), "as it holds JSON objects"),
        (lambda column: column.lists == column.n, "as its cells are lists of texts"),
        (lambda column: column.is_label, "as few values stand there again and again"),
        (_is_quantity, "as it holds numbers"),
    )
    for rule, reason in rules:
        found = [column for column in left if rule(column)]
        if found:
            notes.append(f"The target is taken to be {found[0].name!r}, {reason}.")
            return found[0]
    last = answers[-1]
    if len(answers) == 2 and shortest is not last and last.mean_length < 2 * shortest.mean_length:
        notes.append(
            f"The target is taken to be {last.name!r}, as it stands last and both texts are about "
            "as long. If the other one is the answer, say --target."
        )
        return last
    notes.append(f"The target is taken to be {shortest.name!r}, as its texts are the shortest.")
    return shortest


def _may_be_answer(left: Sequence[Column], inputs: Sequence[str], column: Column) -> bool:
    """Whether objects are the answers, and not the only input beside a column of labels."""
    others = (c for c in left if c is not column and c.name.lower() not in _NO_INPUT)
    return column.is_object and (bool(inputs) or not all(c.is_label for c in others))


def _asked_of(text: Column, left: Sequence[Column]) -> Column | None:
    """The date, address or source that a task may ask for where only one other column is left."""
    if text.name.lower() in _TARGET_NAMES or text.is_label or text.is_number:
        return None
    return next((c for c in left if c is not text and c.name.lower() in _FACTS), None)


def _is_quantity(column: Column) -> bool:
    return column.is_number and column.name.lower() not in _NO_INPUT


def guess_inputs(
    columns: dict[str, Column],
    names: Sequence[str],
    target: Column,
    notes: list[str],
    talks: Sequence[str] = (),
) -> list[Column]:
    """The input columns: as said, else conversations and texts that are nearly all different."""
    if names:
        if target.name in names:
            raise DataError(f"{target.name!r} cannot be both input and target.")
        return [_column(columns, name) for name in names]
    texts = [
        c
        for c in columns.values()
        if c is not target and c.n and not c.names_pools and c.name.lower() not in _NO_INPUT
    ]
    if not texts:
        raise DataError(
            f"No column is left for the input beside the target {target.name!r}; the columns are "
            f"{', '.join(columns)}. Name both: --input COLUMN --target COLUMN (in Python, inputs= "
            "and target=)."
        )
    tests = holds(TESTS, target)
    if tests:  # A program that passes them is no input.
        texts = [c for c in texts if c.name.lower() not in _SOLUTIONS] or texts
    found = [
        c
        for c in texts
        if c.name in talks or (c.unique > 0.5 and c.spaced > c.n / 2 and not c.objects)
    ]
    found = found or [max(texts, key=lambda c: c.mean_length)]
    if tests and ENTRY_POINT in columns:
        found.append(columns[ENTRY_POINT])
    named = ", ".join(repr(c.name) for c in found)
    notes.append(f"The input is taken to be {named}, as its texts are nearly all different.")
    others = [
        _unused(c)
        for c in columns.values()
        if c not in found and c is not target and not c.names_pools
    ]
    if others:
        notes.append(f"Not used: {', '.join(others)}.")
    return found


def _unused(column: Column) -> str:
    return f"{column.name} (it holds {column.no_text})" if column.no_text else column.name


def _column(columns: dict[str, Column], name: str) -> Column:
    if name not in columns:
        raise DataError(f"There is no column {name!r}.{near(name, list(columns))}")
    if columns[name].no_text:
        raise DataError(
            f"The column {name!r} holds {columns[name].no_text}, which are no text. Name another "
            "one, or put what is in there into words."
        )
    return columns[name]


def guess_signs(kind: str, target: Column, notes: list[str]) -> dict[str, str]:
    """The settings of `numeric` and `date` that the whole column shows: how they are written."""
    if kind not in ("numeric", "date"):
        return {}
    kelvin = next((v for v in target.values if re.search(r"\d K$", v)), None)
    if kind == "numeric" and kelvin and not re.match(r"\D", kelvin):
        plain = kelvin.removesuffix(" K")
        notes.append(
            f"{kelvin!r} may be kelvin or thousands, so that {plain}, {plain} kelvin and "
            f"{plain}000 all count as right. Write {_joined(kelvin)!r} in the data where thousands "
            f"are meant, else '{plain} kelvin'."
        )
    name = "decimal" if kind == "numeric" else "order"
    shown = target.decimals if kind == "numeric" else target.orders
    found = sorted(sign for sign in shown if sign)
    if kind == "date" and not found:  # So an answer such as 05/06/2025 is read as they are.
        found = sorted(sign for sign in target.worded if sign)
        found = found if len(found) == 1 else []
    if len(found) > 1:
        notes.append(
            f"The targets are written in two ways: {name} is {found[0]!r} in {shown[found[0]]} "
            f"cells and {found[1]!r} in {shown[found[1]]}; make them one in the data."
        )
    elif found and found[0] != ".":
        notes.append(f"The targets show that {name} is {found[0]!r}.")
        return {name: found[0]}
    elif kind == "date" and any(_is_open(value) for value in target.values):
        notes.append(
            "The dates do not show whether the day or the month comes first: say "
            "scorer: {name: date, order: dmy}, or mdy."
        )
    return {}


def _joined(value: str) -> str:
    return value.replace(" ", "").casefold()


def _is_open(value: str) -> bool:
    moment = whole_moment(value)
    return moment is not None and moment.open


def field_name(column: str, place: int) -> str:
    """A name that a {{variable}} can have."""
    usable = "{" not in column and "}" not in column and "\n" not in column
    return column if usable else f"input{place}"
