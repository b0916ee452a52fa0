"""The gain in a metric of all answers together: drawn and swapped, as no row has a score."""

import math
from typing import Any

from apo.evaluation.evaluation import Evaluation
from apo.scorers.metrics.metric import over_rows
from apo.statistics.clusters import group_numbers
from apo.statistics.resampling import bootstrap_of, swap_p
from apo.task import Metric

MAX_CLASSES = 20
"""Targets for which a row that was not seen is made up, to bound the measurements."""


def tested_metric(
    metric: Metric, seed: Evaluation, best: Evaluation
) -> tuple[tuple[float, float], float, float]:
    """Bootstrap interval, at 95 %, two-sided permutation p-value, and the gain itself.

    A row that was not seen is, at its worst, one that the seed prompt gets right and the best one
    wrong, of the class where that costs most; and a group that was not seen is as many such rows as
    a group has on average.
    """
    import numpy as np

    shared = [rollout.example for rollout in seed.rollouts]
    n = len(shared)
    unseen = list({example.target: example for example in shared}.values())[:MAX_CLASSES]
    examples = shared + 2 * unseen
    targets, none = [example.target for example in unseen], [""] * len(unseen)
    before = [a.output for a in seed.rollouts] + targets + none
    after = [b.output for b in best.rollouts] + none + targets
    # Row i is the seed prompt's answer to an example, row i + size the best one's to the same.
    figure, size = over_rows(metric, before + after, 2 * examples), len(examples)
    rows = np.arange(n)
    numbers = np.array(group_numbers([example.group for example in shared]))
    units: list[Any] = [np.flatnonzero(numbers == number) for number in range(max(numbers) + 1)]
    k = len(units)
    units += [np.full(math.ceil(n / k), row) for row in range(n, n + 2 * len(unseen))]

    def swapped(swap: Any) -> float:
        there = size * np.asarray(swap, dtype=int)[numbers]
        return figure(rows + size - there) - figure(rows + there)

    def drawn_gain(drawn: Any) -> float:
        found: Any = np.concatenate([units[unit] for unit in drawn])
        return figure(found + size) - figure(found)

    interval = bootstrap_of(
        drawn_gain,
        k,
        worst=range(k, k + len(unseen)),
        best=range(k + len(unseen), k + 2 * len(unseen)),
    )
    return interval, swap_p(swapped, k), figure(rows + size) - figure(rows)
