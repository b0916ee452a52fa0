"""Metrics of a classification, from its confusion matrix.

They give what scikit-learn's functions of the same names give (tested), some fifty times as fast: a
verdict's interval takes thousands of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from apo.errors import TaskError, near
from apo.scorers.choice import Choice
from apo.task import Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class OfLabels(ABC):
    """What the metrics of a classification share.

    Attributes:
        labels: the allowed answers; an answer that names none, or several, is of no class.
        ignore_case: upper and lower case are the same.
    """

    labels: tuple[str, ...]
    ignore_case: bool = True
    by_class: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        _ = self._choice  # Raises when the labels cannot be told apart.

    @cached_property
    def _choice(self) -> Choice:
        return Choice(labels=self.labels, ignore_case=self.ignore_case)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: place for place, label in enumerate(self.labels)}

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give the metric; see `of`."""
        return self.of(self.counts(self.cells(answers, examples), weights))

    @abstractmethod
    def of(self, counts: "Matrix") -> float:
        """Give the metric of a confusion matrix.

        Args:
            counts: a row for each right label, a column for each that was answered; the last
                column is of answers of no class.
        """

    def cells(self, answers: Sequence[str], examples: Sequence[Example]) -> "NDArray[np.intp]":
        """The place of each answer in the confusion matrix, row by row.

        Of several accepted targets the one that was answered is the right one, else the first.

        Raises:
            TaskError: a target is none of the labels.
        """
        import numpy as np

        n, cells = len(self.labels), list[int]()
        for answer, example in zip(answers, examples, strict=True):
            found = self._choice.find(answer, example.inputs)
            said = found[0] if len(found) == 1 else ""
            right = said if said in example.targets else example.target
            if right not in self._places:
                raise TaskError(f"The target {right[:80]!r} is none of the labels.")
            cells.append(self._places[right] * (n + 1) + self._places.get(said, n))
        return np.array(cells, dtype=np.intp)

    def counts(self, cells: "NDArray[np.intp]", weights: Sequence[float] | None = None) -> "Matrix":
        """The confusion matrix of answers in these places."""
        import numpy as np

        n = len(self.labels)
        given = None if weights is None else np.asarray(weights, dtype=float)
        summed = np.bincount(cells, given, n * (n + 1))
        return np.asarray(summed, dtype=float).reshape(n, n + 1)


@dataclass(frozen=True, kw_only=True)
class MacroF1(OfLabels):
    """The mean of the classes' F1: rare classes count as much as frequent ones."""

    def of(self, counts: "Matrix") -> float:
        """Give macro-F1; a class that is neither asked for nor answered is left out."""
        hits, named = _hits(counts)
        there = named > 0
        return float((2 * hits[there] / named[there]).mean())


@dataclass(frozen=True, kw_only=True)
class F1(OfLabels):
    """The F1 of one class, such as spam.

    Attributes:
        positive: the class.
    """

    positive: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.positive not in self.labels:
            raise TaskError(
                f"The metric f1 counts the class {self.positive!r}, which is none of the labels."
                f"{near(self.positive, list(self.labels))}"
            )

    def of(self, counts: "Matrix") -> float:
        """Give the F1; 0 when the class is neither asked for nor answered."""
        hits, named = _hits(counts)
        place = self._places[self.positive]
        return float(2 * hits[place] / named[place]) if named[place] else 0.0


@dataclass(frozen=True, kw_only=True)
class BalancedAccuracy(OfLabels):
    """The mean of the classes' recalls (Brodersen et al., 2010)."""

    def of(self, counts: "Matrix") -> float:
        """Give balanced accuracy over the classes that are asked for."""
        asked = counts.sum(axis=1)
        return float((counts.diagonal()[asked > 0] / asked[asked > 0]).mean())


@dataclass(frozen=True, kw_only=True)
class Kappa(OfLabels):
    """Cohen's κ (1960): agreement beyond chance; what is under 0 counts as 0.

    Attributes:
        distance: "none" when all disagreements are alike; "linear" or "quadratic" when labels are
            in order, and far ones disagree more (Cohen, 1968). An answer of no class then stands
            at the far end.
    """

    distance: Literal["none", "linear", "quadratic"] = "none"

    def of(self, counts: "Matrix") -> float:
        """Give κ; 1 when all answers are right, also when there is one class only."""
        import numpy as np

        n = len(self.labels)
        apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float)
        apart = (apart > 0).astype(float) if self.distance == "none" else apart
        apart = apart**2 if self.distance == "quadratic" else apart
        apart = np.column_stack([apart, np.ones(n)])
        if self.distance != "none":
            for row in range(n):  # What is of no class stands at the end that is further away.
                counts[row, 0 if 2 * row >= n else n - 1] += counts[row, n]
            counts[:, n] = 0
        found = float((counts * apart).sum())
        said, right = counts.sum(axis=0), counts.sum(axis=1)
        chance = float((np.outer(right, said) * apart).sum() / counts.sum())
        return max(0.0, 1 - found / chance) if found else 1.0


def _hits(counts: "Matrix") -> "tuple[Matrix, Matrix]":
    """By class: how often it was rightly answered; how often it was answered, and asked for."""
    named: Any = counts.sum(axis=1) + counts[:, :-1].sum(axis=0)
    return counts.diagonal(), named
