"""People's ratings of answers, read from a data file: what a judge is measured against."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from apo.assessment.scales import share, understood
from apo.data.cells import Row
from apo.data.examples import accepted
from apo.data.rows import read_rows
from apo.errors import DataError, near
from apo.reading.characters import composed
from apo.task import Example, Task

ANSWERS = ("answer", "output", "response", "completion", "답변", "응답")
RATINGS = ("rating", "score", "grade", "human", "label", "점수", "평가", "평점")
"""Names under which the columns are looked for where none is given."""
LEFT = ("without a rating", "without an input or an answer", "without a target")
"""Why rows are left out."""
Rated = tuple[Example, str]
"""What was asked, and what was answered."""
Key = tuple[tuple[str, str], ...]
"""Inputs, to look a target up by."""


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
    raw: dict[Rated, list[str]] = defaultdict(list)
    left: Counter[str] = Counter()
    for row in rows:
        text = (row.get(rating) or "").strip()
        found: Rated | str = "without a rating"
        if text:
            found = _rated(row, fields, answer, targets, known_targets, needs_target=needs_target)
        if isinstance(found, str):
            left[found] += 1
        else:
            raw[found].append(text)
    counts = [(left[reason], reason) for reason in LEFT if left[reason]]
    notes = [
        f"{n} row{'s' * (n != 1)} {reason} {'was' if n == 1 else 'were'} left out."
        for n, reason in counts
    ]
    if not raw:
        reasons = ", ".join(f"{n} {reason}" for n, reason in counts)
        raise DataError(f"{source} has no rating that can be used: {reasons}.")
    return _put_together(raw, scale, f"{source}, column {rating!r}", notes)


def _rated(
    row: Row,
    fields: Mapping[str, str],
    answer: str,
    targets: Sequence[str],
    known: Mapping[Key, tuple[str, ...]],
    *,
    needs_target: bool,
) -> Rated | str:
    """What a row rates; or why it cannot be used."""
    inputs = {field: row.get(column) for field, column in fields.items()}
    given = row.get(answer)
    if given is None or any(text is None for text in inputs.values()):
        return "without an input or an answer"
    texts = {field: text or "" for field, text in inputs.items()}
    found = _targets(row, targets) or known.get(_key(texts), ())
    if needs_target and not found:
        return "without a target"
    return Example(texts, found or ("",)), given


def _put_together(
    raw: Mapping[Rated, Sequence[str]], scale: tuple[int, int] | None, where: str, notes: list[str]
) -> Ratings:
    """Read the ratings of each answer, on the scale that all of them are on."""
    words, low, high = understood(raw.values(), scale, where)
    values = {key: mean(share(text, low, high) for text in texts) for key, texts in raw.items()}
    several = sum(len(texts) > 1 for texts in raw.values())
    if several:
        notes.append(f"Answers that were rated more than once: {several}; their mean counts.")
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


def _key(inputs: Mapping[str, str]) -> Key:
    return tuple(sorted(inputs.items()))


def _targets(row: Row, columns: Sequence[str]) -> tuple[str, ...]:
    found = [target for column in columns for target in accepted(row.get(column))]
    return tuple(dict.fromkeys(target for target in found if target.strip()))
