"""The failure table: what a person would count first, over all measured rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from apo.failures.words import Word


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """A label that was taken for another.

    Attributes:
        wanted: the target.
        said: what was answered in its place; in parentheses what is no label.
        n: how often.
        of: rows of the target.
    """

    wanted: str
    said: str
    n: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Share:
    """A group of rows, and how many of them failed.

    Attributes:
        column: of the slice.
        value: of that column.
        n: rows that failed.
        of: rows.
    """

    column: str
    value: str
    n: int
    of: int


@dataclass(frozen=True, kw_only=True)
class FailureTable:
    """What wrong answers have in common; of a prompt, or of several.

    Attributes:
        counts: rows that were right, wrong, malformed, refused or not graded.
        mean: mean score, in [0, 1].
        confusions: the labels that were taken for others, the most frequent first.
        said_too_often: labels with how often they were said and wanted.
        answers: wrong answers that several rows got, with how many.
        complaints: what the scorer said of several wrong answers, without what it quoted.
        form_errors: the same of malformed ones, also where it is one.
        label_words: words that tell a label's rows from others, for each label that failed.
        input_words: words in the inputs of failing rows that those of right ones lack.
        input_length: median words of the inputs that failed, and of those that did not; None where
            they hardly differ.
        answer_words: words that several wrong answers hold, and no right one.
        answer_shapes: forms that several wrong answers have, and no right one, with how many.
        longest_right: words of the longest right answer, and how many wrong ones are longer; None
            where none is.
        slices: groups in which rows fail more than elsewhere.
    """

    counts: Mapping[str, int]
    mean: float
    confusions: tuple[Confusion, ...] = ()
    said_too_often: tuple[tuple[str, int, int], ...] = ()
    answers: tuple[tuple[str, int], ...] = ()
    complaints: tuple[tuple[str, int], ...] = ()
    form_errors: tuple[tuple[str, int], ...] = ()
    label_words: Mapping[str, tuple[Word, ...]]
    input_words: tuple[Word, ...] = ()
    input_length: tuple[int, int] | None = None
    answer_words: tuple[Word, ...] = ()
    answer_shapes: tuple[tuple[str, int], ...] = ()
    longest_right: tuple[int, int] | None = None
    slices: tuple[Share, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the table as JSON values."""
        return asdict(self)

    def rows(self) -> list[dict[str, Any]]:
        """Give everything that is counted as rows of one table."""
        found: list[tuple[str, str, str, int, int | None]] = [
            ("confusion", c.wanted, c.said, c.n, c.of) for c in self.confusions
        ]
        counted = {"wrong answer": self.answers, "complaint": self.complaints}
        counted |= {"error of form": self.form_errors, "wrong answers have": self.answer_shapes}
        found += [(what, text, "", n, None) for what, all_ in counted.items() for text, n in all_]
        words = {
            "word of failing inputs": self.input_words,
            "word of wrong answers": self.answer_words,
        }
        found += [(what, w.text, "", w.n, w.of) for what, all_ in words.items() for w in all_]
        found += [
            ("word of a label's inputs", label, w.text, w.n, w.of)
            for label, all_ in self.label_words.items()
            for w in all_
        ]
        found += [(f"slice {s.column}", s.value, "", s.n, s.of) for s in self.slices]
        return [dict(zip(("what", "value", "said", "n", "of"), row, strict=True)) for row in found]
