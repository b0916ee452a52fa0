"""All of apo's statistics: pure functions from figures to intervals, p-values and plans.

Which one answers which question is told in docs/verdict.md, why they were chosen in
docs/decisions/0020-intervals.md, and how well they hold their levels in
experiments/benchmarks/coverage.py. Intervals are at 95 %, p-values two-sided, unless said
otherwise. What is random draws from a fixed seed: the same figures give the same answer.

Doors: bounded, clusters, counts, groups, means, planning, resampling, selection, sequential.
Rests on: errors.
"""

from apo.statistics.agreement import kappa
from apo.statistics.bounded import bounded_interval, bounded_p
from apo.statistics.clusters import by_group, clustered, group_flip_p
from apo.statistics.counts import mcnemar_p, proportion_interval
from apo.statistics.groups import critical_difference, friedman_p, holm, ranks, signed_rank_p
from apo.statistics.means import CONFIDENCE, interval, mean, within
from apo.statistics.planning import power, rows_needed, visible_gain
from apo.statistics.resampling import bootstrap_of, share_of_wins, sign_flip_p, swap_p
from apo.statistics.selection import Selected, luck_of_best, selected
from apo.statistics.sequential import anytime_interval, anytime_p

__all__ = [
    "CONFIDENCE",
    "Selected",
    "anytime_interval",
    "anytime_p",
    "bootstrap_of",
    "bounded_interval",
    "bounded_p",
    "by_group",
    "clustered",
    "critical_difference",
    "friedman_p",
    "group_flip_p",
    "holm",
    "interval",
    "kappa",
    "luck_of_best",
    "mcnemar_p",
    "mean",
    "power",
    "proportion_interval",
    "ranks",
    "rows_needed",
    "selected",
    "share_of_wins",
    "sign_flip_p",
    "signed_rank_p",
    "swap_p",
    "visible_gain",
    "within",
]
