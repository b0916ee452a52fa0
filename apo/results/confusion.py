"""What was answered where what was right: a table for each of two prompts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apo.reading.answers import label_pattern
from apo.results.constants import class_of, classes_of


@dataclass(frozen=True)
class Confusion:
    """How often each answer was given to the examples of each target.

    Attributes:
        labels: the targets, in the order in which they come.
        answers: what was answered: the targets, and whatever else there was.
        seed: a row for each label, a column for each answer: how many examples.
        best: the same for the best prompt.
    """

    labels: tuple[str, ...]
    answers: tuple[str, ...]
    seed: tuple[tuple[int, ...], ...]
    best: tuple[tuple[int, ...], ...]


def confusion(pairs: Sequence[Mapping[str, Any]]) -> Confusion | None:
    """Count answers by target; None where targets are no classes: few, and shared by examples.

    Of several targets that are accepted, the first one is the row.

    Args:
        pairs: as `apo.results.flips.read_pairs` gives them.
    """
    pairs = [pair for pair in pairs if pair["targets"]]
    targets = [str(pair["targets"][0]) for pair in pairs]
    labels = tuple(sorted(classes_of(targets)))
    if not labels:
        return None
    pattern = label_pattern(labels, ignore_case=True)
    given = {
        name: [
            class_of(pair[f"{name}_outcome"], target, pair[f"{name}_output"], labels, pattern)
            for pair, target in zip(pairs, targets, strict=True)
        ]
        for name in ("seed", "best")
    }
    others = sorted({answer for column in given.values() for answer in column} - {*labels})
    answers = (*labels, *others)
    seed, best = (_counts(targets, given[name], labels, answers) for name in ("seed", "best"))
    return Confusion(labels, answers, seed, best)


def _counts(
    targets: Sequence[str], given: Sequence[str], labels: Sequence[str], answers: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    cells = [*zip(targets, given, strict=True)]
    return tuple(tuple(cells.count((label, answer)) for answer in answers) for label in labels)
