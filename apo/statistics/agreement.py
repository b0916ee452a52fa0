"""Agreement of two raters beyond chance: Cohen's κ."""

from collections.abc import Hashable, Sequence
from typing import Any, Literal

from apo.errors import ApoError
from apo.statistics.means import CONFIDENCE

RESAMPLES = 9999

Weights = Literal["same", "linear", "quadratic"]


def kappa(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    *,
    weights: Weights = "same",
    labels: Sequence[Hashable] = (),
) -> tuple[float, tuple[float, float]]:
    """Cohen's κ (1960; weighted, 1968) with its interval, at 95 %.

    The usual interval (Fleiss, Cohen and Everitt, 1969) has no width where all agree, and covers
    too seldom for few rows. This one gives the rows random weights that add up to 1, with one row
    more that is the worst for the end in question, as `bounded_interval` does for a mean.

    Args:
        a: what one rater said of each row.
        b: what the other one said of the same rows.
        weights: "same": labels are equal or not. For ratings on a scale, sorted by their values,
            how bad it is to be apart: "linear" in the number of steps, or "quadratic".
        labels: the whole scale in its order, with grades that nobody gave; by default what was
            said, sorted.

    Returns:
        κ, in [-1, 1] (1 is perfect, 0 is what chance gives), and its low and high end. Where
        both raters say one and the same label throughout, chance agrees as well: 0, (-1, 1).

    Raises:
        ApoError: no rows, not as many of one as of the other, or a label that the scale lacks.
    """
    import numpy as np

    if len(a) != len(b) or not a:
        raise ApoError(
            f"κ compares two ratings of each row; it was given {len(a)} of one rater and {len(b)} "
            "of the other."
        )
    if len({*a, *b}) == 1:
        return 0.0, (-1.0, 1.0)
    scale = list(labels) or _sorted({*a, *b})
    places = {label: place for place, label in enumerate(scale)}
    k = len(scale)
    if lacking := {*a, *b} - places.keys():
        raise ApoError(f"The scale of κ lacks {sorted(map(str, lacking))[:5]}.")
    table = np.zeros((k, k))
    for x, y in zip(a, b, strict=True):
        table[places[x], places[y]] += 1
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    apart = {"same": np.minimum(steps, 1), "linear": steps, "quadratic": steps**2}[weights]
    found = float(_kappa(table, apart))
    one_more = table + np.eye(k * k).reshape(-1, k, k)
    ends = _kappa(one_more, apart)
    alpha = (1 - CONFIDENCE) / 2
    low = np.quantile(_drawn(one_more[ends.argmin()], apart), alpha)
    high = np.quantile(_drawn(one_more[ends.argmax()], apart), 1 - alpha)
    return found, (float(low), float(high))


def _sorted(labels: set[Any]) -> list[Any]:
    """By their values; words and numbers mixed by their texts."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=str)


def _drawn(table: Any, apart: Any) -> Any:
    """κ of the table's rows with random weights."""
    import numpy as np

    cells = np.argwhere(table > 0)
    shares = np.random.default_rng(0).dirichlet(table[table > 0], size=RESAMPLES)
    tables = np.zeros((RESAMPLES, *table.shape))
    tables[:, cells[:, 0], cells[:, 1]] = shares
    return _kappa(tables, apart)


def _kappa(tables: Any, apart: Any) -> Any:
    """κ of one table, or of each of many."""
    import numpy as np

    n = tables.sum(axis=(-2, -1))
    by_chance = tables.sum(axis=-1)[..., :, None] * tables.sum(axis=-2)[..., None, :]
    expected = (by_chance * apart).sum(axis=(-2, -1)) / n**2
    found = (tables * apart).sum(axis=(-2, -1)) / n
    return 1 - np.divide(found, expected, out=np.ones_like(expected), where=expected > 1e-15)
