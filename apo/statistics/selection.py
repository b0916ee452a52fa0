"""The winner's curse: the best of many candidates looks better than it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apo.statistics.means import mean

RESAMPLES = 1000


@dataclass(frozen=True, kw_only=True)
class Selected:
    """The candidate with the highest mean, and what its mean is worth.

    Attributes:
        index: which candidate; the first of equals.
        score: its mean on the rows that it was chosen by.
        corrected: what to expect of it on new rows; never above the score.
    """

    index: int
    score: float
    corrected: float

    @property
    def optimism(self) -> float:
        """How much of the score is luck in the choice."""
        return self.score - self.corrected


def selected(
    scores: Sequence[Sequence[float | None]], groups: Sequence[int] | None = None
) -> Selected:
    """Choose the best of several candidates by the same rows, and correct its mean for the choice.

    Bootstrap bias correction (Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the
    Out-of-sample Predictions", 2018, algorithm 2): rows are drawn with repetition, the best
    candidate on them is measured on the rows that were not drawn, and the mean over many draws is
    what a choice like this is worth. It costs no model call. A draw leaves 37 % of the rows out,
    so the choice is made on fewer, and the corrected mean is rather too low than too high. It
    knows nothing of a search that learned from the scores of earlier candidates on these rows.

    For a gain over the seed prompt, give differences from its scores.

    Args:
        scores: a row of numbers for each candidate, all on the same examples in the same order;
            None where there is no answer. At least one candidate and one example.
        groups: the number of each example's group, from 0 on without a gap: groups are drawn, and
            not examples. None where each example stands alone.
    """
    import numpy as np

    table = np.array([[np.nan if s is None else s for s in row] for row in scores], dtype=float)
    known = np.isfinite(table)
    filled = np.where(known, table, 0.0)
    n = table.shape[1]
    rng = np.random.default_rng(0)
    of = np.array([*range(n)] if groups is None else [*groups])
    k = int(of.max()) + 1
    times = rng.multinomial(k, np.full(k, 1 / k), size=RESAMPLES)[:, of]

    def means(weights: Any) -> Any:
        sums, sizes = weights @ filled.T, weights @ known.T.astype(float)
        return np.divide(sums, sizes, out=np.full_like(sums, np.nan), where=sizes > 0)

    everywhere = np.nan_to_num(means(np.ones((1, n))), nan=-np.inf)[0]
    index = int(everywhere.argmax())
    inside = np.nan_to_num(means(times.astype(float)), nan=-np.inf)
    outside = means((times == 0).astype(float))
    found: Any = outside[np.arange(RESAMPLES), inside.argmax(axis=1)]
    score: float = everywhere.tolist()[index]
    measured = found[np.isfinite(found)].tolist()
    corrected = mean(measured) if measured else score
    return Selected(index=index, score=score, corrected=min(score, corrected))


def luck_of_best(
    gains: Sequence[Sequence[float | None]], groups: Sequence[int] | None = None
) -> float:
    """How often the best of as many candidates would look this good if none had a gain.

    White's reality check ("A Reality Check for Data Snooping", 2000), with gains in units of their
    standard errors: rows are drawn with repetition, each candidate's mean gain is taken off, and
    the largest that is left is what luck makes of the best. Unlike `selected`, it looks at all
    candidates together, as those of one search are alike.

    Args:
        gains: a row of numbers for each candidate, its scores less the seed's, all on the same
            examples in the same order; None where one of the two is missing.
        groups: the number of each example's group, as in `selected`.

    Returns:
        A share of the resamples: small where the best gain is more than luck explains.
    """
    import numpy as np

    table = np.array([[np.nan if g is None else g for g in row] for row in gains], dtype=float)
    known = np.isfinite(table)
    filled = np.where(known, table, 0.0)
    n = table.shape[1]
    of = np.array([*range(n)] if groups is None else [*groups])
    k = int(of.max()) + 1
    times = np.random.default_rng(0).multinomial(k, np.full(k, 1 / k), size=RESAMPLES)[:, of]
    sizes = np.maximum(times @ known.T.astype(float), 1)
    means = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    drawn = times @ filled.T / sizes - means
    spread = np.sqrt((drawn**2).mean(axis=0)) + 1e-9
    best = int(means.argmax())
    return float((np.max(drawn / spread, axis=1) >= means[best] / spread[best]).mean())
