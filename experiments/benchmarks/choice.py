"""How often the choice after a search errs, where what prompts are worth is known.

    python experiments/benchmarks/choice.py

1. *The winner's instruction against the seed's, both with its demos* (`apo/results/parts.py`). Rows
are right or wrong; some differ between the two prompts, and the true gain of the instruction is
given. The winner is the best of ten such on these rows, as a search chooses; the seed's instruction
with the demos is measured afresh. Told is how often the seed's takes the place, and what that costs
or gains on new rows.

2. *Searches whose candidates are all equal to the seed.* How often the seed prompt stays: as the
best on validation, as it is chosen today; if a candidate had to win over it in most resamples of
the validation rows; and as the answer of the run, after the verdict on test rows.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo.results.paired import tested
from apo.results.parts import MOST, share_of_wins
from experiments.benchmarks.recording import record

SEARCHED, ACCURACY = 10, 0.6
"""Prompts of which the winner is the best, and what the demos are worth alone."""
DIFFERENT = 0.3
"""Share of the rows that two prompts differ on for no reason, in each direction half of it."""


CANDIDATES, VALIDATION, TEST = 20, 100, 200


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


def equal(n: int) -> list[dict[str, object]]:
    """How often the seed stays where all candidates are equal to it, by each rule."""
    rng = np.random.default_rng(7)
    stays: Counter[str] = Counter()
    for _ in range(n):
        base = (rng.random(VALIDATION) < ACCURACY).astype(float)
        tried = [scores(rng, base, 0.0) for _ in range(CANDIDATES)]
        gaps = [found - base for found in tried]
        best = max(gaps, key=lambda gap: float(gap.mean()))
        wins = share_of_wins(list(best))
        stays["best on validation, as today"] += float(best.mean()) <= 0
        for level in (0.8, 0.95, 0.99):
            stays[f"wins in {level:.0%} of resamples"] += wins < level
        fresh = (rng.random(TEST) < ACCURACY).astype(float)
        interval, p_value = tested(list(scores(rng, fresh, 0.0) - fresh), [])
        stays["answer of the run, after the verdict"] += interval[0] <= 0 or p_value > 0.05
    return [
        {"rule": rule, "the seed stays": f"{100 * count / n:.1f} %"}
        for rule, count in stays.items()
    ]


def main() -> None:
    """Simulate, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=120, help="searches a line")
    parser.add_argument("--searches", type=int, default=500, help="with equal candidates")
    parser.add_argument("--record", action="store_true", help="write the table")
    given = parser.parse_args()
    gains = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1, 0.2)
    rows = [replaced(gain, size, given.n) for size in (40, 100) for gain in gains]
    stays = equal(given.searches)
    print(*rows, *stays, sep="\n")
    if given.record:
        title = "The seed's instruction in the place of a winner's that adds nothing"
        parts = [text.replace("\n", " ") for text in (__doc__ or "").split("\n\n")[2:]]
        record("choice", title, rows, notes=[parts[0], f"{given.n} searches a line."])
        title = f"{given.searches} searches of {CANDIDATES} candidates that are equal to the seed"
        size = f"{VALIDATION} validation and {TEST} test rows."
        record("choice_equal", title, stays, notes=[parts[1], size])


if __name__ == "__main__":
    main()
