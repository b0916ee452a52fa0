"""Is the best prompt better than the seed? Answered once, on the untouched test split.

Both prompts are measured on the same examples. The difference of their means comes with a paired
bootstrap interval (BCa; Efron, 1987) and an exact p-value: McNemar's test (1947) where every
score is 0 or 1, otherwise a sign-flip permutation test of the paired differences.
"""

import warnings
from dataclasses import dataclass
from typing import Any

from apo.errors import ApoError
from apo.evaluation import Evaluation

CONFIDENCE = 0.95
RESAMPLES = 9999


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Seed against best on the test split.

    Attributes:
        n: examples that both prompts answered.
        seed_score: mean score of the seed prompt on them, in [0, 1].
        best_score: mean score of the best prompt on them, in [0, 1].
        interval: of best_score - seed_score, at 95 %.
        p_value: of "there is no difference", two-sided.
        wins: examples on which the best prompt scored higher.
        losses: examples on which the seed prompt scored higher.
        seed_counts: right, wrong, malformed and errors of the seed prompt.
        best_counts: the same for the best prompt.
        complete: whether all the test examples that were set aside were measured.
    """

    n: int
    seed_score: float
    best_score: float
    interval: tuple[float, float]
    p_value: float
    wins: int
    losses: int
    seed_counts: dict[str, int]
    best_counts: dict[str, int]
    complete: bool = True

    @property
    def difference(self) -> float:
        """How much the best prompt scored above the seed prompt."""
        return self.best_score - self.seed_score

    @property
    def favourable(self) -> bool:
        """Whether the gain is beyond noise: the interval is above 0, and so says the test."""
        return self.interval[0] > 0 and self.p_value <= 1 - CONFIDENCE

    def __str__(self) -> str:
        """Tell the verdict in a sentence or two."""
        low, high = self.interval
        word = "Favourable" if self.favourable else "Not proven"
        return (
            f"{word}: {self.seed_score:.1%} with the seed prompt, {self.best_score:.1%} with the "
            f"best one on {self.n} test examples. {100 * self.difference:+.1f} points, "
            f"{CONFIDENCE:.0%} interval {100 * low:+.1f} to {100 * high:+.1f}, "
            f"p = {self.p_value:.2g}; {self.wins} won, {self.losses} lost."
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the verdict as JSON values."""
        return {
            "favourable": self.favourable,
            "n": self.n,
            "seed_score": self.seed_score,
            "best_score": self.best_score,
            "difference": self.difference,
            "interval": list(self.interval),
            "confidence": CONFIDENCE,
            "p_value": self.p_value,
            "wins": self.wins,
            "losses": self.losses,
            "seed_counts": self.seed_counts,
            "best_counts": self.best_counts,
            "complete": self.complete,
        }


def judge(seed: Evaluation, best: Evaluation, *, complete: bool = True) -> Verdict:
    """Compare two evaluations of the same examples, pair by pair.

    Examples that either prompt left unanswered are left out of the pairs.

    Raises:
        ApoError: no example was answered under both prompts.
    """
    pairs = [
        (a.score.value, b.score.value)
        for a, b in zip(seed.rollouts, best.rollouts, strict=True)
        if a.score is not None and b.score is not None
    ]
    if not pairs:
        raise ApoError("No test example was answered under both prompts; there is no verdict.")
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    return Verdict(
        n=len(pairs),
        seed_score=sum(before) / len(pairs),
        best_score=sum(after) / len(pairs),
        interval=bootstrap_interval(before, after),
        p_value=p_value(before, after),
        wins=sum(b > a for a, b in pairs),
        losses=sum(b < a for a, b in pairs),
        seed_counts=seed.counts(),
        best_counts=best.counts(),
        complete=complete,
    )


def bootstrap_interval(before: list[float], after: list[float]) -> tuple[float, float]:
    """Interval of the mean of after - before, from resampled pairs.

    Args:
        before: scores of one prompt.
        after: scores of the other on the same examples.

    Returns:
        Low and high end. When all differences are equal, the data say nothing of their spread:
        the interval is that one value widened by the rule of three (3/n; Hanley, 1983).
    """
    import numpy as np
    from scipy import stats

    differences = np.subtract(after, before)
    n, mean = len(differences), float(differences.mean())
    if np.ptp(differences) < 1e-9:  # 0.4 - 0.3 is not 0.3 - 0.2 to the last bit.
        return max(-1.0, mean - 3 / n), min(1.0, mean + 3 / n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (differences,),
            np.mean,
            n_resamples=RESAMPLES,
            batch=_batch(n),
            confidence_level=CONFIDENCE,
            method="BCa",
            rng=np.random.default_rng(0),
        ).confidence_interval
    return float(found.low), float(found.high)


def p_value(before: list[float], after: list[float]) -> float:
    """Two-sided p-value of "neither prompt is better", from the pairs that differ.

    Args:
        before: scores of one prompt.
        after: scores of the other on the same examples.
    """
    import numpy as np
    from scipy import stats

    differences = np.subtract(after, before)
    differences = differences[differences != 0]
    if len(differences) == 0:
        return 1.0
    if set(np.unique(np.abs(differences))) == {1.0}:
        return float(stats.binomtest(int((differences > 0).sum()), len(differences)).pvalue)
    if len(differences) == 1:
        return 1.0  # One pair may fall either way: both its sign flips are as extreme.
    test = stats.permutation_test(
        (differences,),
        np.sum,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        batch=_batch(len(differences)),
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)


def _batch(n: int) -> int:
    """How many resamples of n pairs are held in memory at once: some 40 MB of them."""
    return max(1, min(RESAMPLES, 5_000_000 // n))
