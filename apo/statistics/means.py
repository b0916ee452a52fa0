"""Means over seeds and tasks, with Student's interval."""

from collections.abc import Sequence

CONFIDENCE = 0.95


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return sum(values) / len(values)


def interval(groups: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Student's interval, at 95 %, of the mean over groups of the mean over a group's values.

    Groups are the tasks, which stay; values are the seeds, which were drawn. Their spread may
    differ from group to group, so the degrees of freedom are those of Welch and Satterthwaite
    (Satterthwaite, 1946). A bootstrap of five values would be too narrow by about a quarter.

    Args:
        groups: one for each task; each holds a value for each seed.

    Returns:
        Low and high end; None when no group has two values, which say nothing of their spread.
        A group of one value adds no spread.
    """
    from scipy.special import stdtrit

    if not groups or all(len(group) < 2 for group in groups):
        return None
    middle = mean([mean(group) for group in groups])
    parts = [
        (sum((value - mean(group)) ** 2 for value in group) / (len(group) - 1) / len(group), group)
        for group in groups
        if len(group) > 1
    ]
    total = sum(part for part, _ in parts)
    if not total:
        return middle, middle
    freedom = total**2 / sum(part**2 / (len(group) - 1) for part, group in parts)
    reach = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * total**0.5 / len(groups)
    return middle - reach, middle + reach


def within(
    found: tuple[float, float] | None, low: float, high: float
) -> tuple[float, float] | None:
    """Cut an interval to what the value can be; of two seeds it may reach far beyond."""
    return None if found is None else (max(low, found[0]), min(high, found[1]))
