"""A grid whose scorer has workers, killed at random moments: the same cells, no process left.

The grid is run once undisturbed and once with kills, of the command, of a cell's process or of a
scorer's, or by Ctrl-C, once and twice; after each the same command goes on. A server counts calls.

    python -m experiments.benchmarks.faults.grid_kills                     # 60 cells, 10 kills
    python -m experiments.benchmarks.faults.grid_kills --seeds 3 --kills 4
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from apo.model import Completion, Request
from apo.models.embedded import Embedded
from apo.testing.server import serve

JOBS, CONCURRENCY, CALLS = 2, 2, 60
KINDS = ("command", "process", "once", "twice")
TASK = """data: data.csv
inputs: [text]
target: kind
labels: [fruit, animal]
prompt: Fruit or animal?
scorer: {name: score.py:score, workers: 2}
"""
SCORE = """def score(output, example):
    return float(example.target == output.strip().lower().rstrip("."))
"""


@dataclass
class Counting:
    """The embedded model behind a server, and how many requests came in."""

    requests: int = 0
    name: str = "embedded"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._model = Embedded()

    async def complete(self, request: Request) -> Completion:
        """Answer, and count."""
        with self.lock:
            self.requests += 1
        return await self._model.complete(request)

    async def aclose(self) -> None:
        """Nothing to close."""


def write_task(folder: Path, rng: Random) -> None:
    """A small task of two labels, with a scorer of its own in two processes."""
    words = {"fruit": ("apple", "pear", "plum"), "animal": ("dog", "cat", "hen")}
    openings = ("I saw", "We have", "Give me", "Where is")
    lines = [
        f"{rng.choice(openings)} the {rng.choice(words[kind])} number {i},{kind}"
        for i, kind in enumerate([*words] * 30)
    ]
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text("\n".join(["text,kind", *lines]), encoding="utf-8")
    (folder / "task.yaml").write_text(TASK, encoding="utf-8")
    (folder / "score.py").write_text(SCORE, encoding="utf-8")


def marked(mark: str) -> list[int]:
    """Processes that have the mark in their environment."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def start(folder: Path, url: str, mark: str, n_seeds: int) -> "subprocess.Popen[str]":
    """Give the command."""
    command = [sys.executable, "-m", "apo", "compare", "-t", "small", "-m", "openai/embedded"]
    for name in ("random-search", "ape", "opro", "bootstrap-rs"):
        command += ["-o", name]
    command += ["--seeds", str(n_seeds), "--max-calls", str(CALLS), "-j", str(JOBS)]
    command += ["-c", str(CONCURRENCY), "--no-track", "--trust", "--json"]
    environment = {**os.environ, "OPENAI_API_KEY": "x", "OPENAI_BASE_URL": url, "GRID_MARK": mark}
    with (folder / "errors.txt").open("a", encoding="utf-8") as errors:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )


def disturb(process: "subprocess.Popen[str]", kind: str, mark: str, rng: Random) -> None:
    """Kill as told, and wait for the command's end."""
    if kind == "command":
        process.kill()
    elif kind == "process":
        others = [pid for pid in marked(mark) if pid != process.pid]
        os.kill(rng.choice(others), signal.SIGKILL) if others else None
        time.sleep(rng.uniform(0, 2))
        process.send_signal(signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
        if kind == "twice":
            time.sleep(rng.uniform(0, 0.5))
            process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)


def wait_for_nobody(mark: str) -> list[int]:
    """Give processes ten seconds to end with their parents; gives those that are left."""
    for _ in range(100):
        if not marked(mark):
            return []
        time.sleep(0.1)
    return marked(mark)


def run(folder: Path, rng: Random, n_seeds: int, kills: int) -> tuple[dict[str, Any], int]:
    """Run the grid to its end; gives its document and how many requests it took."""
    counting, mark = Counting(), f"grid-{os.getpid()}-{kills}"
    write_task(folder / "small", Random(1))
    with serve(counting, latency=0.01) as server:
        for number in range(kills):
            process = start(folder, server.base_url, mark, n_seeds)
            time.sleep(rng.uniform(2, 2 + n_seeds / 2))
            if process.poll() is None:
                kind = KINDS[number % len(KINDS)]
                disturb(process, kind, mark, rng)
                print(f"kill {number + 1} ({kind}): rc {process.returncode}", flush=True)
            left = wait_for_nobody(mark)
            if left:
                sys.exit(f"Processes are left: {left}")
        process = start(folder, server.base_url, mark, n_seeds)
        out, _ = process.communicate(timeout=3600)
        if process.returncode or wait_for_nobody(mark):
            sys.exit(f"It ended with {process.returncode}; {wait_for_nobody(mark)} are left.")
    return json.loads(out), counting.requests


def table(document: dict[str, Any]) -> dict[str, Any]:
    """What must not hang on kills: all of the cells but their time.

    After how many calls a prompt was measured hangs on what else was under way, in any grid.
    """
    varying = ("minutes", "curve")
    return {
        cell["cell"]: {k: v for k, v in cell.items() if k not in varying}
        for cell in document["cells"]
    }


def main() -> None:
    """Run both grids, and compare them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, began = Random(given.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        calm, calm_calls = run(Path(place) / "calm", rng, given.seeds, 0)
        wild, wild_calls = run(Path(place) / "wild", rng, given.seeds, given.kills)
    before, after = table(calm), table(wild)
    for cell in {*before, *after}:
        if before.get(cell) != after.get(cell):
            print(f"{cell}: {before.get(cell)} became {after.get(cell)}")
    same = before == after
    most = given.kills * JOBS * CONCURRENCY
    print(
        f"{len(calm['cells'])} cells, {given.kills} kills, {time.monotonic() - began:.0f} s: "
        f"{'the same table' if same else 'ANOTHER TABLE'}, no process left, {calm_calls} calls "
        f"undisturbed, {wild_calls} with kills (those under way may be lost: at most {most})."
    )
    sys.exit(not same or wild_calls > calm_calls + most)


if __name__ == "__main__":
    main()
