"""Elo ratings of candidates that compete in rounds."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def elo_updates(
    ratings: Mapping[T, float], scores: Mapping[T, float], *, k: float = 32
) -> dict[T, float]:
    """Give the ratings after a round in which everyone met everyone.

    The higher score wins, equal ones draw; pairs are settled one after the other, draws first, and
    then wins in the order of the scores (Elo, 1978).

    Args:
        ratings: of all, those that did not compete as well.
        scores: of who competed, on the same examples; each has a rating.
        k: how far one game moves a rating.
    """
    found = dict(ratings)
    order = sorted(scores, key=lambda one: -scores[one])
    pairs = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
    for a, b in sorted(pairs, key=lambda pair: scores[pair[0]] > scores[pair[1]]):
        result = 1.0 if scores[a] > scores[b] else 0.5
        expected = 1 / (1 + 10 ** ((found[b] - found[a]) / 400))
        found[a] += k * (result - expected)
        found[b] -= k * (result - expected)
    return found
