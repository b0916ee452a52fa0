"""How often each interval holds the truth, how wide it is, and how much luck a selection keeps.

Rows are drawn from known distributions, and each interval is asked for the truth behind them: a
95 % interval is to hold it in at least 95 % of the draws, less three standard errors of the
simulation. "above": how often its low end is above the truth, which for a gain of 0 is a false
gain. The methods that are used are marked with a star; beside them the usual ones.

    python experiments/benchmarks/coverage.py               # about an hour on one core
    python experiments/benchmarks/coverage.py --draws 50 --only means,shares
"""

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo.statistics import (
    anytime_interval,
    bootstrap_of,
    bounded_interval,
    interval,
    kappa,
    proportion_interval,
    selected,
)
from experiments.benchmarks.recording import record

Interval = tuple[float, float]
Numbers = NDArray[np.float64]
Case = tuple[str, int, float, Callable[[np.random.Generator], Any]]
"""Name, rows, truth, and how to draw the rows."""
Methods = dict[str, Callable[[Any], Interval]]
LEVEL = 0.95


def cover(
    what: str, cases: Sequence[Case], methods: Methods, draws: int
) -> Iterator[dict[str, Any]]:
    """Lines of the table: each method on each case."""
    error = (LEVEL * (1 - LEVEL) / draws) ** 0.5
    for name, n, truth, draw in cases:
        rng = np.random.default_rng(7)
        samples = [draw(rng) for _ in range(draws)]
        for method, function in methods.items():
            ends = [function(sample) for sample in samples]
            held = sum(low - 1e-9 <= truth <= high + 1e-9 for low, high in ends) / draws
            yield {
                "of": what,
                "case": name,
                "n": n,
                "method": method,
                "covers": held,
                "above": sum(low - 1e-9 > truth for low, _ in ends) / draws,
                "width": float(np.mean([high - low for low, high in ends])),
                "met": "met" if held >= LEVEL - 3 * error else "MISSED",
            }
        print(what, name, n, flush=True)


# --- differences of scores --------------------------------------------------------------------


def flips(wins: float, losses: float, n: int, rng: np.random.Generator) -> Numbers:
    """Differences of right and wrong answers."""
    shares = [wins, losses, 1 - wins - losses]
    found: Any = rng.choice([1.0, -1.0, 0.0], p=shares, size=n)
    return np.array(found, dtype=np.float64)


def rare_loss(n: int, rng: np.random.Generator) -> Numbers:
    """A small gain on nearly all rows, and a rare loss of all: 0 on the whole."""
    found: Numbers = np.where(rng.random(n) < 0.03, -1.0, 0.03 / 0.97 + rng.normal(0, 0.001, n))
    return found


def ratings(n: int, rng: np.random.Generator) -> Numbers:
    """Differences of ratings on a scale of five."""
    before = rng.integers(0, 5, n) / 4
    step = rng.choice([-0.25, 0.0, 0.25], p=[0.15, 0.7, 0.15], size=n)
    found: Numbers = np.clip(before + step, 0, 1) - before
    return found


def bell(n: int, rng: np.random.Generator) -> Numbers:
    """Differences like those of a similarity, around 0.05."""
    return np.clip(rng.normal(0.05, 0.15, n), -1, 1)


def student(values: Sequence[float]) -> Interval:
    """Student's interval of the mean."""
    found = interval([list(values)])
    return found or (-1.0, 1.0)


def bca(values: Numbers) -> Interval:
    """The usual bootstrap of the mean, by scipy, widened by 3 / n where all are equal."""
    n, mean = len(values), float(np.mean(values))
    if np.ptp(values) < 1e-9:
        return mean - 3 / n, mean + 3 / n
    found = stats.bootstrap((values,), np.mean, n_resamples=1999, rng=np.random.default_rng(0))
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def remembered(function: Callable[[Any], Interval]) -> Callable[[Any], Interval]:
    """Ask once for values that come again in another order."""

    @cache
    def known(counts: tuple[tuple[float, int], ...]) -> Interval:
        return function(np.array([value for value, times in counts for _ in range(times)]))

    return lambda values: known(tuple(sorted(Counter(map(float, values)).items())))


def means(draws: int) -> Iterator[dict[str, Any]]:
    """Intervals of a difference of two prompts."""
    planted = {
        "no flips": (0.0, 0.0),
        "1 % won, 1 % lost": (0.01, 0.01),
        "10 % won, 10 % lost": (0.1, 0.1),
        "5 % won": (0.05, 0.0),
        "15 % won, 5 % lost": (0.15, 0.05),
        "90 % won, 5 % lost": (0.9, 0.05),
    }
    cases: list[Case] = [
        (name, n, wins - losses, partial(flips, wins, losses, n))
        for name, (wins, losses) in planted.items()
        for n in (10, 30, 100, 300)
    ]
    for n in (10, 30, 100):
        cases += [
            ("ratings", n, 0.0, partial(ratings, n)),
            ("similarities", n, 0.05, partial(bell, n)),
            ("small gains, rare losses", n, 0.0, partial(rare_loss, n)),
        ]
    methods: Methods = {"Gaffke *": remembered(bounded_interval), "Student": student}
    yield from cover("a gain", cases, {**methods, "BCa": remembered(bca)}, draws)


# --- shares, agreement, seeds -------------------------------------------------------------------


def wilson(hits: int, n: int) -> Interval:
    """Wilson's interval of a share."""
    found = stats.binomtest(hits, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def hits(n: int, share: float, rng: np.random.Generator) -> int:
    """How many of n rows."""
    return int(rng.binomial(n, share))


def shares(draws: int) -> Iterator[dict[str, Any]]:
    """Intervals of a rate."""
    for n in (10, 50, 200):
        cases: list[Case] = [
            (f"{share:.0%}", n, share, partial(hits, n, share)) for share in (0.01, 0.1, 0.5, 0.97)
        ]
        exact, score = (cache(partial(_of, f, n)) for f in (proportion_interval, wilson))
        yield from cover("a share", cases, {"Clopper-Pearson *": exact, "Wilson": score}, draws)


def _of(function: Callable[[int, int], Interval], n: int, hits: int) -> Interval:
    return function(hits, n)


def raters(n: int, same: float, common: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Two raters of two labels, who draw alike on a share of the rows, else each alone."""
    one, other = (rng.random(n) < common for _ in range(2))
    return one, np.where(rng.random(n) < same, one, other)


def fleiss(pair: tuple[Any, Any]) -> Interval:
    """The usual interval of κ (Fleiss, Cohen and Everitt, 1969)."""
    p = np.histogram2d(*pair, bins=2, range=[[0, 1], [0, 1]])[0] / len(pair[0])
    rows, columns, agreed = p.sum(1), p.sum(0), float(np.trace(p))
    chance = float(rows @ columns)
    if chance >= 1 - 1e-12:
        return -1.0, 1.0
    found = (agreed - chance) / (1 - chance)
    a = sum(p[i, i] * (1 - (rows[i] + columns[i]) * (1 - found)) ** 2 for i in range(2))
    b = sum(p[i, 1 - i] * (columns[i] + rows[1 - i]) ** 2 for i in range(2)) * (1 - found) ** 2
    spread = a + b - (found - chance * (1 - found)) ** 2
    reach = 1.96 * (max(0.0, float(spread)) / len(pair[0])) ** 0.5 / (1 - chance)
    return found - reach, found + reach


def agreement(draws: int) -> Iterator[dict[str, Any]]:
    """Intervals of κ; where both labels are drawn alike, κ is the share that is the same."""
    cases: list[Case] = [
        (f"κ {same}, {common:.0%} yes", n, same, partial(raters, n, same, common))
        for n in (20, 50, 200)
        for same, common in ((0.0, 0.5), (0.6, 0.5), (0.6, 0.85), (0.95, 0.7))
    ]

    def found(pair: tuple[Any, Any]) -> Interval:
        return kappa(pair[0].tolist(), pair[1].tolist())[1]

    yield from cover("κ", cases, {"worst row *": found, "Fleiss": fleiss}, draws)


def seeds(draws: int) -> Iterator[dict[str, Any]]:
    """Student's interval over seeds, of one task and of three that scatter differently."""

    def drawn(n: int, spreads: Sequence[float], rng: np.random.Generator) -> list[list[float]]:
        return [rng.normal(0.5, spread, n).tolist() for spread in spreads]

    cases: list[Case] = [
        (name, n, 0.5, partial(drawn, n, spreads))
        for name, spreads in (("one task", (0.1,)), ("three tasks", (0.02, 0.1, 0.2)))
        for n in (3, 5, 20)
    ]
    student_of: Methods = {"Student, Welch *": lambda groups: interval(groups) or (0.0, 1.0)}
    yield from cover("a mean over seeds", cases, student_of, draws)


# --- figures of all rows --------------------------------------------------------------------------

CLASSES = np.array([0.8, 0.15, 0.05])
FAIR, GOOD, PERFECT = (0.9, 0.6, 0.5), (0.95, 0.8, 0.7), (0.995, 0.99, 0.98)


def answers(n: int, seed: Any, best: Any, rng: np.random.Generator) -> Any:
    """Classes and two prompts' answers, which are often right about the same rows."""
    right = rng.choice(3, p=CLASSES, size=n)
    luck = rng.random(n)
    said: list[Any] = [right]
    for rates in (seed, best):
        own = np.where(rng.random(n) < 0.7, luck, rng.random(n))
        wrong = (right + rng.integers(1, 3, n)) % 3
        said.append(np.where(own < np.array(rates)[right], right, wrong))
    return np.array(said)


def macro_f1(right: Any, said: Any) -> float:
    """Macro-F1 over the classes that occur; an answer of no class is 3."""
    table = np.bincount(4 * right + said, minlength=12).reshape(3, 4)
    hits = np.array([table[i, i] for i in range(3)])
    sizes = table[:, :3].sum(0) + table.sum(1)
    return float((2 * hits[sizes > 0] / sizes[sizes > 0]).mean())


def gain(rows: Any) -> float:
    """What the second prompt's macro-F1 is above the first one's."""
    return macro_f1(rows[0], rows[2]) - macro_f1(rows[0], rows[1])


def figures(draws: int) -> Iterator[dict[str, Any]]:
    """Intervals of a difference of macro-F1, with a class that 5 % of the rows have."""
    rng = np.random.default_rng(3)
    cases: list[Case] = [
        (name, n, gain(answers(4_000_000, *pair, rng)), partial(answers, n, *pair))
        for name, pair in {
            "fair, good": (FAIR, GOOD),
            "fair, fair": (FAIR, FAIR),
            "good, perfect": (GOOD, PERFECT),
        }.items()
        for n in (40, 150, 400)
    ]
    unseen = np.array([[0, 1, 2] * 2, [0, 1, 2, 3, 3, 3], [3, 3, 3, 0, 1, 2]])

    def worst_row(rows: Any) -> Interval:
        n = rows.shape[1]
        both = np.hstack([rows, unseen])
        ends = {"worst": range(n, n + 3), "best": range(n + 3, n + 6)}
        return bootstrap_of(lambda i: gain(both[:, i]), n, **ends)

    def accelerated(rows: Any) -> Interval:
        return bootstrap_of(lambda i: gain(rows[:, i]), rows.shape[1])

    methods: Methods = {"worst row *": worst_row, "BCa": accelerated}
    yield from cover("a gain of macro-F1", cases, methods, max(40, draws // 8))


# --- looks at any moment, and selection -----------------------------------------------------------


def looks(draws: int) -> Iterator[dict[str, Any]]:
    """The worst of looks after 10, 20, 40, … rows: all of them are to hold the truth."""

    def over(values: Any, function: Callable[[Any], Interval]) -> Interval:
        ends = [function(values[:k]) for k in (10, 20, 40, 80, 160, 320) if k <= len(values)]
        return max(low for low, _ in ends), min(high for _, high in ends)

    cases: list[Case] = [
        (name, 320, truth, partial(draw, 320))
        for name, truth, draw in (
            ("10 % won, 10 % lost", 0.0, partial(flips, 0.1, 0.1)),
            ("15 % won, 5 % lost", 0.1, partial(flips, 0.15, 0.05)),
            ("ratings", 0.0, ratings),
            ("small gains, rare losses", 0.0, rare_loss),
        )
    ]
    methods: Methods = {
        "betting *": lambda values: over(values, lambda v: anytime_interval(v.tolist())),
        "Student at each look": lambda values: over(values, student),
    }
    yield from cover("six looks", cases, methods, max(40, draws // 4))


def selections(draws: int) -> Iterator[dict[str, Any]]:
    """Optimism of the best of several candidates, before and after its correction."""
    for spread in (0.0, 0.05, 0.15):
        for k in (5, 30, 200):
            for n in (30, 100):
                rng = np.random.default_rng(5)
                raw: list[float] = []
                left: list[float] = []
                for _ in range(draws):
                    worth = np.clip(rng.normal(0.6, spread, k), 0.05, 0.95)
                    hard = rng.random(n)  # Candidates tend to fail on the same rows.
                    luck = np.where(rng.random((k, n)) < 0.5, hard, rng.random((k, n)))
                    found = selected((luck < worth[:, None]).astype(float).tolist())
                    raw.append(found.score - worth[found.index])
                    left.append(found.corrected - worth[found.index])
                yield {
                    "spread of the candidates": f"{100 * spread:.0f} points",
                    "candidates": k,
                    "n": n,
                    "optimism": f"{100 * np.mean(raw):+.1f}",
                    "after correction": f"{100 * np.mean(left):+.1f}",
                    "removed": f"{1 - np.mean(left) / np.mean(raw):.0%}",
                }
                print("selection", spread, k, n, flush=True)


PARTS = {f.__name__: f for f in (means, shares, agreement, seeds, figures, looks)}


def main() -> None:
    """Simulate, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--only", default=",".join([*PARTS, "selections"]))
    given = parser.parse_args()
    chosen = given.only.split(",")
    warnings.simplefilter("ignore", stats.DegenerateDataWarning)
    rows = [row for name in PARTS if name in chosen for row in PARTS[name](given.draws)]
    if rows:
        missed = [r for r in rows if "*" in r["method"] and r["met"] != "met"]
        notes = [
            f"{given.draws} draws; an eighth for macro-F1, a quarter for looks. *: what is used.",
            f"Of the methods that are used, {len(missed)} of "
            f"{sum('*' in r['method'] for r in rows)} lines miss the mark.",
        ]
        record("coverage", "Coverage of 95 % intervals", rows, notes=notes)
    if "selections" in chosen:
        note = "In points: the chosen candidate's mean on its own rows, less what it is worth."
        found = [*selections(max(40, given.draws // 10))]
        record("selection", "Optimism of the best of several candidates", found, notes=[note])


if __name__ == "__main__":
    main()
