"""Figures of all rows together, such as macro-F1: bootstrap intervals and permutation tests."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from apo.errors import ApoError
from apo.statistics.means import CONFIDENCE

RESAMPLES = 1000
SIGN_FLIPS = 9999
GROUPS = 200
"""Parts that are left out in turn to find the skewness; each row alone where they are fewer."""


def bootstrap_of(
    function: Callable[[Any], float],
    n: int,
    *,
    worst: Sequence[int] = (),
    best: Sequence[int] = (),
) -> tuple[float, float]:
    """Interval of a function of n independent rows, at 95 %.

    Where the worst and best rows that could be are known, one of them stands for all that was not
    seen, and the ends are quantiles of the function over resamples of n + 1 rows: the same idea
    as in `apo.statistics.bounded`. Without them it is the bias-corrected and accelerated
    bootstrap (Efron, "Better Bootstrap Confidence Intervals", 1987, §2-3), with quantiles as far
    out as Student's (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015, §3.2). That
    one covers too seldom where few rows decide, such as those of a rare class; see
    docs/decisions/0020-intervals.md.

    Args:
        function: given an array of row numbers, with repetitions, the figure of these rows;
            NaN where there is none. For a comparison of two prompts it is a difference.
        n: rows, at least 1; their numbers are 0 to n - 1.
        worst: numbers, n and above, of made-up rows that the function knows as well; the one that
            makes the figure lowest is taken.
        best: the same for the high end.

    Returns:
        Low and high end. Without made-up rows, a figure that is the same in all resamples has no
        spread that the rows could tell of, and is widened by 3 / n.

    Raises:
        ApoError: the function has no value for the rows as they are.
    """
    import numpy as np

    found = float(function(np.arange(n)))
    if not math.isfinite(found):
        raise ApoError(f"The figure of all {n} rows is {found}; an interval needs a number.")
    if not worst or not best:
        return _accelerated(function, n, found)

    def with_one(row: int) -> float:
        return float(function(np.array([*range(n), row])))

    low = _quantile(function, n, min(worst, key=with_one), (1 - CONFIDENCE) / 2)
    high = _quantile(function, n, max(best, key=with_one), (1 + CONFIDENCE) / 2)
    return min(low, found), max(high, found)


def _quantile(function: Callable[[Any], float], n: int, extra: int, place: float) -> float:
    """A quantile of the function over resamples of the rows and an extra one."""
    import numpy as np

    rows = np.array([*range(n), extra])
    rng = np.random.default_rng(0)
    drawn = [function(rows[rng.integers(0, n + 1, n + 1)]) for _ in range(RESAMPLES)]
    return float(np.nanquantile(drawn, place))


def _accelerated(function: Callable[[Any], float], n: int, found: float) -> tuple[float, float]:
    """The bias-corrected and accelerated interval."""
    import numpy as np
    from scipy.special import ndtr, ndtri, stdtrit

    rng = np.random.default_rng(0)
    drawn = np.array([function(rng.integers(0, n, n)) for _ in range(RESAMPLES)])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) == 0 or n == 1 or np.ptp(drawn) < 1e-12:
        return found - 3 / n, found + 3 / n
    below = (np.sum(drawn < found - 1e-12) + np.sum(drawn <= found + 1e-12)) / 2 / len(drawn)
    bias = float(ndtri(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn))))
    skew = _acceleration(function, n)
    reach = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(n / (n - 1))
    places = [
        float(ndtr(bias + (bias + z) / max(1e-3, 1 - skew * (bias + z)))) for z in (-reach, reach)
    ]
    low, high = np.quantile(drawn, places)
    return float(min(low, found)), float(max(high, found))


def _acceleration(function: Callable[[Any], float], n: int) -> float:
    """A sixth of the skewness of the figures that are left without each part (Efron, eq. 6.6)."""
    import numpy as np

    rows = np.arange(n)
    parts = min(n, GROUPS)
    left = np.array([function(rows[rows % parts != part]) for part in range(parts)])
    left = left[np.isfinite(left)]
    pulls = left.mean() - left if len(left) else left
    total = float((pulls**2).sum())
    return float((pulls**3).sum()) / (6 * total**1.5) if total > 1e-24 else 0.0


def swap_p(difference: Callable[[Any], float], n: int) -> float:
    """Two-sided p-value of "both prompts are alike" for a figure of all rows.

    Approximate randomization (Noreen, 1989; Yeh, 2000): were they alike, each row's two answers
    could as well be swapped.

    Args:
        difference: given an array of n truth values, which rows' answers are swapped, the
            difference of the two figures.
        n: rows, at least 1.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    found = abs(difference(np.zeros(n, dtype=bool)))
    drawn = (abs(difference(rng.random(n) < 0.5)) for _ in range(RESAMPLES))
    return (1 + sum(value >= found - 1e-12 for value in drawn)) / (RESAMPLES + 1)


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of "the differences scatter evenly around 0" (Fisher, 1935).

    For a mean that may be 0 while the differences lean to one side, take `bounded_p`.

    Args:
        differences: of pairs; those that are 0 change nothing.
    """
    import numpy as np
    from scipy import stats

    values = np.asarray(differences, dtype=float)
    values = values[values != 0]
    if len(values) < 2:
        return 1.0  # One pair may fall either way: both its sign flips are as extreme.
    test = stats.permutation_test(
        (values,),
        np.sum,
        permutation_type="samples",
        n_resamples=SIGN_FLIPS,
        batch=max(1, min(SIGN_FLIPS, 5_000_000 // len(values))),
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)


def share_of_wins(differences: Sequence[float], groups: Sequence[str] = ()) -> float:
    """In how many resamples of the rows their mean difference is above 0, as a share.

    Args:
        differences: of pairs of scores, at least one.
        groups: what the row of each belongs with; where rows share a group, groups are drawn.
    """
    import numpy as np

    values = np.asarray(differences, dtype=float)
    names = [name or f"row {i}" for i, name in enumerate(groups or [""] * len(values))]
    _, numbers = np.unique(names, return_inverse=True)
    sums = np.bincount(numbers, weights=values)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=RESAMPLES) @ sums
    return float((drawn > 1e-12).mean())
