"""Feedback on answers in use: read from tables, kept beside a task, and turned into examples."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from apo.data.cells import Row
from apo.errors import DataError, near
from apo.files import DATA, read_text, write_whole

FILE = "feedback.jsonl"
"""Where a task's folder keeps it."""
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
        DataError: a column is missing, a cell of thumbs says neither up nor down, or all ratings
            are 1, or 0.
    """
    found, ratings, empty, number = list[Feedback](), set[str](), 0, 0
    for number, row in enumerate(rows, 1):
        _require(row, fields, f"row {number}")
        inputs = {name: (row[name] or "").strip() for name in fields}
        said = {part: _cell(row, part, (*target, *COLUMNS[part])) for part in COLUMNS}
        right = said["right"] or said["rating"]
        if not said["right"]:
            ratings.add(said["rating"])
        if not any(inputs.values()) or not (right or said["target"]):
            empty += 1
            continue
        found.append(
            Feedback(
                inputs=inputs,
                answer=said["answer"],
                right=_thumbs(right, f"row {number}"),
                target=said["target"],
                by="judge" if said["by"].casefold() in _JUDGES else "person",
            )
        )
    _require_no_stars(ratings - {""})
    notes = (
        [f"Rows without an input, or without a word about the answer: {empty}."] if empty else []
    )
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


def _thumbs(said: str, place: str) -> bool | None:
    word = said.casefold()
    if not word:
        return None
    if word in _UP or word in _DOWN:
        return word in _UP
    raise DataError(
        f"{place}: {said!r:.60} says neither up nor down. Write up or down (also 1 and 0, yes and "
        "no, 👍 and 👎, 좋아요 and 싫어요)."
    )


def _require_no_stars(ratings: set[str]) -> None:
    """Refuse ratings that are 1 throughout, or 0: thumbs, or the fewest stars of several."""
    if ratings in ({"0"}, {"1"}):
        raise DataError(
            f"Every rating is {min(ratings)}, which may be a thumb as well as a number of stars. "
            "Call the column thumbs where 1 is up and 0 is down; for stars, write up or down in "
            "their place."
        )


def keep_feedback(folder: Path, said: Sequence[Feedback]) -> int:
    """Add feedback to what a task's folder has; what is there already is not added again.

    Returns:
        How many were added.

    Raises:
        DataError: the file cannot be read or written.
    """
    there = kept_feedback(folder)
    new = [one for one in dict.fromkeys(map(_line, said)) if one not in set(map(_line, there))]
    lines = [*map(_line, there), *new]
    try:
        write_whole(folder / FILE, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise DataError(f"{folder / FILE} cannot be written: {error.strerror}.") from error
    return len(new)


def kept_feedback(folder: Path) -> list[Feedback]:
    """What a task's folder has, in the order in which it came; nothing without a file.

    Raises:
        DataError: the file cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return []
    try:
        return [_parsed(json.loads(line)) for line in read_text(path, DATA).splitlines() if line]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} cannot be read: {error}. `apo feedback` writes it.") from error


def _line(said: Feedback) -> str:
    return json.dumps(asdict(said), ensure_ascii=False, sort_keys=True)


def _parsed(values: dict[str, Any]) -> Feedback:
    inputs = values["inputs"]
    texts = [*inputs, *inputs.values(), values["answer"], values["target"], values["by"]]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a line holds what is no text")
    return Feedback(**values)


def settled(said: Iterable[Feedback]) -> list[Feedback]:
    """One word for each input: a person's before a judge's, and of these the last."""
    found: dict[str, Feedback] = {}
    for one in said:
        key = json.dumps(dict(one.inputs), sort_keys=True)
        before = found.get(key)
        if before is None or one.by == "person" or before.by == "judge":
            found[key] = one
    return list(found.values())
