"""A grid of 16 cells on a local Ray with 2 workers against the same grid one after another.

    python experiments/benchmarks/ray_grid.py

Every way is a whole `apo compare` in a process of its own, from its start to its report, over a
loopback server that answers after 200 ms; the start of Ray is in the time, and shown apart. The
mark: at least 1.7 times as fast as one after another, where two workers allow 2, and the same
winners, by the ids of their prompts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from apo import Prompt
from apo.storage.folder import list_runs
from experiments.benchmarks.recording import record

WAYS = {
    "one after another": ["--jobs", "1"],
    "2 processes": ["--jobs", "2"],
    "Ray, 2 workers": ["--jobs", "2", "--on", "ray"],
}
GRID = [
    *("-t", "word-problems", "-t", "order-fields"),
    *("-o", "random-search", "-o", "opro", "-o", "ape", "-o", "evoprompt-ga"),
    *("--seeds", "2", "--max-calls", "150", "--concurrency", "4"),
]
MARK = 1.7


class Measured(NamedTuple):
    """Seconds of the whole command, seconds until the first cell began, winners by cell."""

    seconds: float
    start: float
    winners: dict[str, str]


@contextmanager
def served(latency_ms: float) -> Generator[str]:
    """A server in a process of its own; gives the model's name."""
    command = [sys.executable, "-m", "apo.testing.server", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"{server.stdout.readline().strip()}#embedded"
        finally:
            server.terminate()


def measure(model: str, flags: list[str]) -> Measured:
    """Run the grid in a folder of its own."""
    command = [sys.executable, "-m", "apo", "compare", *GRID, "-m", model, "--no-track", *flags]
    with tempfile.TemporaryDirectory(prefix="apo-ray-grid-") as folder:
        began, clock = time.time(), time.perf_counter()
        done = subprocess.run(
            [*command, "--json"], cwd=folder, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - clock
        if done.returncode:
            raise SystemExit(f"apo compare failed:\n{done.stderr}")
        runs = list(list_runs(Path(folder, json.loads(done.stdout)["folder"])))
        first = min(datetime.fromisoformat(run.settings["created"]) for run in runs)
        winners = {
            run.id.rpartition("-")[0]: Prompt.from_dict((run.result or {})["best_prompt"]).id
            for run in runs
        }
        return Measured(seconds, first.timestamp() - began, dict(sorted(winners.items())))


def main() -> None:
    """Measure all ways in turn, several times, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--latency-ms", type=float, default=200)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    found: dict[str, list[Measured]] = {way: [] for way in WAYS}
    with served(given.latency_ms) as model:
        for _ in range(given.runs):
            for way, flags in WAYS.items():
                found[way].append(measure(model, flags))
                print(f"{way}: {found[way][-1].seconds:.1f} s", flush=True)
    slow = median(m.seconds for m in found["one after another"])
    every = [m.winners for measured in found.values() for m in measured]
    same = all(winners == every[0] for winners in every)
    rows = [
        {
            "way": way,
            "seconds": (seconds := median(m.seconds for m in measured)),
            "of these until the first cell": median(m.start for m in measured),
            "times as fast": slow / seconds,
            "winners": "the same" if all(m.winners == every[0] for m in measured) else "DIFFER",
        }
        for way, measured in found.items()
    ]
    ids = ", ".join(f"{cell} {prompt}" for cell, prompt in every[0].items())
    record(
        "ray_grid",
        f"{len(every[0])} cells of 150 calls at {given.latency_ms:g} ms: Ray against one by one",
        rows,
        notes=[
            f"Mark: Ray with 2 workers at least {MARK} times as fast, and the same winners in "
            f"every cell. Medians of {given.runs}; a time is that of the whole command.",
            f"The prompts that won{'' if same else ' one after another'}: {ids}.",
        ],
    )


if __name__ == "__main__":
    main()
