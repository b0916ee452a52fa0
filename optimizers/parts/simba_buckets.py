"""SIMBA's buckets: how far the answers to one example lie apart."""

import math
from collections.abc import Sequence
from statistics import quantiles

from apo import Rollout


class ExampleBucket:
    """The answers to one example.

    Attributes:
        values: their scores, the highest first.
        best: the answer with the highest score; of equal ones the first.
        worst: the answer with the lowest score; of equal ones the last.
    """

    def __init__(self, rollouts: Sequence[Rollout]) -> None:
        ranked = sorted(
            ((rollout.score.value, rollout) for rollout in rollouts if rollout.score),
            key=lambda pair: pair[0],
            reverse=True,
        )
        self.values = [value for value, _ in ranked]
        self.best, self.worst = ranked[0][1], ranked[-1][1]

    @property
    def rank(self) -> tuple[float, float, float]:
        """How far the best lies from the worst, how good it is, how far it lies from the mean."""
        best, mean = self.values[0], math.fsum(self.values) / len(self.values)
        return best - self.values[-1], best, best - mean


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The 10th and the 90th percentile, interpolated; both 0 without any values."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    tenths = quantiles(values, n=10, method="inclusive")
    return tenths[0], tenths[-1]
