"""The mean of values that cannot leave [-1, 1]: an interval and a test that agree.

Gaffke's bound (2005; Learned-Miller and Thomas, "A New Confidence Interval for the Mean of a
Bounded Random Variable", 2019, arXiv:1905.06208): the rows get random weights, uniform over all
weights that add up to 1, as in the Bayesian bootstrap, and one row more stands for all that was
not seen; it has the worst value that there is. It asks for no normal, symmetric or continuous
values. For values of two kinds it is Clopper and Pearson's interval, and against zero for values
-1, 0, 1 it is McNemar's exact test, to the last digit; for others its level is a conjecture that
no search has refuted.

Weights like that are unit exponentials over their sum. So the chance that the weighted mean
exceeds m is the chance that a sum of exponentials, each times (value - m), exceeds 0; that is
an integral over the sum's moment generating function, along the vertical line through the saddle
point (Daniels, "Tail Probability Approximations", 1987, §2), and takes no random draws.

Where rows come in groups, the groups get the weights, and one group more, of their mean size,
stands for all that was not seen: a bootstrap of clusters. The mean over rows is then a ratio, the
sum of the groups' sums over that of their sizes, and it exceeds m where the sum of exponentials,
each times (sum - m * size), exceeds 0. With one row in each group it is the same as without.
"""

from collections.abc import Sequence
from typing import Any

from apo.statistics.means import CONFIDENCE
from apo.statistics.roots import root

NODES, REACH = 121, 10.0
"""Of the integral along y = sinh(v), 0 <= v <= reach: good to 11 digits for one row or 10^5."""
MAX_DISTINCT = 2000
"""Values beyond which they are rounded to 0.001: too little to matter where there are so many."""


def bounded_interval(
    values: Sequence[float], sizes: Sequence[int] | None = None
) -> tuple[float, float]:
    """Interval of the mean of values in [-1, 1], such as differences of scores.

    Args:
        values: at least one, independent; with sizes, the sum of each group's values.
        sizes: how many values each group has; None where each value stands alone.

    Returns:
        Low and high end, at 95 %: each is missed with a chance of at most 2.5 %.
    """
    return -_highest([-value for value in values], sizes), _highest(values, sizes)


def bounded_p(values: Sequence[float], sizes: Sequence[int] | None = None) -> float:
    """Two-sided p-value of "the mean is 0" for values in [-1, 1].

    It is at most 5 % exactly when `bounded_interval` leaves 0 out.

    Args:
        values: at least one, independent; with sizes, the sum of each group's values.
        sizes: how many values each group has; None where each value stands alone.
    """
    mirrored = [-value for value in values]
    sides = (_exceeds(_grouped(side, sizes), 0.0) for side in (values, mirrored))
    return min(1.0, 2 * min(sides))


def _highest(values: Sequence[float], sizes: Sequence[int] | None) -> float:
    """The largest mean that is not refuted, at 2.5 %."""
    grouped, alpha = _grouped(values, sizes), (1 - CONFIDENCE) / 2
    low = float((grouped[0] / grouped[1]).min())
    if low >= 1:
        return 1.0
    return root(lambda m: _exceeds(grouped, m) - alpha, low, 1.0, xtol=1e-12)


def _grouped(values: Sequence[float], sizes: Sequence[int] | None) -> tuple[Any, Any, Any]:
    """Distinct values with their sizes, and how often each occurs, the worst one once more."""
    import numpy as np

    sizes = [1] * len(values) if sizes is None else sizes
    unseen = sum(sizes) / len(sizes)
    pairs = np.array([*values, unseen]) + 1j * np.array([*sizes, unseen])
    # 0.4 - 0.3 is not 0.3 - 0.2 to the last bit.
    found, counts = np.unique(np.round(pairs, 12), return_counts=True)
    if len(found) > MAX_DISTINCT:
        found, counts = np.unique(np.round(pairs, 3), return_counts=True)
    return found.real, found.imag, counts


def _exceeds(grouped: tuple[Any, Any, Any], m: float) -> float:
    """The chance that the mean of the values, with random weights, exceeds m."""
    import numpy as np

    values, sizes, counts = grouped
    factors = values - m * sizes
    if factors.max() <= 0 or factors.min() >= 0:
        return float(factors.min() >= 0)
    # The tail away from the mean is integrated, the other one is what is left of 1.
    upper = (factors * counts).sum() <= 0
    factors = factors if upper else -factors

    weighted = counts * factors

    def slope(s: float) -> float:
        return float(np.add.reduce(weighted / (1 - factors * s)) - 1 / s)

    end = 1 / factors.max()
    saddle = root(slope, 1e-12 * end, (1 - 1e-12) * end)
    width = (counts * (factors / (1 - factors * saddle)) ** 2).sum() + saddle**-2
    v, step = np.linspace(0.0, REACH, NODES, retstep=True)
    s = saddle + 1j * np.sinh(v) / width**0.5
    exponent = -np.log(s) - counts @ np.log(1 - np.outer(factors, s))
    heights = np.exp(exponent).real * np.cosh(v) / width**0.5
    heights[0] /= 2  # The other half of the line is the mirror image of this one.
    tail = float(heights.sum() * step / np.pi)
    return tail if upper else 1 - tail
