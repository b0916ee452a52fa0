"""How often a prompt gains by rows that belong together, and what counting groups costs.

Two prompts on rows in groups of 2 to 10, such as the turns of conversations. A row is won, lost or
the same under both. With the chance √ρ it takes what was drawn for its group, and else its own, so
that two rows of a group are correlated by ρ. No gain: as many rows are won as lost; or, "lopsided",
most groups gain 0.1 on each row and some lose all, which is no gain either; or, "by size", the
largest groups lose and all others win as many rows. Against: p ≤ 0.05 in 5 % of the draws at most,
in whatever direction. Beside it stand what `apo` says without `group:`, each of the two tests that
must agree alone, and a plain bootstrap of the groups. Then the power, with 15 and 30 points gained.

    python experiments/benchmarks/groups.py              # 500 draws a line, some minutes
    python experiments/benchmarks/groups.py --draws 100
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo.statistics import CONFIDENCE, anytime_p, bounded_p, group_flip_p, proportion_interval
from apo.statistics.clusters import full_bet
from experiments.benchmarks.recording import record

ALPHA = 1 - CONFIDENCE
DIFFERENT, GAINS = 0.3, (0.15, 0.3)
"""Share of the rows that are won or lost, and what is planted for the power."""
CORRELATIONS = (0.0, 0.3, 0.8)
GROUPS = (8, 27, 80, 200)
SIZES = {
    "2": (2,),
    "5": (5,),
    "10": (10,),
    "2 to 10": tuple(range(2, 11)),
    "2 or 10": (2,) * 9 + (10,),
}
RESAMPLES = 1000
COLUMNS = ("by group", "gate", "rows", "gate by rows", "flips", "bound", "bootstrap")


@dataclass(frozen=True)
class Line:
    """What is drawn: how many groups, of which sizes, how alike, and what is gained."""

    kind: str
    groups: int
    sizes: str
    correlation: float
    gain: float = 0.0

    def draw(self, rng: np.random.Generator) -> tuple[Any, Any]:
        """The difference of each row, and the number of its group."""
        sizes = rng.choice(SIZES[self.sizes], self.groups)
        of = np.repeat(np.arange(self.groups), sizes)
        if self.kind == "by size":
            return self._by_size(rng, sizes)[of], of
        if self.kind == "lopsided":
            lost = rng.random(self.groups) < 0.1 / 1.1
            return np.where(lost, -1.0, 0.1)[of], of
        shared = rng.random(len(of)) < self.correlation**0.5
        place = np.where(shared, rng.random(self.groups)[of], rng.random(len(of)))
        won = (DIFFERENT + self.gain) / 2
        return np.where(place < won, 1.0, np.where(place < DIFFERENT, -1.0, 0.0)), of

    def _by_size(self, rng: np.random.Generator, sizes: Any) -> Any:
        """The largest groups lose, the others win, in so many cases that rows balance."""
        choices = np.array(SIZES[self.sizes])
        large = choices.max()
        rows_large = large * (choices == large).mean()
        rate = rows_large / choices[choices < large].mean() / (choices < large).mean()
        lost, won = DIFFERENT * min(1.0, 1 / rate), DIFFERENT * min(1.0, rate)
        chance = np.where(sizes == large, lost, won)
        return np.where(rng.random(self.groups) < chance, np.where(sizes == large, -1.0, 1.0), 0.0)


def by_bootstrap(sums: Any, sizes: Any, weights: Any) -> Any:
    """Whether plain bootstraps of groups, a column for each draw, leave 0 out."""
    drawn = (weights @ sums) / (weights @ sizes)
    low, high = np.quantile(drawn, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    return (low > 0) | (high < 0)


def by_rows(won: Any, lost: Any) -> Any:
    """McNemar's exact test of all draws at once."""
    cdf: Any = stats.binom.cdf
    return np.minimum(1.0, 2 * cdf(np.minimum(won, lost), won + lost, 0.5))


def found(line: Line, draws: int) -> dict[str, Any]:
    """In which draws each test says that the prompts differ, and in which the best one gained."""
    rng = np.random.default_rng([line.groups, int(10 * line.correlation), len(line.sizes)])
    says = {name: np.zeros(draws, bool) for name in COLUMNS}
    gained = np.zeros(draws, bool)
    sums, sizes = np.zeros((line.groups, draws)), np.zeros((line.groups, draws))
    counts = np.zeros((2, draws))
    for i in range(draws):
        values, of = line.draw(rng)
        sums[:, i], sizes[:, i] = np.bincount(of, values), np.bincount(of)
        counts[:, i] = (values > 0).sum(), (values < 0).sum()
        gained[i] = values.sum() > 0
        total, size = sums[:, i].tolist(), sizes[:, i].astype(int).tolist()
        says["flips"][i] = group_flip_p([round(10 * value) for value in total]) <= ALPHA
        says["bound"][i] = bounded_p(total, size) <= ALPHA
        # Were each row its own group; the order of rows is by chance, as the gate's is by content.
        alone = values[rng.permutation(len(values))]
        if line.kind == "lopsided":
            says["rows"][i] = bounded_p(alone.tolist()) <= ALPHA
        means = sums[:, i] / sizes[:, i]
        weights = (sizes[:, i] / full_bet(of.astype(str).tolist())).tolist()
        says["gate"][i] = (
            min(anytime_p((s * means).tolist(), weights) for s in (1, -1)) <= ALPHA / 2
        )
        says["gate by rows"][i] = min(anytime_p((s * alone).tolist()) for s in (1, -1)) <= ALPHA / 2
    if line.kind != "lopsided":
        says["rows"] = by_rows(*counts) <= ALPHA
    times = rng.multinomial(line.groups, np.full(line.groups, 1 / line.groups), RESAMPLES)
    says["bootstrap"] = by_bootstrap(sums, sizes, times)
    says["by group"] = says["flips"] & says["bound"]
    return {**says, "gained": gained}


def nulls() -> Iterator[Line]:
    """All that gains nothing."""
    for correlation, sizes, n in product(CORRELATIONS, SIZES, GROUPS):
        yield Line("even", n, sizes, correlation)
    for kind, sizes, n in product(("lopsided", "by size"), ("2 to 10", "2 or 10"), GROUPS):
        yield Line(kind, n, sizes, 1.0)


def about(line: Line) -> dict[str, Any]:
    """What a line of a table is on."""
    return {
        "kind": line.kind,
        "correlation": line.correlation,
        "sizes": line.sizes,
        "groups": line.groups,
        "rows": round(line.groups * float(np.mean(SIZES[line.sizes]))),
    }


def null_row(line: Line, draws: int) -> dict[str, Any]:
    """A line of the first table."""
    said = found(line, draws)
    shares = {name: said[name].mean() for name in COLUMNS}
    gains = {name: (said[name] & said["gained"]).mean() for name in ("by group", "rows")}
    worst = max(int(said[name].sum()) for name in ("by group", "gate"))
    low, _ = proportion_interval(worst, draws)
    return {
        **about(line),
        "without group:": f"{shares['rows']:.1%}",
        "gate without": f"{shares['gate by rows']:.1%}",
        "p ≤ 0.05": f"{shares['by group']:.1%}",
        "gate": f"{shares['gate']:.1%}",
        "favourable": f"{gains['by group']:.1%}",
        "favourable without": f"{gains['rows']:.1%}",
        "flips alone": f"{shares['flips']:.1%}",
        "bound alone": f"{shares['bound']:.1%}",
        "plain bootstrap": f"{shares['bootstrap']:.1%}",
        "at most 5 %": "met" if low <= ALPHA else "MISSED",
    }


def power_row(line: Line, draws: int) -> dict[str, Any]:
    """A line of the second table."""
    said = found(line, draws)
    names = {"without group:": "rows", "gate without": "gate by rows"}
    names |= {"favourable": "by group", "gate": "gate", "flips alone": "flips"}
    shares = {told: f"{(said[n] & said['gained']).mean():.0%}" for told, n in names.items()}
    return {"gain": f"{line.gain:.0%}", **about(line), **shares}


def main() -> None:
    """Simulate all, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=500, help="for each line")
    draws = parser.parse_args().draws
    rows = [null_row(line, draws) for line in nulls()]
    notes = [
        f"{draws:,} draws a line; {DIFFERENT:.0%} of the rows differ. p ≤ 0.05: of the verdict, in "
        "either direction; favourable: in one. gate: open or shut, either of which must not be. "
        "without: what is said where rows are counted. Marked MISSED where 5 % is below the "
        "interval of the verdict's or the gate's share."
    ]
    record("groups", "Rows in groups where nothing is gained", rows, notes=notes)
    power = [
        power_row(Line("even", n, sizes, correlation, gain), draws)
        for gain, sizes, n in product(GAINS, ("2", "2 to 10", "10"), GROUPS[1:])
        for correlation in CORRELATIONS
    ]
    notes = [
        f"{draws:,} draws a line; {DIFFERENT:.0%} of the rows differ, and as many more as the gain "
        "are won than lost. Figures without group: are of no use where the correlation is not 0: "
        "the table above says how often they see gains that are not there."
    ]
    record(
        "groups_power", "Rows in groups where something is gained: favourable", power, notes=notes
    )


if __name__ == "__main__":
    main()
