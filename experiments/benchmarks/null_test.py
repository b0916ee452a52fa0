"""How often a whole run ends with a favourable verdict: where nothing can be gained, and where.

Null: runs on tasks where no prompt is better than another. The model's answer is drawn anew for
every prompt and example, and is right 6 times of 10 whatever the prompt says; or it reads most
rows in the same way under all prompts, and the labels were shuffled. Every candidate's score is
luck, the search picks the luckiest, and the verdict must not be taken in: at most 5 % favourable.

Power: runs on tasks where one in 12 of the proposed prompts is better by 10 points (60 to 70 %),
with 200 test rows. On how many rows the two prompts differ is planted as well, since it decides
how much can be seen: 10 won and 0 lost of 100, 15 and 5, 20 and 10. Whether a search finds the
prompt on its validation split is up to the search, so the share is told of the runs that found it.
The exact power of the test alone stands beside.

Folds: the same with `aoptimize_folds` on 100 rows in all, where runs share rows and the pairs of
the verdict are not quite independent. Half of the null runs propose the same 30 prompts in every
fold, which ties the folds most. Power is compared with one split of the same rows, for the same
calls.

    python experiments/benchmarks/null_test.py              # 400 runs, and 200 for each power
    python experiments/benchmarks/null_test.py --runs 20
    python experiments/benchmarks/null_test.py --folds 5 --runs 200
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import (
    Budget,
    Completion,
    Example,
    Options,
    Prompt,
    Request,
    Result,
    Task,
    Usage,
    aoptimize,
)
from apo.run.folds import aoptimize_folds
from apo.statistics import power, proportion_interval
from apo.testing import FakeOptimizerModel
from apo.testing.fakes import Repeat, draw
from experiments.benchmarks.recording import record

OPTIMIZERS = (
    "random-search",
    "opro",
    "ape",
    "evoprompt-ga",
    "gepa",
    "protegi",
    "capo",
    "race-search",
)
LABELS = ("red", "green", "blue", "grey")
RIGHT = 0.6
GAIN = 0.1
KINDS: Mapping[str, tuple[float, float]] = {
    "10 won, 0 lost of 100": (0.10, 0.0),
    "15 won, 5 lost of 100": (0.15, 0.05),
    "20 won, 10 lost of 100": (0.20, 0.10),
}
"""Planted: on which share of the rows only the better prompt is right, and only the other one."""


@dataclass
class Fake:
    """A task model in this process that costs no time.

    Attributes:
        kind: "luck": right by a draw for each prompt and example. "labels": a label by a draw for
            each example, and for 3 of 10 for each prompt anew. Else a key of KINDS: better when
            told to take care.
    """

    kind: str
    name: str = "fake"

    async def complete(self, request: Request) -> Completion:
        """Answer the request."""
        *before, last = [message.content for message in request.messages]
        text = self._answer("".join(before), last)
        return Completion(text=text, usage=Usage(input_tokens=1, output_tokens=1))

    async def aclose(self) -> None:
        """Nothing to close."""

    def _answer(self, prompt: str, row: str) -> str:
        if self.kind == "luck":
            return row if draw(f"{prompt} {row}") < RIGHT else "?"
        if self.kind == "labels":
            return LABELS[int(4 * draw(row if draw(prompt + row) < 0.7 else f"{prompt} {row}"))]
        wins, losses = KINDS[self.kind]
        place = draw(f"place {row}")
        if "care" not in prompt:
            return row if place < RIGHT else "?"
        return row if losses <= place < RIGHT + wins else "?"


class Writer(FakeOptimizerModel):
    """Writes instructions without any meaning; one in 12 asks for care."""

    def answer(self, request: Request) -> str:
        """Draw an instruction from the request and its seed."""
        luck = draw(f"{request.seed} {request.messages}")
        word = "Take care" if luck < 1 / 12 else "Answer"
        return f"<instruction>{word} ({luck:.6f}).</instruction>"


class SameFew(Writer):
    """Writes one of 30 instructions, whatever rows it is shown."""

    def answer(self, request: Request) -> str:
        """Draw an instruction from the request."""
        return f"<instruction>Answer ({int(30 * draw(f'{request}'))}).</instruction>"


def task_of(kind: str, seed: int, sizes: tuple[int, int, int]) -> Task:
    """Rows of that seed: no two runs share any."""
    rng = Random(seed)
    rows = [
        Example({"input": name}, (rng.choice(LABELS) if kind == "labels" else name,))
        for name in (f"row {seed}-{i}" for i in range(sum(sizes)))
    ]
    train, validation, _ = sizes
    return Task(
        name="null",
        scorer=Repeat(),
        seed_prompts=(Prompt("Answer"),),
        train=rows[:train],
        validation=rows[train : train + validation],
        test=rows[train + validation :],
        description="Answer.",
    )


def run(kind: str, optimizer: str, seed: int) -> Result:
    """One whole run, from the seed prompt to the verdict."""
    # Validation is larger where the better prompt is to be found, smaller where luck is to win.
    task = task_of(kind, seed, (30, 30, 100) if kind in ("luck", "labels") else (30, 100, 200))
    with tempfile.TemporaryDirectory() as home:
        work = aoptimize(
            task,
            optimizer,
            model=Fake(kind),
            optimizer_model=Writer(),
            budget=Budget(max_calls=800 if len(task.test) == 100 else 3000),
            options=Options(track=False, seed=seed),
            home=Path(home),
        )
        return asyncio.run(work)


def run_small(kind: str, optimizer: str, seed: int, folds: int, writer: Writer) -> Result:
    """One whole procedure on 100 rows: on folds, or with one split where there are none."""
    # The same whatever the split, which is 40:20:40 by default.
    task = task_of(kind, seed, (40, 20, 40))
    with tempfile.TemporaryDirectory() as home:
        given: dict[str, Any] = {
            "model": Fake(kind),
            "optimizer_model": writer,
            "budget": Budget(max_calls=3600),
            "options": Options(track=False, seed=seed),
            "home": Path(home),
        }
        if folds:
            return asyncio.run(aoptimize_folds(task, optimizer, folds=folds, **given))
        return asyncio.run(aoptimize(task, optimizer, **given))


def null_folds(n: int, folds: int) -> Iterator[dict[str, Any]]:
    """Null runs on folds."""
    writers = {"new prompts": Writer(), "the same prompts": SameFew()}
    cells = [(kind, w, name) for name in OPTIMIZERS for kind in ("luck", "labels") for w in writers]
    counts = {cell: [0, 0] for cell in cells}
    for seed in range(n):
        cell = kind, writer, name = cells[seed % len(cells)]
        result = run_small(kind, name, seed, folds, writers[writer])
        counts[cell][0] += bool(result.verdict and result.verdict.favourable)
        counts[cell][1] += 1
        print(f"null {seed + 1}/{n}", *cell, result.verdict, flush=True)
    yield _row(f"null, {folds} folds, all", [*counts.values()], "at most 5 %")
    for group in ("luck", "labels", *writers, *OPTIMIZERS):
        yield _row(f"null, {group}", [c for cell, c in counts.items() if group in cell], "")


def power_folds(n: int, folds: int) -> Iterator[dict[str, Any]]:
    """How often the planted gain is proven on folds, and by one split of the same rows."""
    kind = next(iter(KINDS))
    for k, name in ((folds, f"{folds} folds"), (0, "one split")):
        hits = 0
        for seed in range(n):
            result = run_small(kind, "random-search", 10_000 + seed, k, Writer())
            hits += bool(result.verdict and result.verdict.favourable)
            print(f"{name} {seed + 1}/{n}", result.verdict, flush=True)
        yield _row(f"{kind}, 100 rows, {name}", [[hits, n]], "")


def null(n: int) -> Iterator[dict[str, Any]]:
    """Runs where nothing can be gained, over all optimizers in turn."""
    favourable = {(kind, name): [0, 0] for kind in ("luck", "labels") for name in OPTIMIZERS}
    lucky = 0
    for seed in range(n):
        kind, name = list(favourable)[seed % len(favourable)]
        result = run(kind, name, seed)
        lucky += result.best.mean > result.seed.mean
        favourable[kind, name][0] += bool(result.verdict and result.verdict.favourable)
        favourable[kind, name][1] += 1
        print(f"null {seed + 1}/{n}", kind, name, result.verdict, flush=True)
    groups: dict[str, list[list[int]]] = {name: [] for name in ("luck", "labels", *OPTIMIZERS)}
    for (kind, name), counts in favourable.items():
        groups[kind].append(counts)
        groups[name].append(counts)
    yield _row("null, all", [*favourable.values()], "at most 5 %")
    yield from (_row(f"null, {name}", part, "") for name, part in groups.items())
    print(f"{lucky} of {n} null runs had a better validation score than their seed prompt.")


def planted(kind: str, n: int) -> Iterator[dict[str, Any]]:
    """Runs where the better prompt can be found."""
    wins, losses = KINDS[kind]
    found = favourable = 0
    for seed in range(n):
        result = run(kind, "random-search", 10_000 + seed)
        if "care" in result.best.prompt.text():
            found += 1
            favourable += bool(result.verdict and result.verdict.favourable)
        print(f"{kind} {seed + 1}/{n}", result.verdict, flush=True)
    exact = f"{power(200, GAIN, wins + losses):.1%}"
    yield _row(f"gain of 10 points, {kind}", [[favourable, found]], "at least 80 %", exact)


def _row(what: str, counts: list[list[int]], mark: str, exact: str = "") -> dict[str, Any]:
    """A line of the table."""
    hits, n = (sum(column) for column in zip(*counts, strict=True))
    low, high = proportion_interval(hits, n)
    holds = hits >= 0.8 * n if "least" in mark else hits <= 0.05 * n
    return {
        "runs": what,
        "n": n,
        "favourable": hits,
        "share": f"{hits / n:.1%}" if n else "",
        "95 % interval": f"{low:.1%} to {high:.1%}",
        "exact power": exact,
        "mark": mark,
        "met": ("met" if holds else "MISSED") if mark else "",
    }


def main() -> None:
    """Run all, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=400, help="null runs; half as many per power")
    parser.add_argument("--folds", type=int, default=0, help="test runs on so many folds instead")
    n, folds = parser.parse_args().runs, parser.parse_args().folds
    if folds:
        rows = [*null_folds(n, folds), *power_folds(max(1, n // 4), folds)]
        notes = [
            "Each procedure has 100 rows and 3,600 calls, on folds or with one split 40:20:40."
        ]
        record("null_folds", "Procedures on folds with a favourable verdict", rows, notes=notes)
        return
    rows = [*null(n), *(row for kind in KINDS for row in planted(kind, max(1, n // 2)))]
    notes = [
        "Whole runs with models in this process; what is random is drawn from the run's number.",
        "Power is told of the runs whose search chose the better prompt. Were the answers of both "
        "prompts independent, 54 of 100 rows would differ, and the exact power of 10 points on 200 "
        f"rows would be {power(200, GAIN, 0.54):.0%}: no test could show it 8 times of 10.",
    ]
    record("null_test", "Whole runs that end with a favourable verdict", rows, notes=notes)


if __name__ == "__main__":
    main()
