"""Feedback on answers in use: what somebody said of one, and how tables say it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    found, thumbs, empty, number = list[Feedback](), _Thumbs(), 0, 0
    for number, row in enumerate(rows, 1):
        place = f"row {number}"
        _require(row, fields, place)
        inputs = {name: (row[name] or "").strip() for name in fields}
        said = {part: _cell(row, part, (*target, *COLUMNS[part])) for part in COLUMNS}
        right = thumbs.read(said["right"], said["rating"], place)
        if any(inputs.values()) and (right is not None or said["target"]):
            by: By = "judge" if said["by"].casefold() in _JUDGES else "person"
            answer, corrected = said["answer"], said["target"]
            found.append(
                Feedback(inputs=inputs, answer=answer, right=right, target=corrected, by=by)
            )
        elif place not in thumbs.odd:
            empty += 1
    notes = thumbs.notes(n_rows=number)
    if empty:
        notes.append(f"Rows without an input, or without a word about the answer: {empty}.")
    return found, notes


@dataclass(frozen=True)
class _Thumbs:
    """The thumbs of a table, and what is not one in their column."""

    odd: dict[str, str] = field(default_factory=dict[str, str])
    ratings: set[str] = field(default_factory=set[str])

    def read(self, right: str, rating: str, place: str) -> bool | None:
        """Up, down, or None for neither; a rating counts where there is no other column.

        Raises:
            DataError: it is a number that no thumb is, as one of a scale.
        """
        said = right or rating
        if rating and not right:
            self.ratings.add(rating)
        if said.casefold() in _UP + _DOWN:
            return said.casefold() in _UP
        if said:
            self.odd[place] = f"{place}: {said!r:.60}"
            if set(said) <= _NUMBER and set(said) & _DIGITS:
                raise DataError(_said_neither([self.odd[place]]))
        return None

    def notes(self, n_rows: int) -> list[str]:
        """Which cells are left out.

        Raises:
            DataError: they are too many of so many rows, or all ratings are 1, or 0.
        """
        if self.ratings in ({"0"}, {"1"}):  # Thumbs, or the fewest stars of several.
            raise DataError(
                f"Every rating is {min(self.ratings)}, which may be a thumb as well as a number of "
                "stars. Call the column thumbs where 1 is up and 0 is down; for stars, write up or "
                "down in their place."
            )
        odd = list(self.odd.values())
        if len(odd) > ODD * n_rows:
            raise DataError(_said_neither(odd))
        few = first_few(odd, NAMED)
        return [f"Thumbs that say neither up nor down do not count: {few}."] if odd else []


def first_few(texts: Sequence[str], n: int) -> str:
    """The first n texts in a row, and whether there are more."""
    return ", ".join([*texts[:n], *(["…"] if len(texts) > n else [])])


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


def _said_neither(odd: Sequence[str]) -> str:
    return (
        f"{first_few(odd, NAMED)} says neither up nor down. Write up or down (also 1 and 0, yes "
        "and no, 👍 and 👎, 좋아요 and 싫어요)."
    )
