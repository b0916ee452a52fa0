"""apo: `aevaluate` with its journal on disk, and `aoptimize` without MLflow."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from apo import Budget, Example, Options, Prompt, Task, aoptimize
from apo.assessment.evaluate import aevaluate
from apo.scorers.choice import Choice
from apo.storage.journal import Journal
from experiments.benchmarks.loopback_answers import LABELS, TEST, label_of
from experiments.benchmarks.speed_peers.support import (
    PROMPT,
    SEEDS,
    WARM_UP,
    arguments,
    finish,
    measured,
    text_of,
)

POPULATIONS: dict[str, dict[str, Any]] = {
    "evoprompt-ga": {"population_size": len(SEEDS), "n_induced": 0},
    "capo": {"population_size": len(SEEDS)},
    "opro": {},
}
"""Methods that start from several prompts, with settings: as large as the peers' populations."""
PARALLEL = {"gepa-4": ("gepa", {"n_proposals": 4})}
"""GEPA's own way to save time: four proposals from one state of the pool (as in its code)."""
N_TEST = 100
"""Test examples. The verdict asks about each twice, beside the budget that the peers have."""


def example(number: int) -> Example:
    """An example as apo has it."""
    return Example({"input": text_of(number)}, (label_of(number),))


def task_of(n: int, test: Iterable[int], *, seeds: Sequence[str] = (PROMPT,)) -> Task:
    """The task of the benchmark, made in memory.

    Args:
        n: examples of the train and the validation split together.
        test: numbers of the test examples.
        seeds: instructions to start from.
    """
    rows = [example(i) for i in range(n)]
    return Task(
        name="tickets",
        scorer=Choice(labels=LABELS),
        seed_prompts=tuple(Prompt(seed) for seed in seeds),
        train=rows[: n // 2],
        validation=rows[n // 2 :],
        test=[example(i) for i in test],
        description="Support tickets, each for one of four teams.",
        labels=LABELS,
    )


async def evaluate(given: Any, result: dict[str, Any]) -> None:
    """Warm up, then measure the prompt on all examples."""
    options = Options(max_concurrency=given.concurrency, transport=given.variant or "aiohttp")
    shared: dict[str, Any] = {"model": f"{given.url}#mock", "options": options}
    task, warm_up = task_of(2, range(given.examples)), task_of(2, [WARM_UP])
    with Journal(given.folder / "journal.db") as journal:
        await aevaluate(warm_up, task.seed_prompts[0], journal=journal, **shared)
        with measured(result):
            found, _ = await aevaluate(task, task.seed_prompts[0], journal=journal, **shared)
    result["score"] = found.mean
    result["failed"] = found.counts()["error"] or None


async def search(given: Any, result: dict[str, Any]) -> None:
    """Run an optimizer; the verdict on 100 test examples is part of its calls."""
    seeds = SEEDS if given.variant in POPULATIONS else (PROMPT,)
    alone: tuple[str, dict[str, Any]] = (given.variant, POPULATIONS.get(given.variant, {}))
    optimizer, settings = PARALLEL.get(given.variant, alone)
    test = range(TEST, TEST + N_TEST)
    with measured(result):
        found = await aoptimize(
            task_of(given.examples, test, seeds=seeds),
            optimizer,
            settings=settings,
            model=f"{given.url}#mock",
            budget=Budget(max_calls=given.budget + 2 * N_TEST),
            options=Options(max_concurrency=given.concurrency, track=False, seed=given.seed),
            home=given.folder,
        )
    result["score"] = found.best.mean


def main() -> None:
    """Do what is asked."""
    given = arguments()
    result: dict[str, Any] = {}
    asyncio.run((evaluate if given.what == "evaluate" else search)(given, result))
    finish(result, "apo", "aiohttp")


if __name__ == "__main__":
    main()
