"""The figures of a judge: agreement with people, with itself and with others, and its leanings."""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import mean
from typing import Any

from apo.assessment.judging import Scored
from apo.assessment.ratings import Ratings
from apo.scorers.judge import Judge
from apo.statistics import bounded_interval, kappa, proportion_interval

MAX_STEPS = 10
"""Grades are compared on at most so many steps: more would be too fine to agree on."""
SHARES = 4
"""Steps for scores that have no scale of their own: quarters."""
WANTED = 0.1
"""Half the width of an interval of κ that says enough."""
SURE = 0.025
"""One side of a test at 5 %."""
SHUFFLES = 4999
LEANING = 0.05
"""A leaning is told when its p-value is below this."""

Pairs = Sequence[tuple[float, float]]


def measured(found: Sequence[Scored], ratings: Ratings) -> dict[str, Any]:
    """All figures, as JSON values.

    Args:
        found: by judge, what `apo.assessment.judging.ascore` gives.
        ratings: of the same answers.

    Returns:
        "judges": one mapping of figures for each judge; "between": κ of each two of them.
    """
    steps = _steps(found[0].scorer, ratings)
    single = [s for s in found if not _is_several(s)]
    between = [
        {"judges": [a.name, b.name], **_kappa(_pairs(a.draws[0], b.draws[0]), steps)}
        for a, b in combinations(single, 2)
    ]
    return {"judges": [_of_judge(s, ratings, steps) for s in found], "between": between}


def _is_several(scored: Scored) -> bool:
    return isinstance(scored.scorer, Judge) and len(scored.scorer.models) > 1


def _steps(scorer: object, ratings: Ratings) -> int:
    """Between how many steps, less one, judge and people choose."""
    if ratings.two:
        return 1
    if isinstance(scorer, Judge):
        return 2 if scorer.pairwise else min(MAX_STEPS, scorer.highest - scorer.lowest)
    return SHARES


def _pairs(a: Sequence[float | None], b: Sequence[float | None]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]


def _step(value: float, steps: int) -> int:
    """The nearest step; halfway is the lower one, so that of two a yes is above the middle."""
    return math.ceil(value * steps - 0.5 - 1e-9)


def _kappa(pairs: Pairs, steps: int) -> dict[str, Any]:
    """κ with its interval; None where there is no pair."""
    if not pairs:
        return {"n": 0, "kappa": None, "interval": None, "same": None}
    a, b = ([_step(pair[side], steps) for pair in pairs] for side in (0, 1))
    value, (low, high) = kappa(
        a, b, weights="same" if steps == 1 else "quadratic", labels=range(steps + 1)
    )
    same = mean(x == y for x, y in zip(a, b, strict=True))
    return {"n": len(pairs), "kappa": value, "interval": [low, high], "same": same}


def _by_chance(pairs: Pairs, steps: int) -> float:
    """The chance that shuffled ratings agree as well: a permutation test of κ, one-sided.

    Of a handful of answers the interval of κ alone says too little: two that happen to be rated
    alike are no proof.
    """
    import numpy as np

    if not pairs:
        return 1.0
    a, b = (np.array([_step(pair[side], steps) for pair in pairs]) for side in (0, 1))
    rng = np.random.default_rng(0)
    found = ((a - b) ** 2).sum()
    drawn = (((a - rng.permutation(b)) ** 2).sum() <= found for _ in range(SHUFFLES))
    return (1 + sum(map(bool, drawn))) / (SHUFFLES + 1)


def _of_judge(scored: Scored, ratings: Ratings, steps: int) -> dict[str, Any]:
    pairs = _pairs(scored.draws[0], ratings.values)
    people = _kappa(pairs, steps)
    people |= {"spearman": _spearman(pairs), "leniency": None, "leniency_interval": None}
    people["p_value"] = by_chance = _by_chance(pairs, steps)
    if pairs:
        apart = [judge - person for judge, person in pairs]
        people |= {"leniency": mean(apart), "leniency_interval": [*bounded_interval(apart)]}
    interval = people["interval"]
    return {
        "judge": scored.name,
        "people": people,
        "better_than_chance": None if interval is None else interval[0] > 0 and by_chance <= SURE,
        "quality": None if people["kappa"] is None else quality(people["kappa"]),
        "ratings_needed": None if interval is None else _needed(people["n"], interval),
        "itself": _itself(scored, steps),
        "position": _position(scored),
        "length": _length(scored, ratings),
        "ungraded": sum(value is None for value in scored.draws[0]),
        "problem": scored.problem,
    }


def quality(value: float) -> str:
    """The usual word for a κ (Landis and Koch, 1977), in plain words where it is bad."""
    words = ((0.0, "none"), (0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))
    return next((word for limit, word in words if value <= limit), "almost perfect")


def _needed(n: int, interval: Sequence[float]) -> int:
    """About how many ratings give κ within 0.1, as its interval shrinks with their root."""
    half = (interval[1] - interval[0]) / 2
    return max(1, math.ceil(n * (half / WANTED) ** 2))


def _itself(scored: Scored, steps: int) -> dict[str, Any] | None:
    """Agreement of the draws: the mean κ of each two, in the widest interval of them."""
    found = [_kappa(_pairs(a, b), steps) for a, b in combinations(scored.draws, 2)]
    found = [one for one in found if one["n"]]
    if not found:
        return None
    several = [p for a, b in combinations(scored.draws, 2) for p in _pairs(a, b)]
    return {
        "n": min(one["n"] for one in found),
        "kappa": mean(one["kappa"] for one in found),
        "interval": [
            min(one["interval"][0] for one in found),
            max(one["interval"][1] for one in found),
        ],
        "same": mean(a == b for a, b in several),
        "apart": mean(abs(a - b) for a, b in several),
    }


def _position(scored: Scored) -> dict[str, Any] | None:
    """How often the order of two answers changes the choice, and which place it favours."""
    if not scored.orders:
        return None
    changed = [(first, second) for first, second in scored.orders if first != second]
    interval = proportion_interval(len(changed), len(scored.orders))
    return {
        "n": len(scored.orders),
        "changed": len(changed) / len(scored.orders),
        "interval": [*interval],
        "favours_first": mean(a > b for a, b in changed) if changed else None,
    }


def _length(scored: Scored, ratings: Ratings) -> dict[str, Any] | None:
    """Whether, of answers that people rate alike, the longer ones get more from the judge.

    The partial correlation of ranks (Kendall, 1942); its p-value is that of Student's t. None
    where it has no value.
    """
    from scipy.special import stdtr

    rows = [
        (value, person, float(len(answer)))
        for value, person, answer in zip(
            scored.draws[0], ratings.values, ratings.answers, strict=True
        )
        if value is not None
    ]
    judge = _spearman([(value, size) for value, _, size in rows])
    people = _spearman([(person, size) for _, person, size in rows])
    agree = _spearman([(value, person) for value, person, _ in rows])
    if judge is None or people is None or agree is None or len(rows) < 5:
        return None
    free = (1 - agree**2) * (1 - people**2)
    if free < 1e-9:
        return None
    beyond = max(-1.0, min(1.0, (judge - agree * people) / math.sqrt(free)))
    freedom = len(rows) - 3
    t = abs(beyond) * math.sqrt(freedom / max(1e-12, 1 - beyond**2))
    p_value = 2 * float(stdtr(freedom, -t))
    return {"judge": judge, "people": people, "beyond": beyond, "p_value": p_value}


def _spearman(pairs: Pairs) -> float | None:
    """Spearman's ρ; None where there is none, such as of equal values."""
    from scipy import stats

    if len(pairs) < 3 or any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        return None
    found: Any = stats.spearmanr([a for a, _ in pairs], [b for _, b in pairs])
    return float(found.statistic)
