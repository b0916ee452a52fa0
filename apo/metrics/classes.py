"""Metrics of a classification, by scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from apo.errors import TaskError, near
from apo.scorers.text import Choice
from apo.task import Example


@dataclass(frozen=True, kw_only=True)
class OfLabels:
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

    @property
    def _choice(self) -> Choice:
        return Choice(labels=self.labels, ignore_case=self.ignore_case)

    def read(self, answers: Sequence[str], examples: Sequence[Example]) -> tuple[list[str], ...]:
        """The right classes and the answered ones; "" for an answer of no class.

        Of several accepted targets the one that was answered counts, else the first.
        """
        choice = self._choice
        found = [choice.find(answer) for answer in answers]
        said = [labels[0] if len(labels) == 1 else "" for labels in found]
        pairs = zip(said, examples, strict=True)
        return [label if label in e.targets else e.target for label, e in pairs], said


@dataclass(frozen=True, kw_only=True)
class MacroF1(OfLabels):
    """The mean of the classes' F1: rare classes count as much as frequent ones."""

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give macro-F1; a class that is neither asked for nor answered is left out."""
        right, said = self.read(answers, examples)
        here = [label for label in self.labels if label in {*right, *said}]
        return _mean_of("f1_score", right, said, here, weights)


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

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give the F1; 0 when the class is neither asked for nor answered."""
        right, said = self.read(answers, examples)
        return _mean_of("f1_score", right, said, [self.positive], weights)


@dataclass(frozen=True, kw_only=True)
class BalancedAccuracy(OfLabels):
    """The mean of the classes' recalls (Brodersen et al., 2010)."""

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give balanced accuracy over the classes that are asked for."""
        right, said = self.read(answers, examples)
        here = [label for label in self.labels if label in {*right}]
        return _mean_of("recall_score", right, said, here, weights)


@dataclass(frozen=True, kw_only=True)
class Kappa(OfLabels):
    """Cohen's κ (1960): agreement beyond chance; what is under 0 counts as 0.

    Attributes:
        distance: "none" when all disagreements are alike; "linear" or "quadratic" when labels are
            in order, and far ones disagree more. An answer of no class then stands at the far end.
    """

    distance: Literal["none", "linear", "quadratic"] = "none"

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give κ; 1 when all answers are right, also when there is one class only."""
        right, said = self.read(answers, examples)
        if right == said:
            return 1.0
        if self.distance != "none":
            ends = self.labels[-1], self.labels[0]
            far = {label: ends[2 * i >= len(self.labels)] for i, label in enumerate(self.labels)}
            said = [label or far[wanted] for label, wanted in zip(said, right, strict=True)]
        found = _sklearn().cohen_kappa_score(
            right,
            said,
            labels=[*self.labels, *([""] if self.distance == "none" else [])],
            weights=None if self.distance == "none" else self.distance,
            sample_weight=weights,
        )
        return max(0.0, float(found))


def _mean_of(
    name: str, right: list[str], said: list[str], labels: list[str], weights: Sequence[float]
) -> float:
    """The mean over labels of a figure of each; one that is 0/0 counts as 0."""
    figure = getattr(_sklearn(), name)
    given: dict[str, Any] = {"average": "macro", "zero_division": 0.0, "sample_weight": weights}
    return float(figure(right, said, labels=labels, **given))


def _sklearn() -> Any:
    """scikit-learn's metrics, which have no types; loaded at the first use."""
    return import_module("sklearn.metrics")
