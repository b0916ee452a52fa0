"""People's ratings of answers, read from a data file: what a judge is measured against."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from apo.data.cells import Row
from apo.data.examples import accepted
from apo.data.rows import read_rows
from apo.errors import DataError, near
from apo.reading.characters import composed
from apo.task import Example, Task

ANSWERS = ("answer", "output", "response", "completion", "답변", "응답")
RATINGS = ("rating", "score", "grade", "human", "label", "점수", "평가", "평점")
"""Names under which the columns are looked for where none is given."""
WORDS = {
    **dict.fromkeys(("yes", "y", "true", "good", "pass", "right", "correct", "win"), 1.0),
    **dict.fromkeys(("예", "네", "참", "좋음", "맞음", "합격", "통과"), 1.0),
    **dict.fromkeys(("no", "n", "false", "bad", "fail", "wrong", "incorrect", "loss"), 0.0),
    **dict.fromkeys(("아니오", "아니요", "거짓", "나쁨", "틀림", "불합격", "탈락"), 0.0),
    **dict.fromkeys(("tie", "무승부", "비김"), 0.5),
}
"""What a word is worth as a rating."""


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """Answers with what people think of them.

    Attributes:
        examples: what was asked, one for each answer.
        answers: what was answered.
        values: people's ratings, from 0 to 1.
        scale: how the ratings were understood, in words.
        two: they are yes or no, and nothing between.
        notes: what was left out or put together, for people.
    """

    examples: tuple[Example, ...]
    answers: tuple[str, ...]
    values: tuple[float, ...]
    scale: str
    two: bool
    notes: tuple[str, ...] = ()

    def take(self, n: int) -> "Ratings":
        """The n answers that come first by the hash of their content."""
        rows = [*zip(self.examples, self.answers, self.values, strict=True)]
        kept = sorted(rows, key=lambda row: (row[0].id, row[1]))[:n]
        parts = tuple(zip(*kept, strict=True))
        note = f"{len(kept)} of {len(rows)} answers were taken, which is what the calls are for."
        return Ratings(
            examples=parts[0],
            answers=parts[1],
            values=parts[2],
            scale=self.scale,
            two=self.two,
            notes=(*self.notes, note),
        )


def read_ratings(
    source: str | Path,
    task: Task,
    columns: tuple[Mapping[str, str], Sequence[str]],
    *,
    answer: str = "",
    rating: str = "",
    scale: tuple[int, int] | None = None,
    needs_target: bool = True,
) -> Ratings:
    """Read answers and people's ratings.

    A row without a rating is left out. An answer that was rated more than once counts once, with
    the mean.

    Args:
        source: a file that `apo.data.rows.read_rows` reads, or hf:owner/name.
        task: gives the target of a row whose file has none, by its inputs.
        columns: the column of each input field, and the columns of the targets.
        answer: the column of the answers; by default one of `ANSWERS`.
        rating: the column of the ratings; by default one of `RATINGS`.
        scale: the judge's lowest and highest grade, if it grades.
        needs_target: leave out rows without a target.

    Raises:
        DataError: a column is missing, a rating cannot be understood, or no row is left.
    """
    fields, targets = columns
    rows = [*read_rows(source)]
    if not rows:
        raise DataError(f"{source} holds no rows.")
    known = [*rows[0]]
    answer = composed(answer) or _column("answers", ANSWERS, known, source, "--answer")
    rest = [name for name in known if name not in (answer, *fields.values(), *targets)]
    rating = composed(rating) or _column("ratings", RATINGS, rest, source, "--rating")
    for name in (*fields.values(), answer, rating):
        if name not in known:
            raise DataError(f"{source} has no column {name!r}.{near(name, known)}")
    known_targets = {_key(e.inputs): e.targets for e in (*task.train, *task.validation, *task.test)}
    raw: dict[tuple[Example, str], list[str]] = defaultdict(list)
    left = {"without a rating": 0, "without an input or an answer": 0, "without a target": 0}
    for row in rows:
        inputs = {field: row.get(column) for field, column in fields.items()}
        given, rated = row.get(answer), row.get(rating)
        if rated is None or not rated.strip():
            left["without a rating"] += 1
        elif given is None or any(text is None for text in inputs.values()):
            left["without an input or an answer"] += 1
        else:
            texts = {field: text or "" for field, text in inputs.items()}
            found = _targets(row, targets) or known_targets.get(_key(texts), ())
            if found or not needs_target:
                raw[Example(texts, found or ("",)), given].append(rated.strip())
            else:
                left["without a target"] += 1
    if not raw:
        reasons = ", ".join(f"{n} {reason}" for reason, n in left.items() if n)
        raise DataError(f"{source} has no rating that can be used: {reasons}.")
    words, low, high = _understood(raw.values(), scale, f"{source}, column {rating!r}")
    values = {key: mean(_share(text, low, high) for text in texts) for key, texts in raw.items()}
    several = sum(len(texts) > 1 for texts in raw.values())
    notes = [f"{n} rows {reason} were left out." for reason, n in left.items() if n]
    if several:
        notes.append(f"{several} answers were rated more than once; their mean counts.")
    return Ratings(
        examples=tuple(example for example, _ in values),
        answers=tuple(text for _, text in values),
        values=tuple(values.values()),
        scale=words,
        two={*values.values()} <= {0.0, 1.0} and (low, high) == (0, 1),
        notes=tuple(notes),
    )


def _column(
    what: str, usual: Sequence[str], known: Sequence[str], source: object, flag: str
) -> str:
    found = [name for name in usual if name in known]
    if not found:
        raise DataError(
            f"{source}: which column holds the {what}? None is named {', '.join(usual[:4])}; say "
            f"it with {flag}. Its columns: {', '.join(known)}."
        )
    return found[0]


def _key(inputs: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(inputs.items()))


def _targets(row: Row, columns: Sequence[str]) -> tuple[str, ...]:
    found = [target for column in columns for target in accepted(row.get(column))]
    return tuple(dict.fromkeys(target for target in found if target.strip()))


def _understood(
    ratings: Iterable[Sequence[str]], scale: tuple[int, int] | None, where: str
) -> tuple[str, float, float]:
    """How ratings are written: in words, and what scores 0 and 1.

    Raises:
        DataError: one is no number and no known word, or they are on another scale.
    """
    texts = sorted({text.lower() for several in ratings for text in several})
    numbers: list[float] = []
    for text in texts:
        if text in WORDS:
            continue
        try:
            numbers.append(float(text))
        except ValueError:
            numbers.append(float("nan"))
        if not numbers[-1] - numbers[-1] == 0:  # NaN and infinity too.
            raise DataError(
                f"{where}: the rating {text[:80]!r} is no number, and no word such as yes, no, "
                "예 or 아니오. Write a number, from 0 to 1 or on the judge's scale."
            )
    if not numbers:
        return "yes or no", 0.0, 1.0
    low, high = min(numbers), max(numbers)
    if len(numbers) < len(texts):
        raise DataError(f"{where}: numbers and words are mixed ({', '.join(texts[:5])}); use one.")
    if low >= 0 and high <= 1 and not (scale and low == high == 1 and scale != (0, 1)):
        kind = "0 and 1" if {*numbers} <= {0.0, 1.0} else "shares from 0 to 1"
        return kind, 0.0, 1.0
    if scale and scale[0] <= low and high <= scale[1]:
        return f"{scale[0]} to {scale[1]}, the judge's own scale", *scale
    own = f", or from {scale[0]} to {scale[1]} as the judge's grades" if scale else ""
    raise DataError(
        f"{where}: the ratings go from {low:g} to {high:g}. They must be yes or no, or go from 0 "
        f"to 1{own}."
    )


def _share(text: str, low: float, high: float) -> float:
    """A rating as its share of the way from low to high."""
    word = WORDS.get(text.lower())
    return word if word is not None else (float(text) - low) / (high - low)
