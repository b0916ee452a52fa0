"""Runs cells that come as JSON lines on standard input; the answers are JSON lines too."""

import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from apo.task import Task
from experiments.benchmarks.peers.cell import Driver, run_cell
from experiments.benchmarks.peers.endpoint import Endpoint

PEERS = {
    **{f"dspy-{m}": ("dspy", m) for m in ("miprov2", "copro", "gepa", "simba", "random-search")},
    "gepa": ("gepa", "gepa"),
    **{
        f"promptolution-{m}": ("promptolution", m)
        for m in ("capo", "evoprompt-ga", "evoprompt-de", "opro")
    },
}
"""Peers by the name of their rows: the library, and its method."""


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # The libraries print their progress.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        try:
            result = run(**json.loads(line))
        except Exception:
            result = {"error": traceback.format_exc()}
        answers.write(json.dumps(result) + "\n")
        answers.flush()


def run(
    optimizer: str, task: str, seed: int, max_calls: int, urls: Sequence[str]
) -> dict[str, Any]:
    """Run one cell; the URLs are of the task model, and of the optimizer model if it is another."""
    library, method = PEERS[optimizer]
    driver: Driver = import_module(f"experiments.benchmarks.peers.with_{library}").drive
    endpoint = Endpoint(urls[0], seed, urls[-1])
    result = run_cell(driver, method, _load(task), endpoint, seed, max_calls)
    return {"library": library, "version": version(library), "method": method, **result}


@lru_cache
def _load(name: str) -> Task:
    from apo.taskfile.load import load_task
    from apo.taskfile.places import builtin_tasks

    if name in builtin_tasks() or "." in name or "/" in name:
        return load_task(name)
    return load_task(f"{Path(__file__).parents[1] / 'real_tasks.py'}:{name}")


if __name__ == "__main__":
    main()
