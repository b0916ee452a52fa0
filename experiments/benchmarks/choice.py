"""How often the choice after a search errs, where what prompts are worth is known.

    python experiments/benchmarks/choice.py [instruction] [rules] [worth]

1. *The winner's instruction against the seed's, both with its demos* (`apo/results/parts.py`). Rows
are right or wrong; some differ between the two prompts, and the true gain of the instruction is
given. The winner is the best of ten such on these rows, as a search chooses; the seed's instruction
with the demos is measured afresh. Told is how often the seed's takes the place, and what that costs
or gains on new rows.

2. *Rules for the final choice.* Of the candidates of a search none is better than the seed, or one
in four is, by so much. The seed stays where the best on validation fails the rule: it must win over
the seed in most resamples of the rows; or it must look better than the best of as many equal
candidates does in nine of ten resamples (White's reality check); or the search sees two thirds of
the rows, and the best three of it are chosen from on the last third. Told is how often the seed
stays on validation, how often it stays the answer after the verdict on test rows, and what the
answer gains on new rows.

3. *What the best of several is worth.* The best one's score on validation, what apo expects of it
(`apo.statistics.selected`), and what SIREN does (arXiv 2605.05973: soft selection on halves of the
rows, scored on the others; with its temperature of 0.1, and with 0.01), less what it is worth: in
simulated searches, and in runs with the embedded model, where the test split says it.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Budget, Optimizer, Options, Search, aoptimize
from apo.optimizers import BY_NAME
from apo.results.gap import LUCK
from apo.results.paired import tested
from apo.results.parts import MOST
from apo.statistics import luck_of_best, selected, share_of_wins
from experiments.benchmarks.recording import record

SEARCHED, ACCURACY = 10, 0.6
"""Prompts of which the winner is the best, and what the demos are worth alone."""
DIFFERENT = 0.3
"""Share of the rows that two prompts differ on for no reason, in each direction half of it."""


CANDIDATES, VALIDATION, TEST = 20, 100, 200
OPTIMIZERS, SEEDS = ("opro", "gepa", "miprov2"), 2
TASKS = ("support-tickets", "reviews-ko", "order-fields", "ticket-routing")


def scores(rng: np.random.Generator, base: np.ndarray, gain: float) -> np.ndarray:
    """The scores of a prompt that is worth so much more, given the rows' own."""
    flips = rng.random(len(base)) < DIFFERENT
    found = np.where(flips, rng.random(len(base)) < ACCURACY, base)
    helped = rng.random(len(base)) < abs(gain) / (1 - ACCURACY if gain > 0 else ACCURACY)
    return np.where(helped, float(gain > 0), found)


def replaced(gain: float, rows: int, n: int) -> dict[str, object]:
    """How often the seed's instruction takes the place of one with a true gain."""
    rng = np.random.default_rng(round(1000 * gain) % 9973 + rows)
    count = 0
    for _ in range(n):
        base = (rng.random(rows) < ACCURACY).astype(float)
        tried = [scores(rng, base, gain) for _ in range(SEARCHED)]
        winner = max(tried, key=lambda found: float(found.mean()))
        count += share_of_wins(list(winner - base)) < MOST
    return {
        "true gain of the instruction": f"{100 * gain:+.0f} points",
        "validation rows": rows,
        "replaced": f"{100 * count / n:.0f} %",
        "mean change on new rows": f"{-100 * gain * count / n:+.1f} points",
    }


def chosen(gaps: np.ndarray) -> dict[str, int | None]:
    """Who is chosen by each rule; None for the seed.

    Args:
        gaps: a row for each candidate, its scores less the seed's.
    """
    means = gaps.mean(axis=1)
    best = int(means.argmax())
    winner = best if means[best] > 0 else None
    found: dict[str, int | None] = {"best on validation, as today": winner}
    wins = share_of_wins(list(gaps[best]))
    for level in (0.8, 0.95, 0.99):
        found[f"wins in {level:.0%} of resamples"] = winner if wins >= level else None
    found["better than the best of equal ones"] = (
        winner if luck_of_best(gaps.tolist()) < LUCK else None
    )
    cut = 2 * gaps.shape[1] // 3
    short = np.argsort(-gaps[:, :cut].mean(axis=1))[:3]
    last = gaps[short, cut:].mean(axis=1)
    found["best of three on rows kept back"] = int(short[last.argmax()]) if last.max() > 0 else None
    return found


def rules(gain: float, rows: int, n: int) -> list[dict[str, object]]:
    """What each rule chooses, and what comes of it after the verdict."""
    rng = np.random.default_rng(7 + rows)
    sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3))
    for _ in range(n):
        base = (rng.random(rows) < ACCURACY).astype(float)
        worth = [gain * (i % 4 == 0) for i in range(CANDIDATES)]
        gaps = np.array([scores(rng, base, value) - base for value in worth])
        fresh = (rng.random(TEST) < ACCURACY).astype(float)
        proven: dict[int, bool] = {}
        for rule, pick in chosen(gaps).items():
            if pick is not None and pick not in proven:
                interval, p_value = tested(list(scores(rng, fresh, worth[pick]) - fresh), [])
                proven[pick] = interval[0] > 0 and p_value <= 0.05
            won = pick is not None and proven[pick]
            sums[rule] += [pick is None, not won, worth[pick] if won and pick is not None else 0]
    return [
        {
            "gain of one in four": f"{100 * gain:+.0f} points",
            "validation rows": rows,
            "searches": n,
            "rule": rule,
            "the seed stays on validation": f"{100 * total[0] / n:.1f} %",
            "the seed stays the answer": f"{100 * total[1] / n:.1f} %",
            "mean gain of the answer": f"{100 * total[2] / n:+.1f} points",
        }
        for rule, total in sums.items()
    ]


def siren(table: np.ndarray, temperature: float) -> float:
    """SIREN's estimate: soft selection on half of the rows, scored on the others, 30 splits."""
    rng, (_, n), found = np.random.default_rng(0), table.shape, list[float]()
    for _ in range(30):
        order = rng.permutation(n)
        inside, outside = (table[:, part].mean(axis=1) for part in np.split(order, [n // 2]))
        weights = np.exp((inside - inside.max()) / temperature)
        found.append(float(weights @ outside / weights.sum()))
    return float(np.mean(found))


def estimates(table: np.ndarray) -> dict[str, float]:
    """What each way of looking at it expects of the best one on new rows."""
    corrected = selected(table.tolist())
    return {
        "its score on validation": corrected.score,
        "expected, as today": corrected.corrected,
        "SIREN, 0.1": siren(table, 0.1),
        "SIREN, 0.01": siren(table, 0.01),
    }


def lines(where: str, errors: dict[str, list[float]]) -> list[dict[str, object]]:
    """Bias and size of the errors, in points, a line for each estimate."""
    return [
        {
            "searches": where,
            "estimate": name,
            "n": len(found),
            "mean error": f"{100 * np.mean(found):+.1f}",
            "mean size of the error": f"{100 * np.mean(np.abs(found)):.1f}",
        }
        for name, found in errors.items()
    ]


def simulated(gain: float, n: int) -> list[dict[str, object]]:
    """The errors of all estimates where it is known what candidates are worth."""
    rng, errors = np.random.default_rng(3), defaultdict[str, list[float]](list)
    for _ in range(n):
        base = (rng.random(VALIDATION) < ACCURACY).astype(float)
        worth = [gain * (i % 4 == 0) for i in range(CANDIDATES)]
        table = np.array([scores(rng, base, value) for value in worth])
        kept = worth[int(table.mean(axis=1).argmax())]
        truth = ACCURACY + kept  # Of all rows, not of these.
        for name, value in estimates(table).items():
            errors[name].append(value - truth)
    return lines(f"simulated, one in four gains {100 * gain:.0f} points", errors)


@dataclass(frozen=True)
class Watched:
    """An optimizer whose search is kept, to look at its archive afterwards."""

    inner: Optimizer
    seen: list[Search] = field(default_factory=list[Search])

    async def run(self, search: Search) -> None:
        """Search as it does."""
        self.seen.append(search)
        await self.inner.run(search)


def real(names: Sequence[str], tasks: Sequence[str], seeds: int) -> list[dict[str, object]]:
    """The errors of all estimates in runs on the built-in tasks; the test split says the truth."""
    errors = defaultdict[str, list[float]](list)
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks:
            for name in names:
                for seed in range(seeds):
                    watched = Watched(BY_NAME[name]())
                    result = asyncio.run(
                        aoptimize(
                            task, watched, budget=Budget(max_calls=600), home=Path(folder),
                            options=Options(track=False, seed=seed),
                        )
                    )  # fmt: skip
                    if result.verdict is None or result.best.prompt == result.seed.prompt:
                        continue
                    print(task, name, seed, result.best.value, result.verdict.best_score)
                    archive = watched.seen[0].archive
                    table = [
                        [r.score.value if r.score else 0.0 for r in e.rollouts] for e in archive
                    ]
                    for way, value in estimates(np.array(table)).items():
                        errors[way].append(value - result.verdict.best_score)
    return lines(f"runs of {', '.join(names)} on {len(tasks)} tasks", errors)


def instruction(n: int) -> None:
    """The table of the first part."""
    gains = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1, 0.2)
    rows = [replaced(gain, size, n) for size in (40, 100) for gain in gains]
    title = "The seed's instruction in the place of a winner's that adds nothing"
    record("choice", title, rows, notes=[NOTES[0], f"{n} searches a line."])


def final(n: int) -> None:
    """The table of the second part: where no candidate is better, n searches; else two fifths."""
    sizes = [(0.0, VALIDATION, n)]
    sizes += [(gain, VALIDATION, 2 * n // 5) for gain in (0.05, 0.1, 0.2)]
    sizes += [(gain, 40, 2 * n // 5) for gain in (0.0, 0.1)]
    rows = [line for size in sizes for line in rules(*size)]
    title = f"Rules for the final choice among {CANDIDATES} candidates"
    record("choice_equal", title, rows, notes=[NOTES[1], f"{TEST} test rows."])


def worth(n: int) -> None:
    """The table of the third part."""
    rows = [line for gain in (0.0, 0.1, 0.2) for line in simulated(gain, n)]
    rows += real(OPTIMIZERS, TASKS, SEEDS)
    record("choice_worth", "What the best of several is worth", rows, notes=[NOTES[2]])


PARTS = {"instruction": (instruction, 120), "rules": (final, 500), "worth": (worth, 150)}
NOTES = [text.replace("\n", " ") for text in (__doc__ or "").split("\n\n")[2:]]


def main() -> None:
    """Simulate, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", default="all", choices=["all", *PARTS])
    given = parser.parse_args().parts
    for name in PARTS if "all" in given else given:
        part, n = PARTS[name]
        part(n)


if __name__ == "__main__":
    main()
