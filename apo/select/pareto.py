"""Pareto fronts: who is best at something, when no one number says who is best."""

from collections.abc import Collection, Sequence


def pareto_fronts(scores: Sequence[Sequence[float | None]]) -> list[frozenset[int]]:
    """Find for each column the candidates that are tied for its best score (GEPA, algorithm 2).

    Args:
        scores: a row for each candidate, a column for each example, each objective, or each pair
            of them; higher is better, None is unknown.

    Returns:
        For each column the indices of the candidates with its highest known score; an empty set
        where none is known.
    """
    fronts: list[frozenset[int]] = []
    for column in zip(*scores, strict=True):
        best = max((score for score in column if score is not None), default=None)
        fronts.append(frozenset(i for i, s in enumerate(column) if s is not None and s == best))
    return fronts


def undominated(fronts: Sequence[Collection[int]], means: Sequence[float]) -> list[int]:
    """Leave out candidates that add nothing to the fronts (GEPA, algorithm 2).

    The candidates are looked at by rising mean; one is dropped when every front that it is on
    also holds another that has not been dropped; and again from the start, until none is.

    Args:
        fronts: the candidates on each front, as `pareto_fronts` gives them.
        means: mean score of each candidate; of equal ones the lower index is looked at first.

    Returns:
        The rest, by index. Every front that is not empty still holds one of them.
    """
    kept = sorted({i for front in fronts for i in front}, key=lambda i: (means[i], i))
    # One pass is the fixed point: dropping a candidate never makes another one easier to drop.
    for i in list(kept):
        others = set(kept) - {i}
        if all(others & set(front) for front in fronts if i in front):
            kept.remove(i)
    return sorted(kept)


def pareto_weights(fronts: Sequence[Collection[int]], kept: Sequence[int]) -> list[int]:
    """Count on how many fronts each kept candidate is: GEPA's weights for drawing a parent."""
    return [sum(i in front for front in fronts) for i in kept]


def nondominated_sort(points: Sequence[Sequence[float]]) -> list[list[int]]:
    """Sort by non-domination (NSGA-II; Deb et al., 2002).

    A point dominates another when it is nowhere lower and somewhere higher. Negate an objective
    that is to be small, such as a length.

    Args:
        points: for each candidate its value in each objective; higher is better. No NaN.

    Returns:
        Layers of indices, each in order: first those that nobody dominates, then those that only
        the layers before dominate.
    """

    def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
        pairs = list(zip(a, b, strict=True))
        return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)

    left, layers = list(range(len(points))), list[list[int]]()
    while left:
        layer = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        layers.append(layer)
        left = [i for i in left if i not in layer]
    return layers
