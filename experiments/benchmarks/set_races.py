"""How to spend a small budget on sets of worked examples: a few measured whole, or many raced.

    python experiments/benchmarks/set_races.py --record

No model is asked. In each of many worlds sets differ in how often they lead to the right answer,
rows in how hard they are, and each pair of them by luck; an answer once given stays. A rule spends
the calls that a run of 300 has for its search after the seed prompt (26 rows of validation, 45 of
test), and is worth the true accuracy of the set that it ends with. Sets measured whole are what
`bootstrap-rs` does, races what `race-search` does with a small writer, whose first heat has 4 rows.
"""

import argparse
import math
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.benchmarks.recording import record

N_ROWS, CALLS = 26, 184
World = list[tuple[float, list[bool]]]
"""Of each set its true accuracy, and whether it is right about each row."""


def world(rng: random.Random, middle: float, spread: float, n_sets: int = 40) -> World:
    """Draw sets, whose accuracies are `spread` apart in log-odds, and their answers."""
    hard = [rng.gauss(0, 1) for _ in range(N_ROWS)]
    made: World = []
    for _ in range(n_sets):
        level = math.log(middle / (1 - middle)) + rng.gauss(0, spread)
        right = [rng.random() < _chance(level + h + rng.gauss(0, 1)) for h in hard]
        # Over rows and luck, both of spread 1, the logistic curve is about as flat as this.
        made.append((_chance(level / 1.3), right))
    return made


def _chance(level: float) -> float:
    return 1 / (1 + math.exp(-level))


def raced(sets: World, n: int, first: int) -> float:
    """Race n sets, the better half after each heat of twice as many rows, until calls are over."""
    alive, size, heat, left = sets[:n], 0, first, CALLS
    while size < N_ROWS:
        heat = min(heat, N_ROWS)
        alive = alive[: max(1, left // (heat - size))]
        left -= len(alive) * (heat - size)
        alive = sorted(alive, key=lambda one: -sum(one[1][:heat]))
        alive = alive if heat == N_ROWS else alive[: math.ceil(len(alive) / 2)]
        size, heat = heat, 2 * heat
    return alive[0][0]


def rules() -> dict[str, Callable[[World], float]]:
    """The rules that are compared, by name."""
    found: dict[str, Callable[[World], float]] = {
        "one set": lambda sets: sets[0][0],
        "7 measured whole": partial(raced, n=7, first=N_ROWS),
    }
    for n, first in ((10, 7), (14, 4), (18, 4), (22, 4), (26, 3), (40, 2)):
        found[f"{n} raced, first on {first}"] = partial(raced, n=n, first=first)
    return found


def main() -> None:
    """Simulate, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", type=int, default=4000)
    parser.add_argument("--record", action="store_true", help="write the table")
    given = parser.parse_args()
    rows: list[dict[str, object]] = [{"rule": name} for name in rules()]
    for middle, spread in ((0.5, 0.5), (0.8, 0.5), (0.6, 1.0)):
        rng = random.Random(f"{middle} {spread}")
        worlds = [world(rng, middle, spread) for _ in range(given.worlds)]
        base = [sets[0][0] for sets in worlds]
        for row, rule in zip(rows, rules().values(), strict=True):
            ends = [rule(sets) for sets in worlds]
            error = stdev(e - b for e, b in zip(ends, base, strict=True)) / math.sqrt(len(ends))
            kind = f"sets at {fmean(base):.0%}, {100 * stdev(base):.0f} points apart"
            row[kind] = f"{100 * fmean(ends):.1f} ± {100 * error:.1f}"
    print(*rows, sep="\n")
    if given.record:
        title = f"Ways to spend {CALLS} calls on sets of worked examples, true accuracy in %"
        note = "By simulation: no model is asked. ± is one standard error of the gain over one set."
        record("set_races", title, rows, notes=[note])


if __name__ == "__main__":
    main()
