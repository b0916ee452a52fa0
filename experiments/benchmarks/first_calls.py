"""What the first calls of a search bring: distill beside GEPA, OPRO and MIPROv2.

    python experiments/benchmarks/first_calls.py
    python experiments/benchmarks/first_calls.py --model local/smollm2 --tasks DIR/a,DIR/b \
        --answers a.jsonl.xz --keep-answers a.jsonl.xz

Each method searches with the same few calls, without a test split, so that all of them are its own;
what it ends with is then measured on the test rows, which is not counted. Seeds change the draws of
the search, not the rows. The difference to the first method is paired by task and seed, with an
interval over the seeds; the tasks stay.

With kept answers the same command goes on where it was stopped: what was answered before is not
asked again, and the seeds are gone through one by one, so that with fewer of them it is whole.
"""

import argparse
import asyncio
import csv
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Budget, Model, Options, Prompt, Task, aoptimize, make_optimizer
from apo.assessment.evaluate import aevaluate
from apo.compare.answers import keep_answers, take_answers
from apo.evaluation.room import with_max_answer
from apo.models.absent import stand_in
from apo.statistics import interval
from apo.storage.journal import Journal
from apo.taskfile.load import load_task
from experiments.benchmarks.recording import record

TASKS = ("support-tickets", "order-fields", "reviews-ko", "short-reviews")
METHODS = ("distill", "gepa", "opro", "miprov2")
Ends = dict[tuple[str, int, str], tuple[float, int]]
"""By task, seed and method: the score on test rows, and the calls that the search took."""


def task_of(name: str, given: argparse.Namespace, home: Path) -> Task:
    """The task, with the test rows and the room for an answer that were asked for."""
    task = with_max_answer(load_task(name, memory=home / "splits"), given.max_answer)
    return replace(task, test=task.test[: given.rows])


def opened(name: str) -> Model | str:
    """The model's name; of one that is not here, what stands for it where answers are kept."""
    return stand_in(name) or name


def score(task: Task, prompt: Prompt, given: argparse.Namespace, home: Path) -> float:
    """A prompt's value on the test rows, with answers that are there already."""
    with Journal(shared=home / "answers.db") as journal:
        work = aevaluate(task, prompt, split="test", model=opened(given.model), journal=journal)
        return asyncio.run(work)[0].value


def end(
    task_name: str, seed: int, method: str, given: argparse.Namespace, home: Path
) -> tuple[float, int]:
    """Search, and measure what the search ends with."""
    task = task_of(task_name, given, home)
    search = aoptimize(
        replace(task, test=()),
        make_optimizer(method),
        model=opened(given.model),
        optimizer_model=opened(given.optimizer_model or given.model),
        budget=Budget(max_calls=given.calls),
        options=Options(track=False, seed=seed, reuse=True),
        home=home,
    )
    try:
        found = asyncio.run(search)
        return score(task, found.best.prompt, given, home), found.spent.calls
    finally:  # Also what was paid before a stop.
        if given.keep_answers:
            keep_answers([home / "answers.db"], given.keep_answers)


def table(ends: Ends, tasks: Sequence[str], seeds: Sequence[int]) -> list[dict[str, object]]:
    """A row for each method."""
    cells = [(task, seed) for task in tasks for seed in seeds]
    rows: list[dict[str, object]] = []
    for method in METHODS:
        scores = [ends[task, seed, method][0] for task, seed in cells]
        gaps = [
            [ends[task, s, method][0] - ends[task, s, METHODS[0]][0] for s in seeds]
            for task in tasks
        ]
        low, high = interval(gaps) or (float("nan"), float("nan"))
        row: dict[str, object] = {"method": method}
        for task in tasks:
            row[shown(task)] = f"{100 * fmean(ends[task, s, method][0] for s in seeds):.1f} %"
        row["mean"] = f"{100 * fmean(scores):.1f} %"
        row["calls"] = round(fmean(ends[task, seed, method][1] for task, seed in cells))
        told = f"{100 * fmean(map(fmean, gaps)):+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
        row[f"less {METHODS[0]}"] = "" if method == METHODS[0] else told
        rows.append(row)
    return rows


def shown(task: str) -> str:
    """A task's name without its folder or file."""
    return Path(task).name.rpartition(":")[2]


def seed_scores(
    tasks: Sequence[str], given: argparse.Namespace, home: Path
) -> Mapping[str, object]:
    """The row of the seed prompts."""
    row: dict[str, object] = {"method": "seed prompt"}
    for name in tasks:
        task = task_of(name, given, home)
        row[shown(name)] = f"{100 * score(task, task.seed_prompts[0], given, home):.1f} %"
    return {**row, "mean": "", "calls": 0, f"less {METHODS[0]}": ""}


def main() -> None:
    """Search with all methods, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--optimizer-model", default="")
    parser.add_argument("--tasks", default=",".join(TASKS), help="names or folders, by comma")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, help="of the test split, at most; by default all")
    parser.add_argument("--max-answer", type=int, help="tokens of the longest answer")
    parser.add_argument(
        "--answers", type=Path, help="take the answers of this file, if it is there"
    )
    parser.add_argument("--keep-answers", type=Path, help="write all answers here")
    parser.add_argument("--cells", type=Path, help="write how each search ends here, at once")
    parser.add_argument("--record", nargs="?", const="first_calls", help="write the table")
    given = parser.parse_args()
    tasks, seeds, ends = given.tasks.split(","), range(given.seeds), Ends()
    with tempfile.TemporaryDirectory(prefix="apo-first-calls-") as folder:
        home = Path(folder)
        if given.answers and given.answers.exists():
            take_answers(given.answers, home)
        with open(given.cells or os.devnull, "w", encoding="utf-8", newline="") as file:
            cells = csv.writer(file, lineterminator="\n")
            cells.writerow(("task", "seed", "method", "score", "calls"))
            for seed, task, method in ((s, t, m) for s in seeds for t in tasks for m in METHODS):
                ends[task, seed, method] = end(task, seed, method, given, home)
                cell = (shown(task), seed, method, *ends[task, seed, method])
                cells.writerow(cell)
                file.flush()
                print(*cell, flush=True)
        rows = [seed_scores(tasks, given, home), *table(ends, tasks, seeds)]
    print(*rows, sep="\n")
    if given.record:
        title = f"The first {given.calls} calls of a search, {given.model}, {given.seeds} seeds"
        note = (__doc__ or "").split("\n\n")[2].replace("\n", " ")
        record(given.record, title, rows, notes=[note])


if __name__ == "__main__":
    main()
