"""EvoPrompt's parents: two drawn by their scores (GA), three whatever theirs are (DE)."""

import random
from collections.abc import Sequence
from itertools import cycle, islice

from apo import Evaluation, Prompt, roulette, tournament


def draw_pair(rng: random.Random, population: Sequence[Evaluation], selection: str) -> list[Prompt]:
    """Two different parents; the same one twice only when there is no other."""
    first = draw(rng, population, selection)
    others = [member for member in population if member is not first] or [first]
    return [first.prompt, draw(rng, others, selection).prompt]


def draw(rng: random.Random, population: Sequence[Evaluation], selection: str) -> Evaluation:
    """One parent."""
    scores = [member.value for member in population]
    if selection == "tournament":
        return population[tournament(scores, rng)]
    return population[roulette(scores, rng, by="rank" if selection == "rank" else "score")[0]]


def draw_donors(
    rng: random.Random, population: Sequence[Evaluation], target: int
) -> list[Evaluation]:
    """Three members other than the target, different ones as long as there are enough."""
    others = [member for i, member in enumerate(population) if i != target]
    drawn = rng.sample(others, min(3, len(others)))
    return list(islice(cycle([*drawn, *([] if len(drawn) > 1 else [population[target]])]), 3))


def best_first(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Sort by score, the older of equal ones first; without those of which nothing is known."""
    return sorted((e for e in evaluations if e.scored), key=lambda e: e.value, reverse=True)
