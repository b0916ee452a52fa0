"""How often searches on folds come under p = 0.05 where nothing can be gained, and doubled p.

The searches share rows, so the tests of their winners are not independent. At the worst, all folds
choose among the same prompts, which differ from the seed prompt on 20 of 100 rows, as often for the
better as for the worse. Each fold's search keeps the best few on train (two thirds of the rows it
has), then takes the best of these on validation (one third), as `apo.folds` parts them; with as
many kept as there are, it chooses on validation alone. McNemar's exact test is of the pooled rows.
Against: 5 % favourable at most, with the p-value doubled (`apo.fold_verdict`).

    python experiments/benchmarks/fold_dependence.py            # 4,000 procedures a line
    python experiments/benchmarks/fold_dependence.py --runs 200
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo.results.fold_verdict import CAUTION
from apo.statistics import proportion_interval
from apo.statistics.counts import mcnemar_p
from experiments.benchmarks.recording import record

ROWS = 100
DIFFERENT = 0.2
CASES = ((5, 5), (30, 30), (30, 3), (200, 5), (1000, 10))
"""How many prompts there are, and how many are kept after train."""


def one(rng: np.random.Generator, k: int, n_prompts: int, n_kept: int) -> float:
    """The p-value of one procedure; 1 where it did not win more than it lost."""
    chances = [DIFFERENT / 2, DIFFERENT / 2, 1 - DIFFERENT]
    gains = rng.choice(np.array([1, -1, 0]), p=chances, size=(n_prompts, ROWS))
    fold, pooled = np.arange(ROWS) % k, np.zeros(ROWS, dtype=int)
    for i in range(k):
        rest = rng.permutation(np.flatnonzero(fold != i))
        validation, train = np.split(rest, [len(rest) // 3])
        # Ties are broken by lot.
        on_train = gains[:, train].sum(axis=1) + 0.1 * rng.random(n_prompts)
        kept = np.argsort(-on_train)[:n_kept]
        on_validation = gains[kept][:, validation].sum(axis=1)
        if on_validation.max() > 0:  # Otherwise the seed prompt stays the best.
            best = kept[on_validation.argmax()]
            pooled[fold == i] = gains[best, fold == i]
    wins, losses = int((pooled == 1).sum()), int((pooled == -1).sum())
    return mcnemar_p(wins, losses) if wins > losses else 1.0


def line(k: int, n_prompts: int, n_kept: int, n: int) -> dict[str, Any]:
    """A line of the table."""
    rng = np.random.default_rng([k, n_prompts, n_kept])
    found = [one(rng, k, n_prompts, n_kept) for _ in range(n)]
    plain, doubled = (sum(times * p <= 0.05 for p in found) for times in (1.0, CAUTION))
    low, high = proportion_interval(doubled, n)
    return {
        "folds": k,
        "prompts": n_prompts,
        "kept after train": n_kept,
        "plain p": f"{plain / n:.1%}",
        "doubled p": f"{doubled / n:.1%}",
        "95 % interval": f"{low:.1%} to {high:.1%}",
        "at most 5 %": "met" if low <= 0.05 else "MISSED",
    }


def main() -> None:
    """Simulate all, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=4000, help="procedures for each line")
    n = parser.parse_args().runs
    rows = [line(k, *case, n) for k in (5, 10) for case in CASES]
    notes = [
        f"{ROWS} rows, {n:,} procedures a line. Marked MISSED where 5 % is below the interval."
    ]
    record("fold_dependence", "Folds where nothing can be gained: favourable", rows, notes=notes)


if __name__ == "__main__":
    main()
