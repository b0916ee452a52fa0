"""In which order a race takes its examples: by lot, or those that the seed prompt fails spread out.

    python experiments/benchmarks/heat_order.py --record

No model is asked. In each of many worlds prompts differ from the seed in how often they are right,
rows in how hard they are, and half of a prompt's luck on a row is the seed's; an answer once given
stays. Races of `race-search` take their heats from the validation rows until the calls of a search
are over, and are worth the true accuracy of the prompt that they end with, less the seed's. On
either side the worlds and the lots are the same.
"""

import argparse
import asyncio
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, cast

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Evaluation, Example, Prompt, Rollout, Score, Search
from apo.optimizers.parts.racing import Racetrack, heat_order
from experiments.benchmarks.recording import record

BUDGETS = ((26, 184, 18, 4), (60, 560, 18, 8), (104, 1400, 24, 8))
"""Rows of validation, calls after the seed prompt, prompts of the first race and of later ones: the
shares of about 300, 800 and 1,900 calls."""
MEAN, SPREAD = -0.2, 0.5
"""Of the prompts' levels around the seed's, where 1 is a row's spread in how hard it is."""
STEEP = 4.0
LUCK = np.random.default_rng(0).normal(size=4000) * math.sqrt(2)


class Over(Exception):
    """The calls are over."""


@dataclass
class World:
    """Stands for a search: prompts by number, what each is right about, and calls that run out."""

    levels: "np.ndarray[Any, Any]"
    right: "np.ndarray[Any, Any]"
    calls: int
    rng: random.Random
    paid: dict[str, int] = field(default_factory=dict[str, int])
    best: Evaluation | None = None

    def __post_init__(self) -> None:
        self.rows = [Example({"row": str(i)}, ("1",)) for i in range(self.right.shape[1])]

    @property
    def task(self) -> "World":
        """Itself, as the rows of validation are all of the task that a race looks at."""
        return self

    @property
    def validation(self) -> list[Example]:
        """The rows."""
        return self.rows

    def draw(self, rows: Sequence[Example], n: int) -> list[Example]:
        """Rows by lot."""
        return self.rng.sample(rows, n)

    async def map(self, work: Callable[..., Any], given: Sequence[Any]) -> list[Any]:
        """One after the other."""
        return [await work(one) for one in given]

    async def evaluate(self, prompt: Prompt, rows: Sequence[Example] = ()) -> Evaluation:
        """What a prompt is right about; rows that it was not yet measured on are paid."""
        rows = rows or self.rows
        new = len(rows) - self.paid.get(prompt.instruction, 0)
        if new > self.calls:
            raise Over
        self.calls -= new
        self.paid[prompt.instruction] = len(rows)
        right = self.right[int(prompt.instruction)]
        rollouts = [Rollout(e, "", Score(float(right[int(e.inputs["row"])]))) for e in rows]
        found = Evaluation(prompt, tuple(rollouts))
        whole = len(rows) == len(self.rows)
        if whole and (self.best is None or found.mean > self.best.mean):
            self.best = found
        return found


def world(number: int, level: float, n_rows: int, calls: int) -> World:
    """Draw the prompts, of which the first is the seed."""
    rng, n = np.random.default_rng(number), 200
    hard, own = rng.normal(size=n_rows), rng.normal(size=n_rows)
    levels = level + np.r_[0, MEAN + rng.normal(0, SPREAD, n - 1)]
    shared = np.r_[1, np.full(n - 1, 0.5)][:, None]
    luck = shared * own + np.sqrt(1 - shared**2) * rng.normal(size=(n, n_rows))
    chances = 1 / (1 + np.exp(-STEEP * (levels[:, None] + hard + luck)))
    return World(levels, rng.random((n, n_rows)) < chances, calls + n_rows, random.Random(number))


def accuracy(level: float) -> float:
    """How often a prompt of a level is right, over rows and luck."""
    return float(np.mean(1 / (1 + np.exp(-STEEP * (level + LUCK)))))


async def gain(made: World, first: int, later: int, *, spread: bool) -> float:
    """Race until the calls are over: what the prompt at the end truly gains over the seed."""
    search, numbers = cast(Search, made), count(1)
    await made.evaluate(Prompt("0"))
    order = heat_order(search) if spread else made.draw(made.rows, len(made.rows))
    track, n = Racetrack(order, 0.15, 1.0), first
    try:
        while made.calls > n:
            await track.race(search, [Prompt(str(i)) for i in islice(numbers, n)])
            n = later
    except Over:
        pass
    assert made.best is not None
    level = made.levels[int(made.best.prompt.instruction)]
    return accuracy(level) - accuracy(made.levels[0])


def row(n_rows: int, calls: int, first: int, later: int, level: float, n: int) -> dict[str, str]:
    """The gains of both orders, and what lies between them, paired by world."""
    worlds = [partial(world, i, level, n_rows, calls) for i in range(n)]
    by_lot, spread = (
        [asyncio.run(gain(made(), first, later, spread=spread)) for made in worlds]
        for spread in (False, True)
    )
    gaps = [100 * (b - a) for a, b in zip(by_lot, spread, strict=True)]
    return {
        "validation rows": str(n_rows),
        "calls": str(calls),
        "the seed is right about": f"{accuracy(level):.0%}",
        "points, by lot": f"{100 * fmean(by_lot):.1f}",
        "points, failures spread out": f"{100 * fmean(spread):.1f}",
        "difference": f"{fmean(gaps):+.2f} ± {stdev(gaps) / math.sqrt(n):.2f}",
    }


def main() -> None:
    """Simulate, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", type=int, default=500)
    parser.add_argument("--record", action="store_true", help="write the table")
    given = parser.parse_args()
    rows = [row(*b, level, given.worlds) for b in BUDGETS for level in (0.0, 1.2, 2.2)]
    print(*rows, sep="\n")
    if given.record:
        title = (
            "The order in which races take their examples: gains over the seed prompt, in points"
        )
        note = "By simulation: no model is asked. ± is one standard error."
        record("heat_order", title, rows, notes=[note])


if __name__ == "__main__":
    main()
