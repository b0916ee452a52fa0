"""Race: candidates meet the same examples, block by block, until the losers are clear."""

import math
from collections.abc import Sequence
from typing import Literal

Statistics = Literal["authors", "corrected"]


def better_p_value(
    better: Sequence[float | None],
    worse: Sequence[float | None],
    *,
    handicap: float = 0.0,
    statistics: Statistics = "authors",
) -> float:
    """Test whether one candidate scores more than another on the same examples.

    The one-sided paired t-test on the differences better − worse − handicap. It is undefined when
    all differences are one number d. "authors": then p is 0, 1, or NaN for d above, below or
    equal to 0, so that with a handicap one token of length decides for certain. "corrected": then
    p is 1 for d ≤ 0, and for d > 0 it is 2^−examples, the smallest that any test can give that
    knows no more than the signs.

    Args:
        better: scores of the candidate that may be better, by example; None is unknown, and
            leaves the example out for both.
        worse: scores of the other, on the same examples.
        handicap: how much the first one's length costs it more than the other's, per example.
        statistics: what to make of differences without variance.

    Returns:
        The p-value, in [0, 1]; NaN, which is below no level, when "authors" cannot tell; for
        fewer than two known pairs NaN or 1.
    """
    pairs = zip(better, worse, strict=True)
    found = [a - b - handicap for a, b in pairs if a is not None and b is not None]
    n = len(found)
    if n < 2:
        return math.nan if statistics == "authors" else 1.0
    mean = sum(found) / n
    if max(found) == min(found):
        if statistics == "corrected":
            return 0.5**n if mean > 0 else 1.0
        return math.nan if mean == 0 else float(mean < 0)
    variance = sum((d - mean) ** 2 for d in found) / (n - 1)
    from scipy.special import stdtr

    return float(stdtr(n - 1, -mean / math.sqrt(variance / n)))


def race_losers(
    scores: Sequence[Sequence[float | None]],
    n: int,
    *,
    alpha: float = 0.2,
    penalties: Sequence[float] | None = None,
    statistics: Statistics = "authors",
) -> list[int]:
    """Say who is out of a race for n places (CAPO; Zehle et al., 2025).

    "authors": a candidate is out when at least n others are better, each with p < alpha in a
    paired t-test of score − penalty; nothing corrects for the many tests.

    "corrected": the test is on the scores alone, penalties do not count. A candidate is out when
    "fewer than n others are better" is refuted: when the n-th smallest of its p-values, times the
    (others − n + 1) of which it is the smallest, is below alpha (Bonferroni for a partial
    conjunction; Benjamini and Heller, 2008). So one that belongs among the best n is lost with a
    probability of at most alpha in one look; share alpha among the looks for the whole race.

    Args:
        scores: of each candidate by example, all on the same examples; None is unknown.
        n: places; at least 1.
        alpha: level of the tests, above 0 and below 0.5.
        penalties: what each candidate's length costs it, in units of score; 0 when left out.
        statistics: "authors" or "corrected".

    Returns:
        Indices of those that are out, in order. The n with the highest means are never among
        them, so at least n stay in.
    """
    if len(scores) <= n:
        return []
    charged = (
        penalties if penalties is not None and statistics == "authors" else [0.0] * len(scores)
    )
    ranked = sorted(range(len(scores)), key=lambda i: (-_mean(scores[i]) + charged[i], i))
    losers: list[int] = []
    for i in sorted(ranked[n:]):
        tests = [
            better_p_value(
                scores[j], scores[i], handicap=charged[j] - charged[i], statistics=statistics
            )
            for j in range(len(scores))
            if j != i
        ]
        if statistics == "authors":
            out = sum(p < alpha for p in tests) >= n
        else:
            out = (len(tests) - n + 1) * sorted(tests)[n - 1] < alpha
        losers += [i] if out else []
    return losers


def _mean(scores: Sequence[float | None]) -> float:
    """Mean of the known scores; above all others when none is known, as unknown is not zero."""
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else math.inf
