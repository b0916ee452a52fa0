"""Draws of parents: by chance, with better chances for the better."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import Literal


def roulette(
    scores: Sequence[float | None],
    rng: random.Random,
    n: int = 1,
    *,
    by: Literal["score", "rank"] = "score",
) -> list[int]:
    """Draw n times, with replacement, each time with chances that follow the scores.

    Args:
        scores: of each candidate. None and NaN are unknown: never drawn while any is known.
        rng: the random stream.
        n: how many draws.
        by: "score": chances in proportion to the scores; when some are negative, all are first
            moved up until the lowest is 0. "rank": in proportion to the rank, 1 for the worst;
            equal scores share the mean of their ranks.

    Returns:
        Indices. When no score is above 0, or none is known, all that remain have equal chances.
    """
    if not scores:
        return []
    known = [i for i, s in enumerate(scores) if s is not None and not math.isnan(s)]
    values = [float(scores[i] or 0.0) for i in known]
    weights = _ranks(values) if by == "rank" else _shifted(values)
    if not any(weights):
        return rng.choices(known or range(len(scores)), k=n)
    return rng.choices(known, weights, k=n)


def tournament(scores: Sequence[float | None], rng: random.Random, size: int = 2) -> int:
    """Let some candidates, drawn without replacement, meet; the highest score wins.

    Args:
        scores: of each candidate, at least one; None and NaN are unknown and win over nobody
            whose score is known.
        rng: the random stream.
        size: how many meet; 2 is the binary tournament.

    Returns:
        Index of the winner; ties go to the one that was drawn first, so to chance.
    """
    drawn = rng.sample(range(len(scores)), min(size, len(scores)))

    def strength(i: int) -> float:
        score = scores[i]
        return -math.inf if score is None or math.isnan(score) else score

    return max(drawn, key=strength)


def stratified(classes: Sequence[str], rng: random.Random) -> list[int]:
    """Order items at random so that each beginning has the classes in about their shares.

    One item of each class comes first; after that the k-th of a class's N items has a random place
    in the k-th of N equal parts.

    Args:
        classes: of each item.
        rng: the random stream.

    Returns:
        Indices, each once.
    """
    sizes, seen, places = Counter(classes), Counter[str](), dict[int, float]()
    for i in rng.sample(range(len(classes)), len(classes)):
        name = classes[i]
        first = seen[name] == 0
        places[i] = rng.random() - 1 if first else (seen[name] + rng.random()) / sizes[name]
        seen[name] += 1
    return sorted(places, key=lambda i: places[i])


def _shifted(values: Sequence[float]) -> list[float]:
    """Weights of at least 0; where some are infinite, only these count."""
    if math.inf in values:
        return [float(value == math.inf) for value in values]
    low = min((v for v in values if v > -math.inf), default=0.0)
    top = max((abs(v) for v in values if v > -math.inf), default=0.0) or 1.0
    base = min(0.0, low / top)  # Scaled first, so that no sum of large scores overflows.
    return [0.0 if value == -math.inf else value / top - base for value in values]


def _ranks(values: Sequence[float]) -> list[float]:
    return [
        sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values
    ]
