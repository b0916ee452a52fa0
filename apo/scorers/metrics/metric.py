"""Metrics: one figure of all answers together, for tasks where the mean score says too little.

A metric takes the place of the mean score wherever prompts are compared: in the search, in the
choice of the best prompt and in the verdict. Per-example scores stay what they are; methods that
look at single examples (races, Pareto fronts) go on doing so.

On a minibatch, classes are drawn one of each first and then in proportion (`select.draw`), and each
example counts by its class's share of the validation split over its share of the minibatch. So the
confusion matrix that the metric is computed from is unbiased, given how many of each class were
drawn; balanced accuracy is then unbiased, and F1 and κ, ratios of such counts, are off by terms of
the order 1/n, alike for all prompts (macro-F1 of three classes, one of them 6 %: −0.08 with 12
examples, −0.03 with 35). Corpus BLEU and the correlations weigh all examples alike.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apo.task import Example, Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray


def over_rows(
    metric: Metric, answers: Sequence[str], examples: Sequence[Example]
) -> "Callable[[NDArray[Any]], float]":
    """Give a function of row numbers, with repetitions: the metric of these rows, unweighted.

    Answers are read once where the metric allows it, as the function is called some thousand times.
    """
    from apo.scorers.metrics.classes import OfLabels

    if isinstance(metric, OfLabels):
        cells = metric.cells(answers, examples)
        return lambda rows: metric.of(metric.counts(cells[rows]))

    def figure(rows: "NDArray[Any]") -> float:
        chosen = [int(i) for i in rows]
        weights = [1.0] * len(chosen)
        return metric([answers[i] for i in chosen], [examples[i] for i in chosen], weights)

    return figure


def class_weights(examples: Sequence[Example], shares: Mapping[str, float]) -> list[float]:
    """How much each example counts, so that the classes have the shares that they should have.

    Args:
        examples: what was drawn.
        shares: of each target; those that were not drawn, or are not listed, change nothing.
    """
    drawn = Counter(example.target for example in examples)
    n = len(examples)
    return [shares.get(e.target, drawn[e.target] / n) * n / drawn[e.target] for e in examples]


def class_shares(examples: Sequence[Example]) -> dict[str, float]:
    """The share of each target."""
    return {t: k / len(examples) for t, k in Counter(e.target for e in examples).items()}
