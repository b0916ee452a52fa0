"""Feedback on answers in use: what somebody said of one, and how tables say it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apo.data.cells import Row
from apo.errors import DataError, near

By = Literal["person", "judge"]
COLUMNS = {
    "answer": ("answer", "output", "response", "prediction", "completion", "답변", "응답"),
    "right": ("right", "thumbs", "thumb", "feedback", "verdict", "correct"),
    "rating": ("rating", "평가"),
    "target": ("correction", "expected", "expected_response", "label", "target", "정답", "수정"),
    "by": ("by", "source", "source_type", "who", "작성자"),
}
"""What tables call the parts of feedback; the task's own target column is one for `target`.

A rating is read as thumbs, but may also be a number of stars."""
_UP = ("up", "👍", "1", "true", "yes", "right", "correct", "good", "like", "pass", "좋아요", "예")
_DOWN = (
    *("down", "👎", "0", "-1", "false", "no", "wrong", "incorrect", "bad", "dislike", "fail"),
    *("싫어요", "아니요"),
)
_JUDGES = ("judge", "llm_judge", "llm", "model", "ai", "ai_judge", "code")


_DIGITS = frozenset("0123456789")
_NUMBER = _DIGITS | frozenset("+-.,")
ODD = 0.1
"""Share of the rows up to which thumbs that cannot be read are left out; with more of them the
column is none of thumbs."""
NAMED = 3
"""Cells that a note names."""


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What somebody said of one answer.

    Attributes:
        inputs: what was asked, by the task's input fields.
        answer: what was answered; "" where that is not known.
        right: thumbs up or down; None for neither.
        target: the right answer that was given in its place; "" for none.
        by: who said so.
    """

    inputs: Mapping[str, str]
    answer: str = ""
    right: bool | None = None
    target: str = ""
    by: By = "person"

    @property
    def wanted(self) -> str:
        """The right answer as far as this says it: the correction, or an answer that was liked."""
        return self.target or (self.answer if self.right else "")


def read_feedback(
    rows: Iterable[Row], fields: Sequence[str], target: Sequence[str]
) -> tuple[list[Feedback], list[str]]:
    """Read feedback from a table.

    Args:
        rows: of the table.
        fields: the task's input fields, each a column of the table.
        target: the task's own target columns.

    Returns:
        What was said, and which rows were left out, in words.

    Raises:
        DataError: a column is missing, more than one cell of thumbs in ten says neither up nor
            down, one is another number, or all ratings are 1, or 0.
    """
    found, ratings, empty, number = list[Feedback](), set[str](), 0, 0
    odd: list[str] = []
    for number, row in enumerate(rows, 1):
        _require(row, fields, f"row {number}")
        inputs = {name: (row[name] or "").strip() for name in fields}
        said = {part: _cell(row, part, (*target, *COLUMNS[part])) for part in COLUMNS}
        right = said["right"] or said["rating"]
        if not said["right"]:
            ratings.add(said["rating"])
        if right and not _is_thumb(right):
            odd.append(f"row {number}: {right!r:.60}")
            if set(right) <= _NUMBER and set(right) & _DIGITS:  # Of a scale.
                raise DataError(_said_neither(odd[-1:]))
            right = ""
            if not said["target"]:
                continue
        if not any(inputs.values()) or not (right or said["target"]):
            empty += 1
            continue
        found.append(
            Feedback(
                inputs=inputs,
                answer=said["answer"],
                right=right.casefold() in _UP if right else None,
                target=said["target"],
                by="judge" if said["by"].casefold() in _JUDGES else "person",
            )
        )
    _require_no_stars(ratings - {""})
    if len(odd) > ODD * number:
        raise DataError(_said_neither(odd))
    notes = [f"Thumbs that say neither up nor down do not count: {_few(odd)}."] if odd else []
    if empty:
        notes.append(f"Rows without an input, or without a word about the answer: {empty}.")
    return found, notes


def _require(row: Row, fields: Sequence[str], place: str) -> None:
    for name in fields:
        if name not in row:
            raise DataError(f"{place}: there is no column {name!r}.{near(name, list(row))}")


def _cell(row: Row, part: str, names: Sequence[str]) -> str:
    """The cell of a part, whatever its column is called; the task's names are for the target."""
    known = names if part == "target" else COLUMNS[part]
    folded = {name.casefold(): value for name, value in row.items()}
    cells = (folded.get(name.casefold()) for name in known)
    return next((cell.strip() for cell in cells if cell and cell.strip()), "")


def _is_thumb(said: str) -> bool:
    return said.casefold() in (*_UP, *_DOWN)


def _said_neither(odd: Sequence[str]) -> str:
    return (
        f"{_few(odd)} says neither up nor down. Write up or down (also 1 and 0, yes and no, 👍 and "
        "👎, 좋아요 and 싫어요)."
    )


def _few(texts: Sequence[str]) -> str:
    return ", ".join([*texts[:NAMED], *(["…"] if len(texts) > NAMED else [])])


def _require_no_stars(ratings: set[str]) -> None:
    """Refuse ratings that are 1 throughout, or 0: thumbs, or the fewest stars of several."""
    if ratings in ({"0"}, {"1"}):
        raise DataError(
            f"Every rating is {min(ratings)}, which may be a thumb as well as a number of stars. "
            "Call the column thumbs where 1 is up and 0 is down; for stars, write up or down in "
            "their place."
        )
