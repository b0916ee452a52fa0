"""The Pareto front of a run's candidates, and the cheapest prompt near the best."""

from collections.abc import Sequence
from dataclasses import replace

from apo.errors import SettingsError, near
from apo.results.standings import Standing
from apo.select import nondominated_sort

OBJECTIVES = {
    "score": "score",
    "tokens": "input_tokens",
    "output": "output_tokens",
    "cost": "usd",
    "latency": "seconds",
}
"""Names of objectives, and the figure of each; the score is to be high, all others low."""


def objectives(found: Sequence[Standing], wanted: Sequence[str] = ()) -> list[str]:
    """The objectives of a front: those wanted; by default the score, and cost or else tokens.

    Raises:
        SettingsError: there is no such objective, or a candidate has no figure for it.
    """
    if not wanted:
        paid = all(s.usd is not None for s in found) and any(s.usd for s in found)
        return ["score", "cost" if paid else "tokens"]
    for name in wanted:
        if name not in OBJECTIVES:
            raise SettingsError(f"There is no objective {name!r}.{near(name, [*OBJECTIVES])}")
        if any(getattr(s, OBJECTIVES[name]) is None for s in found):
            raise SettingsError(
                f"The {name} of some candidates is unknown, so they cannot be compared by it "
                "(no price, no count of tokens, or kept answers). Choose other objectives: "
                f"{', '.join(OBJECTIVES)}."
            )
    return list(dict.fromkeys(wanted))


def with_front(found: Sequence[Standing], wanted: Sequence[str]) -> list[Standing]:
    """Mark the Pareto front; of candidates that are equal in all objectives the first is on it.

    Args:
        found: as `standings` gives them.
        wanted: names of objectives.
    """

    def point(s: Standing) -> tuple[float, ...]:
        figures = ((name, float(getattr(s, OBJECTIVES[name]))) for name in wanted)
        return tuple(value if name == "score" else -value for name, value in figures)

    points = dict.fromkeys(point(s) for s in found if not s.broken)  # Each once, in order.
    layers = nondominated_sort(list(points))
    best = {list(points)[i] for i in layers[0]} if layers else set[tuple[float, ...]]()
    marked: list[Standing] = []
    for s in found:
        on = not s.broken and point(s) in best
        best -= {point(s)} if on else set()
        marked.append(replace(s, front=on))
    return marked


def cheapest(found: Sequence[Standing], points: float) -> tuple[Standing, str]:
    """The cheapest candidate whose score is within so many points of the best one's.

    Args:
        found: as `standings` gives them.
        points: from 0 to 100, hundredths of a score.

    Returns:
        The candidate, and what is cheap about it: "cost", or "tokens" (in and out, or those of the
        prompt alone where they are estimated). Of equally cheap ones the better ranked.

    Raises:
        SettingsError: the points are no number from 0 to 100.
    """
    if not 0 <= points <= 100:
        raise SettingsError(
            f"--within is {points:g}; it is in points of the score, from 0 to 100, such as 1: the "
            "cheapest prompt that scores at most 1 point less than the best."
        )
    least = found[0].score - points / 100 - 1e-9
    near_best = [s for s in found if s.score >= least and (not s.broken or s is found[0])]
    by = objectives(found)[1]
    return min(near_best, key=lambda s: price_of(s, by)), by


def price_of(standing: Standing, by: str) -> float:
    """What a call takes: dollars for "cost", otherwise tokens in and out."""
    if by == "cost":
        return standing.usd or 0.0
    return standing.input_tokens + (0 if standing.estimated else standing.output_tokens or 0)
