"""How often a prompt gains by what its provider refuses, or by what no judge can grade.

Two prompts on 200 rows. Each has a share of right answers and a share of requests that are refused
(or answers that nobody can grade): by chance, where its answer would have been wrong, or where it
would have been right. What a prompt is worth is the share of rows with a right answer that the user
gets. No gain: the best prompt is worth as much as the seed, or answers as well and is worth less.
Against: 5 % favourable at most. Beside it stands what dropping pairs without an answer would say,
and what `apo gate` says. Then the power: the best prompt is right on 15 more of 100 answers.

    python experiments/benchmarks/refusals.py            # 200 draws a line, some minutes
    python experiments/benchmarks/refusals.py --draws 50
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Evaluation, Example, Prompt, Rollout, Score
from apo.results.paired import Pairs
from apo.statistics import CONFIDENCE, anytime_p, proportion_interval
from apo.statistics.counts import mcnemar_p
from experiments.benchmarks.recording import record

ROWS, RIGHT, GAIN, SHARED = 200, 0.5, 0.15, 0.7
"""Rows; the seed prompt's share of right answers; what is planted for the power; the share of rows
on which both prompts' answers hang on the row alone."""
RATES = (0.0, 0.1, 0.2, 0.3)
BY = ("chance", "wrong", "right")
"""Where requests are refused: anywhere, where the answer is wrong, or where it is right."""
EXAMPLES = [Example({"input": str(i)}, ("a",)) for i in range(ROWS)]
KINDS = {
    "refused": [Rollout.of_refusal(e, "ContentFilterError: no") for e in EXAMPLES],
    "ungraded": [Rollout(e, "b", None, "No grade.") for e in EXAMPLES],
}
ANSWERED = [
    [Rollout(e, text, Score(value)) for e in EXAMPLES] for text, value in (("b", 0), ("a", 1))
]


@dataclass(frozen=True)
class Side:
    """A prompt: how often it is right, how often it has no score, why, and where."""

    kind: str
    right: float
    rate: float
    by: str

    @property
    def worth(self) -> float:
        """The share of rows with a right answer that the user gets, graded or not."""
        if self.kind == "ungraded":
            return self.right
        lost = {"chance": self.rate * self.right, "wrong": 0.0, "right": self.rate}
        return self.right - lost[self.by]

    def worth_as(self, worth: float) -> "Side":
        """The same refusals, and as many right answers as make it worth so much."""
        if self.kind == "ungraded":
            return replace(self, right=worth)
        right = {"chance": worth / (1 - self.rate), "wrong": worth, "right": worth + self.rate}
        return replace(self, right=right[self.by])

    def draw(self, rng: np.random.Generator, hard: Any, shared: Any) -> Evaluation:
        """Measure it on rows of which some are harder."""
        right = np.where(shared, hard, rng.random(ROWS)) < self.right
        within = {"chance": np.ones(ROWS, bool), "wrong": ~right, "right": right}[self.by]
        of = {"chance": 1.0, "wrong": 1 - self.right, "right": self.right}[self.by]
        missing = within & (rng.random(ROWS) < self.rate / of)
        rollouts = (
            KINDS[self.kind][i] if missing[i] else ANSWERED[int(right[i])][i] for i in range(ROWS)
        )
        return Evaluation(Prompt(f"{self}"), tuple(rollouts))


def proven(differences: Sequence[float]) -> bool:
    """What `reach_verdict` finds favourable, of differences that are -1, 0 or 1."""
    wins, losses = differences.count(1.0), differences.count(-1.0)
    return wins > losses and mcnemar_p(wins, losses) <= 1 - CONFIDENCE


def dropped(seed: Evaluation, best: Evaluation) -> bool:
    """Whether it were favourable without the rows that either prompt has no answer or grade for."""
    both = zip(seed.rollouts, best.rollouts, strict=True)
    kept = [(a, b) for a, b in both if not (a.error or b.error)]
    return proven([b.score.value - a.score.value for a, b in kept if a.score and b.score])


def shares(seed: Side, best: Side, draws: int) -> tuple[int, int, int]:
    """How often the verdict is favourable, would be if pairs were dropped, and the gate opens."""
    figures = (seed.rate, best.rate, seed.right, best.right)
    rng = np.random.default_rng([BY.index(seed.by), *(int(1000 * x) for x in figures)])
    now = before = gate = 0
    for _ in range(draws):
        hard, shared = rng.random(ROWS), rng.random(ROWS) < SHARED
        pair = seed.draw(rng, hard, shared), best.draw(rng, hard, shared)
        lowest = Pairs().add(*pair).lowest
        now += proven(lowest)
        before += dropped(*pair)
        # The smallest p of all moments: as if the gate looked after every row.
        gate += anytime_p(lowest) <= (1 - CONFIDENCE) / 2
    return now, before, gate


def nulls() -> Iterator[tuple[str, Side, Side]]:
    """All pairs of prompts of which the best is no better."""
    places = [*zip(BY, BY, strict=True), ("right", "wrong")]
    for kind, (by, of_best), rate, other in product(KINDS, places, RATES, RATES):
        seed, best = Side(kind, RIGHT, rate, by), Side(kind, RIGHT, other, of_best)
        yield "worth as much", seed, best.worth_as(seed.worth)
        if best.worth < seed.worth - 1e-9 and of_best == by:
            yield "answers as well", seed, best


def null_line(case: str, seed: Side, best: Side, draws: int) -> dict[str, Any]:
    """A line of the first table."""
    found = shares(seed, best, draws)
    low, _ = proportion_interval(max(found[0], found[2]), draws)
    now, before, gate = (f"{n / draws:.1%}" for n in found)
    return {
        "what": seed.kind,
        "where": seed.by if seed.by == best.by else f"{seed.by}, {best.by}",
        "the best": case,
        "seed": f"{seed.rate:.0%}",
        "best": f"{best.rate:.0%}",
        "worth": f"{seed.worth:.2f} → {best.worth:.2f}",
        "pairs dropped": before,
        "favourable": now,
        "gate": gate,
        "at most 5 %": "met" if low <= 0.05 else "MISSED",
    }


def gains() -> Iterator[tuple[Side, Side]]:
    """The planted gain, with as many refusals on both sides."""
    for kind, by, rate in product(KINDS, BY, (0.0, 0.01, 0.05, *RATES[1:])):
        yield Side(kind, RIGHT, rate, by), Side(kind, RIGHT + GAIN, rate, by)


def power_line(seed: Side, best: Side, draws: int) -> dict[str, Any]:
    """A line of the second table."""
    now, before, gate = (n / draws for n in shares(seed, best, draws))
    return {
        "what": seed.kind,
        "where": seed.by,
        "rate": f"{seed.rate:.0%}",
        "worth": f"{seed.worth:.2f} → {best.worth:.2f}",
        "pairs dropped": f"{before:.0%}",
        "favourable": f"{now:.0%}",
        "gate": f"{gate:.0%}",
    }


def main() -> None:
    """Simulate all, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=200, help="for each line")
    draws = parser.parse_args().draws
    with Pool() as pool:
        rows = pool.starmap(null_line, [(*null, draws) for null in nulls()], chunksize=1)
        power = pool.starmap(power_line, [(*gain, draws) for gain in gains()], chunksize=1)
    notes = [
        f"{ROWS} rows, {draws:,} draws a line. where: of the seed's answers, and of the best's if "
        "that differs. seed, best: the share of requests that are refused, or of answers that "
        "nobody can grade; an ungraded answer is worth what it is. pairs dropped: favourable if "
        "rows without two scores were left out. Marked MISSED where 5 % is below the interval of "
        "the verdict's or the gate's share."
    ]
    record("refusals", "Refusals where nothing is gained: favourable", rows, notes=notes)
    notes = [
        f"{ROWS} rows, {draws:,} draws a line; {RIGHT:.0%} and {RIGHT + GAIN:.0%} of the answers "
        "are right, refused ones among them."
    ]
    record("refusals_power", "Refusals where something is gained: favourable", power, notes=notes)


if __name__ == "__main__":
    main()
