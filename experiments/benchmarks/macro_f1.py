"""Does it pay to optimize the metric that counts? Macro-F1 against accuracy on a rare class.

One row of ten is urgent. The model that answers is simulated: it sees how urgent a row looks, a
number that is higher for urgent rows by 1.5 standard deviations on average, and calls it urgent
above a bar that the prompt's wording sets, which is what a stricter or a milder wording does. For
accuracy the rare class is best forgotten (the best bar is 2.2, where 4 of 5 urgent rows are
missed); for macro-F1 it is not. The model that writes proposes wordings at random. Each optimizer
searches twice with the same seed and budget, once for accuracy and once for macro-F1, its
minibatches included; both best prompts are measured by macro-F1 on the same 600 test rows. Told are
the means over the seeds, and Student's interval of the paired differences.

    python experiments/benchmarks/macro_f1.py
    python experiments/benchmarks/macro_f1.py --seeds 3 --optimizers capo

It shows that the search aims at what it is told to. How much that brings with a real model depends
on how its prompts move its errors.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scipy import stats

from apo import Budget, Completion, Example, Options, Request, Task, Usage, aoptimize
from apo.scorers.metrics.registry import make_metric
from apo.task import Metric
from apo.taskfile.load import task_from_data
from experiments.benchmarks.recording import record

LABELS = ("routine", "urgent")
ROWS, RARE, APART = 1200, 0.1, 1.5
"""Rows; the share of urgent ones; how much more urgent they look, in standard deviations."""
SPLIT = {
    "fractions": {"train": 0.2, "validation": 0.3, "test": 0.5},
    "caps": {"train": 240, "validation": 360, "test": 600},
}
OPTIMIZERS = ("random-search", "evoprompt-ga", "opro", "miprov2")
MILDEST = 30
USAGE = Usage(input_tokens=50, output_tokens=5)


@dataclass
class Reader:
    """Calls a row urgent above the bar that the prompt's exclamation marks lower."""

    name: str = "reader"

    async def complete(self, request: Request) -> Completion:
        """Answer a row."""
        *before, row = (message.content for message in request.messages)
        bar = 3.0 - 0.1 * "".join(before).count("!")
        looks = float(row.rsplit(maxsplit=1)[-1])
        return Completion(text=LABELS[looks > bar], usage=USAGE)

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class Writer:
    """Proposes wordings at random, in the form that is asked for."""

    name: str = "writer"

    async def complete(self, request: Request) -> Completion:
        """Write a wording; it follows the seed of the call."""
        marks = "!" * random.Random(request.seed).randint(0, MILDEST)
        reply = f"Is the message routine or urgent? {marks}"
        tags = ("instruction", "observations", "summary")
        text = "".join(f"<{tag}>{reply}</{tag}>" for tag in tags)
        return Completion(text=text, usage=USAGE)

    async def aclose(self) -> None:
        """Nothing to close."""


def main() -> None:
    """Search for both, compare, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--optimizers", default=",".join(OPTIMIZERS))
    parser.add_argument("--max-calls", type=int, default=5000)
    given = parser.parse_args()
    task, metric = made(), make_metric("macro_f1", LABELS)
    rows: list[dict[str, Any]] = []
    for optimizer in given.optimizers.split(","):
        pairs: list[tuple[float, float]] = []
        for seed in range(given.seeds):
            plain, aimed = (
                asyncio.run(best(replace(task, metric=m), optimizer, seed, given.max_calls, metric))
                for m in (None, metric)
            )
            pairs.append((plain, aimed))
            print(f"{optimizer}, seed {seed}: {plain:.3f} by accuracy, {aimed:.3f}", flush=True)
        rows.append(row(optimizer, pairs))
    title = "Macro-F1 on the test rows, of prompts chosen by accuracy and by macro-F1"
    notes = [f"{given.seeds} seeds, {given.max_calls} calls each; 240, 360 and 600 rows."]
    record("macro_f1", title, rows, notes=notes)


def made() -> Task:
    """The task; always the same."""
    rng = random.Random(0)
    rows = [
        {
            "message": f"Message {i} looks {rng.gauss(APART * urgent, 1):.4f}",
            "label": LABELS[urgent],
        }
        for i, urgent in enumerate(rng.random() < RARE for _ in range(ROWS))
    ]
    return task_from_data(
        rows, inputs="message", target="label", labels=LABELS, name="messages", split=SPLIT,
        prompt="Is the message routine or urgent?",
    )  # fmt: skip


async def best(task: Task, optimizer: str, seed: int, max_calls: int, metric: Metric) -> float:
    """Macro-F1 on the test rows of the best prompt of one search."""
    with tempfile.TemporaryDirectory() as home:
        found = await aoptimize(
            task,
            optimizer,
            model=Reader(),
            optimizer_model=Writer(),
            budget=Budget(max_calls=max_calls),
            options=Options(seed=seed, track=False),
            home=Path(home),
        )
        lines = (Path(home) / "runs" / found.run_id / "test.jsonl").read_text().splitlines()
    pairs = [json.loads(line) for line in lines]
    examples = [Example(pair["inputs"], tuple(pair["targets"])) for pair in pairs]
    return metric([pair["best_output"] for pair in pairs], examples, [1.0] * len(pairs))


def row(optimizer: str, pairs: list[tuple[float, float]]) -> dict[str, Any]:
    """A line of the table."""
    gains = [aimed - plain for plain, aimed in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Gains that are all the same.
        test: Any = stats.ttest_1samp(gains, 0)
    low, high = test.confidence_interval(0.95)
    return {
        "optimizer": optimizer,
        "by accuracy": round(mean(plain for plain, _ in pairs), 3),
        "by macro-F1": round(mean(aimed for _, aimed in pairs), 3),
        "difference": round(mean(gains), 3),
        "95 % interval": f"{low:.3f} to {high:.3f}",
        "p": float(f"{test.pvalue:.2g}"),
        "seeds won": f"{sum(g > 0 for g in gains)} of {len(gains)}",
    }


if __name__ == "__main__":
    main()
