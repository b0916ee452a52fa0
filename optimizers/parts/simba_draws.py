"""SIMBA's draws: of prompts by their scores, and of the demos that a prompt keeps."""

import math
from collections.abc import Sequence
from random import Random

from apo import Demo, Prompt


def ranked(scores: dict[Prompt, float]) -> list[Prompt]:
    """The prompts, the highest score first; of equal ones the oldest."""
    return sorted(scores, key=lambda prompt: scores[prompt], reverse=True)


def softmax_draw(rng: Random, scores: dict[Prompt, float], temperature: float) -> Prompt:
    """Draw a prompt with a chance in proportion to exp(score / temperature)."""
    highest = max(scores.values())
    weights = [math.exp((score - highest) / temperature) for score in scores.values()]
    return rng.choices(list(scores), weights)[0]


def evenly_spaced(winners: Sequence[Prompt], n: int) -> list[Prompt]:
    """At most n winners, from the first to the last."""
    places = [round(i * (len(winners) - 1) / (n - 1)) for i in range(n)]
    return [winners[place] for place in dict.fromkeys(places)]


def kept_demos(rng: Random, prompt: Prompt, max_demos: int) -> tuple[Demo, ...]:
    """Drop a Poisson number of demos, on average demos / max_demos, and at least one when full."""
    n, full = len(prompt.demos), max_demos or 3  # The authors' number, where none are appended.
    n_dropped = min(n, max(poisson(rng, n / full), int(n >= full)))
    dropped = {rng.randrange(n) for _ in range(n_dropped)}
    return tuple(demo for k, demo in enumerate(prompt.demos) if k not in dropped)


def poisson(rng: Random, mean: float) -> int:
    """Draw from a Poisson distribution (Knuth's product of uniform numbers)."""
    count, product = 0, rng.random()
    while product > math.exp(-mean):
        count, product = count + 1, product * rng.random()
    return count
