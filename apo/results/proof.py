"""How sure it is that one prompt is better than another on the same examples, and what would do.

Read from pairs of scores: Gaffke's interval and p-value, for a mean of bounded values, which are
McNemar's exact test where every score is 0 or 1 (`apo.statistics.bounded`;
docs/decisions/0020-intervals.md); of a metric of all answers, from draws and swaps of the rows
(`apo.results.metric_gain`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from apo.evaluation.evaluation import Evaluation
from apo.results.metric_gain import tested_metric
from apo.results.paired import Pairs, tested
from apo.statistics.bounded import bounded_interval
from apo.statistics.clusters import LEAST_GROUPS, n_groups
from apo.statistics.counts import mcnemar_p
from apo.statistics.planning import rows_needed, visible_gain

SEEN = 1 + 0.8416 / 1.96
"""A gain of so many times what the interval reaches down is proven 8 times of 10."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the examples show of a difference, and how many would show it.

    Attributes:
        interval: of the second prompt's score less the first one's, at 95 %.
        p_value: of "there is no difference", two-sided.
        visible_gain: the smallest gain that so many examples show with 80 % power; None where not
            even a gain of 1 would be seen.
        rows_needed: how many examples would show this gain; None where there is none.
    """

    interval: tuple[float, float]
    p_value: float
    visible_gain: float | None
    rows_needed: int | None


def prove(before: Evaluation, after: Evaluation) -> Proof:
    """Compare two prompts on the same examples, in one order; at least one has both scores."""
    if after.metric is not None:
        groups = [r.example.group for r in before.rollouts]
        interval, p_value, gain = tested_metric(after.metric, before, after)
        return _planned(len(groups), gain, interval, p_value, n_groups(groups))
    pairs = Pairs().add(before, after)
    return _of_ungraded(pairs) if pairs.ungraded else _of_scores(pairs.differences, pairs.groups)


def _of_scores(differences: Sequence[float], groups: Sequence[str]) -> Proof:
    """Of a mean of scores."""
    n, gain = len(differences), sum(differences) / len(differences)
    interval, p_value = _tested(differences, groups)
    if any(groups) or not {*differences} <= {-1.0, 0.0, 1.0}:
        return _planned(n, gain, interval, p_value, n_groups(groups))
    different = (differences.count(1.0) + differences.count(-1.0)) / n
    return Proof(
        interval=interval,
        p_value=p_value,
        visible_gain=visible_gain(n, different),
        rows_needed=rows_needed(gain, different) if gain > 0 else None,
    )


def _of_ungraded(pairs: Pairs) -> Proof:
    """The same where grades are missing: what holds whatever they would have been."""
    ends = [_tested(found, pairs.groups) for found in (pairs.lowest, pairs.highest)]
    ends.append(_tested(pairs.differences, pairs.groups_graded))
    interval = min(low for (low, _), _ in ends), max(high for (_, high), _ in ends)
    # Where the missing grades decide which prompt is ahead, some of them would make both alike.
    decided = sum(pairs.lowest) > 0 or sum(pairs.highest) < 0
    p_value = max(p for _, p in ends) if decided else 1.0
    n, gain = len(pairs.differences), sum(pairs.differences) / len(pairs.differences)
    planned = _planned(n, gain, interval, p_value, n_groups(pairs.groups_graded))
    # More examples would not bring the grades that are missing.
    return replace(planned, rows_needed=None)


def _tested(
    differences: Sequence[float], groups: Sequence[str]
) -> tuple[tuple[float, float], float]:
    if any(groups) or not {*differences} <= {-1.0, 0.0, 1.0}:
        return tested(differences, groups)
    p_value = mcnemar_p(differences.count(1.0), differences.count(-1.0))
    return bounded_interval(differences), p_value


def _planned(
    n: int, gain: float, interval: tuple[float, float], p_value: float, groups: int
) -> Proof:
    """Add the smallest gain that can be seen, and the rows that this gain would take.

    The rows are in groups like these, where there are any.
    """
    visible = SEEN * (gain - interval[0])
    # What the interval reaches down shrinks with the root of the rows, or faster.
    needed = math.ceil(n * (visible / gain) ** 2) if gain > 0.001 else None
    return Proof(
        interval=interval,
        p_value=p_value,
        visible_gain=None if visible > 1 or 0 < groups < LEAST_GROUPS else visible,
        rows_needed=needed,
    )
