"""What the first calls of a search bring: distill beside GEPA, OPRO and MIPROv2.

    python experiments/benchmarks/first_calls.py
    python experiments/benchmarks/first_calls.py --model local/smollm2 --tasks DIR/a,DIR/b

Each method searches with the same few calls, without a test split, so that all of them are its own;
what it ends with is then measured on all test rows, which is not counted. Seeds change the draws of
the search, not the rows. The difference to the first method is paired by task and seed, with an
interval over these pairs.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Budget, Options, aoptimize, make_optimizer
from apo.assessment.evaluate import aevaluate
from apo.statistics import interval
from apo.taskfile.load import load_task
from experiments.benchmarks.recording import record

TASKS = ("support-tickets", "order-fields", "reviews-ko", "short-reviews")
METHODS = ("distill", "gepa", "opro", "miprov2")
Ends = dict[tuple[str, int, str], tuple[float, int]]
"""By task, seed and method: the score on test rows, and the calls that the search took."""


async def end(
    task_name: str, seed: int, method: str, given: argparse.Namespace, home: Path
) -> tuple[float, int]:
    """Search, and measure what the search ends with."""
    task = load_task(task_name, memory=home / "splits")
    found = await aoptimize(
        replace(task, test=()),
        make_optimizer(method),
        model=given.model,
        optimizer_model=given.optimizer_model or None,
        budget=Budget(max_calls=given.calls),
        options=Options(track=False, seed=seed),
        home=home,
    )
    measured, _ = await aevaluate(task, found.best.prompt, split="test", model=given.model)
    return measured.value, found.spent.calls


def table(ends: Ends, tasks: Sequence[str], seeds: Sequence[int]) -> list[dict[str, object]]:
    """A row for each method."""
    cells = [(task, seed) for task in tasks for seed in seeds]
    rows: list[dict[str, object]] = []
    for method in METHODS:
        scores = [ends[task, seed, method][0] for task, seed in cells]
        gaps = [
            score - ends[(*cell, METHODS[0])][0] for score, cell in zip(scores, cells, strict=True)
        ]
        low, high = interval([gaps]) or (float("nan"), float("nan"))
        row: dict[str, object] = {"method": method}
        for task in tasks:
            row[Path(task).name] = f"{100 * fmean(ends[task, s, method][0] for s in seeds):.1f} %"
        row["mean"] = f"{100 * fmean(scores):.1f} %"
        row["calls"] = round(fmean(ends[task, seed, method][1] for task, seed in cells))
        told = f"{100 * fmean(gaps):+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
        row[f"less {METHODS[0]}"] = "" if method == METHODS[0] else told
        rows.append(row)
    return rows


def seed_scores(
    tasks: Sequence[str], given: argparse.Namespace, home: Path
) -> Mapping[str, object]:
    """The row of the seed prompts."""
    row: dict[str, object] = {"method": "seed prompt"}
    for name in tasks:
        task = load_task(name, memory=home / "splits")
        work = aevaluate(task, task.seed_prompts[0], split="test", model=given.model)
        row[Path(name).name] = f"{100 * asyncio.run(work)[0].value:.1f} %"
    return {**row, "mean": "", "calls": 0, f"less {METHODS[0]}": ""}


def main() -> None:
    """Search with all methods, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--optimizer-model", default="")
    parser.add_argument("--tasks", default=",".join(TASKS), help="names or folders, by comma")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="write the table")
    given = parser.parse_args()
    tasks, seeds, ends = given.tasks.split(","), range(given.seeds), Ends()
    with tempfile.TemporaryDirectory(prefix="apo-first-calls-") as folder:
        home = Path(folder)
        for task in tasks:
            for seed in seeds:
                for method in METHODS:
                    ends[task, seed, method] = asyncio.run(end(task, seed, method, given, home))
                print(
                    task, seed, {m: round(ends[task, seed, m][0], 3) for m in METHODS}, flush=True
                )
        rows = [seed_scores(tasks, given, home), *table(ends, tasks, seeds)]
    print(*rows, sep="\n")
    if given.record:
        title = f"The first {given.calls} calls of a search, {given.model}, {given.seeds} seeds"
        record(
            "first_calls", title, rows, notes=[(__doc__ or "").split("\n\n")[2].replace("\n", " ")]
        )


if __name__ == "__main__":
    main()
