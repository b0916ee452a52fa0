"""Rows in groups, such as the turns of a conversation: what is independent is the group.

Rows of one group rise and fall together, so that 96 rows in 27 groups prove as little as 27 rows
may. Everything here looks at a group's sum alone, whatever goes on within it. Two tests must agree
that there is a gain. The signs of the groups' sums are flipped (Fisher, 1935): exact where the two
prompts are alike, however unequal the groups. And the bound of `apo.statistics.bounded`, with one
group more that was not seen: it holds where a mean of 0 is made of many small gains and a rare
large loss, which the first does not see.
"""

from collections.abc import Sequence

from apo.statistics.bounded import bounded_interval, bounded_p
from apo.statistics.means import CONFIDENCE
from apo.statistics.resampling import sign_flip_p

LEAST_GROUPS = 6
"""With fewer no gain can be proven: 5 groups that all gain have p = 2 / 2^5."""
MAX_EXACT = 20_000
"""Sum of whole numbers up to which the flips are counted and not drawn."""


def by_group(values: Sequence[float], groups: Sequence[str]) -> tuple[list[float], list[int]]:
    """Add up values by group.

    Args:
        values: one for each row.
        groups: the group of each; rows with "" stand alone.

    Returns:
        The groups' sums and their sizes, in the order of their first rows.
    """
    members: dict[int, list[float]] = {}
    for value, number in zip(values, group_numbers(groups), strict=True):
        members.setdefault(number, []).append(value)
    return [sum(found) for found in members.values()], [*map(len, members.values())]


def group_numbers(groups: Sequence[str]) -> list[int]:
    """Number groups in the order of their first rows, from 0; each row with "" is its own."""
    numbers: dict[str | int, int] = {}
    return [numbers.setdefault(group or row, len(numbers)) for row, group in enumerate(groups)]


def n_groups(groups: Sequence[str]) -> int:
    """How many independent groups rows have, those that stand alone included; 0 for no groups."""
    return max(group_numbers(groups)) + 1 if any(groups) else 0


def full_bet(groups: Sequence[str]) -> float:
    """The size of a group on which all may be bet, in `anytime_p`; on smaller ones it is less.

    The largest, so that each row counts alike; but twice the mean where there are giants, which
    would leave nothing to bet on the others.

    Args:
        groups: of all rows that may be seen.
    """
    _, sizes = by_group([0.0] * len(groups), groups)
    return min(float(max(sizes)), 2 * sum(sizes) / len(sizes))


def clustered(sums: Sequence[float], sizes: Sequence[int]) -> tuple[tuple[float, float], float]:
    """Interval, at 95 %, and two-sided p-value of a mean over rows that come in groups.

    They agree: p is at most 5 % exactly when the interval leaves 0 out.

    Args:
        sums: of each group's values, which are in [-1, 1]; at least one.
        sizes: how many values each group has.
    """
    low, high = bounded_interval(sums, sizes)
    p_value = max(bounded_p(sums, sizes), group_flip_p(sums))
    if p_value > 1 - CONFIDENCE:  # What either test does not refute, the interval holds.
        low, high = min(low, 0.0), max(high, 0.0)
    return (low, high), p_value


def group_flip_p(sums: Sequence[float]) -> float:
    """Two-sided p-value of "both prompts are alike", by flipping the signs of groups' sums.

    All flips are counted where the sums are whole numbers, as those of right and wrong answers
    are, and where there are few groups; else some are drawn.

    Args:
        sums: of each group's differences.
    """
    import numpy as np

    values = np.round(np.abs(np.asarray(sums, dtype=float)), 9)
    whole = values.astype(int)
    if (whole != values).any() or whole.sum() > MAX_EXACT:
        return sign_flip_p(np.round(sums, 9).tolist())
    chances = np.ones(1)  # Of each sum of flipped values, from the least to the greatest.
    for value in whole[whole > 0].tolist():
        gap = np.zeros(2 * value)
        chances = (np.concatenate([chances, gap]) + np.concatenate([gap, chances])) / 2
    reached = np.abs(np.arange(len(chances)) - whole.sum())
    return min(1.0, float(chances[reached >= abs(round(sum(sums)))].sum()))
