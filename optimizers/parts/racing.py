"""A race of new prompts against the best one, on a growing part of the validation split."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from apo import Evaluation, Example, Prompt, Search

DEMOS = ("demos", "balanced")
"""Operators that give other worked examples."""


@dataclass
class Racetrack:
    """Heats on the same examples for all: successive halving, and no losing against the best.

    From the second heat on a prompt that is level with the best one goes too, right on the same
    examples or on others: what is looked for is a better prompt, and a tie is rarely one.

    Attributes:
        order: the validation examples, in the order in which heats take them.
        first_share: part of them that the first heat takes; each heat takes twice as many.
        slack: standard errors behind the best prompt at which a prompt is dropped.
        known: of every prompt that ran, its evaluation on most examples.
    """

    order: Sequence[Example]
    first_share: float
    slack: float
    known: dict[Prompt, Evaluation] = field(default_factory=dict[Prompt, Evaluation])

    async def race(self, search: Search, pool: Sequence[Prompt]) -> list[Prompt]:
        """Drop the worse half after each heat, and who is clearly behind the best prompt.

        Returns:
            Who came through: measured on the whole validation split.
        """
        first = size = first_heat(len(self.order), self.first_share)
        while pool and size < len(self.order):
            heat = [(prompt, self.order[:size]) for prompt in pool]
            measured = await search.map(lambda pair: search.evaluate(*pair), heat)
            self.known.update((e.prompt, e) for e in measured)
            leads = {e.prompt: standard_errors_ahead(e, search.best) for e in measured}
            alive = [
                e
                for e in measured
                if leads[e.prompt] > -self.slack and (leads[e.prompt] or size == first)
            ]
            alive.sort(key=lambda e: e.value, reverse=True)
            pool = [e.prompt for e in alive[: math.ceil(len(pool) / 2)]]
            size *= 2
        self.known.update((e.prompt, e) for e in await search.map(search.evaluate, pool))
        return list(pool)

    def history(self, n: int) -> list[Evaluation]:
        """The n prompts that look best, the best last; what few examples say counts for less."""
        return sorted(self.known.values(), key=cautious_mean)[-n:]


def heat_order(search: Search) -> Sequence[Example]:
    """The validation examples by lot, those that the best prompt is wrong about at even distances.

    Where it is right about most of them, a heat of a few that lot alone drew may hold none that it
    is wrong about: every better prompt is level with it there, and would go. Wrong is a score below
    the best prompt's mean.
    """
    drawn = search.draw(search.task.validation, len(search.task.validation))
    best = search.best
    if best is None:
        return drawn
    low = {r.example for r in best.scored if r.score and r.score.value < best.mean}
    wrong, right = [e for e in drawn if e in low], iter([e for e in drawn if e not in low])
    places = {i * len(drawn) // len(wrong): e for i, e in enumerate(wrong)}
    return [places.get(place) or next(right) for place in range(len(drawn))]


def first_heat(n_rows: int, first_share: float) -> int:
    """How many of the validation examples the first heat of a race takes."""
    return max(2, math.ceil(first_share * n_rows))


def heats_cost(n: int, n_rows: int, first_share: float) -> int:
    """The most that n prompts take in the heats before the last one, which takes all rows."""
    cost, size, heat = 0, 0, first_heat(n_rows, first_share)
    while heat < n_rows:
        cost += n * (heat - size)
        n, size, heat = math.ceil(n / 2), heat, 2 * heat
    return cost


def announce_race(search: Search, operators: Sequence[str]) -> None:
    """Say what the first race is of, before it is paid."""
    n_sets, n_rows = sum(name in DEMOS for name in operators), len(search.task.validation)
    n_texts = len(operators) - n_sets
    if not n_sets:
        search.announce(f"First {n_texts} instructions alone race, on parts of {n_rows} examples.")
    elif not n_texts:
        search.announce(
            f"First {n_sets} sets of worked examples alone race, on parts of {n_rows} examples."
        )
    else:
        search.announce(
            f"First {n_texts} instructions and {n_sets} sets of worked examples race, on parts of "
            f"{n_rows} examples."
        )


def better(best: Evaluation | None, before: Evaluation | None) -> bool:
    """Whether the best score has grown; a prompt that is only shorter is no better score."""
    return best is not None and (before is None or best.at_least > before.at_least)


def cautious_mean(evaluation: Evaluation) -> float:
    """The mean less the standard error that it has at most, that of a fair coin."""
    return evaluation.value - 0.5 / math.sqrt(max(1, len(evaluation.scored)))


def standard_errors_ahead(evaluation: Evaluation, best: Evaluation | None) -> float:
    """How far the prompt is ahead of the best one on the examples that both have a score for.

    Returns:
        The mean of the paired differences over its standard error; 0 when the mean is 0 or
        there is no such example, and infinite when all differences are alike otherwise.
    """
    known = {r.example: r.score.value for r in best.scored if r.score} if best else {}
    gaps = [
        r.score.value - known[r.example]
        for r in evaluation.scored
        if r.score and r.example in known
    ]
    mean = sum(gaps) / max(1, len(gaps))
    squares = sum((gap - mean) ** 2 for gap in gaps)
    if squares < 1e-12:
        return math.copysign(math.inf, mean) if abs(mean) > 1e-12 else 0.0
    return mean / math.sqrt(squares / (len(gaps) - 1) / len(gaps))
