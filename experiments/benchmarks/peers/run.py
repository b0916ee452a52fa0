"""Other frameworks' optimizers on the tasks, endpoint, budget and scorer of `apo compare`.

python experiments/benchmarks/peers/run.py --tasks support-tickets --out rows.csv
python experiments/benchmarks/peers/run.py --out rows.csv --against cells.csv --table table.md
"""

import argparse
import csv
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PEERS = (
    *("dspy-miprov2", "dspy-copro", "dspy-gepa", "dspy-simba", "dspy-random-search", "gepa"),
    *("promptolution-capo", "promptolution-evoprompt-ga", "promptolution-evoprompt-de"),
    "promptolution-opro",
)
TASKS = ("support-tickets", "reviews-ko", "order-fields", "word-problems")
KEY = ("task", "optimizer", "seed", "max_calls")
COLUMNS = (
    *KEY,
    *("seed_score", "best_score", "validation_best", "seed_chars", "best_chars", "calls"),
    *("search_calls", "n_test", "seconds", "library", "version", "method"),
)
Cell = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cells that the CSV does not hold yet; or make the table of two CSVs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--tasks",
        nargs="+",
        default=TASKS,
        help="built-in tasks, folders with a task.yaml, and names of folders in APO_BENCH_DATA",
    )
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS, metavar="PEER")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to this, without it")
    parser.add_argument("--max-calls", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2, help="cells at once, a server each")
    parser.add_argument("--model", default="embedded", help="any that apo opens")
    parser.add_argument("--most", type=int, default=256, help="tokens of its longest answer")
    parser.add_argument("--optimizer-model", help="writes prompts; by default the same model")
    parser.add_argument("--most-written", type=int, default=1024, help="tokens of its longest")
    parser.add_argument("--out", type=Path, required=True, help="CSV; rows in it are not run again")
    parser.add_argument(
        "--against", type=Path, help="cells.csv of `apo compare`: only make the table of both"
    )
    parser.add_argument("--table", type=Path, help="where the table goes; default: the screen")
    options = parser.parse_args(arguments)
    if options.against:
        sys.path.insert(0, str(ROOT))
        from experiments.benchmarks.peers.table import side_by_side

        text = side_by_side(read(options.out), read(options.against))
        if options.table:
            options.table.write_text(text, encoding="utf-8")
        else:
            print(text)
        return 0
    cells = [
        {"optimizer": peer, "task": task, "seed": seed, "max_calls": options.max_calls}
        for seed in range(options.seeds)
        for task in options.tasks
        for peer in options.peers
    ]
    models = [f"{options.model}={options.most}"]
    if options.optimizer_model:
        models.append(f"{options.optimizer_model}={options.most_written}")
    return run(cells, options.out, options.jobs, models)


def run(cells: Sequence[Cell], out: Path, jobs: int, models: Sequence[str]) -> int:
    """Run cells over worker processes, and write each row as it comes; how many failed.

    Args:
        cells: all that are wanted.
        out: the CSV.
        jobs: how many processes.
        models: the one that answers and, if it is another, the one that writes: NAME=TOKENS.
    """
    done = {tuple(row[name] for name in KEY) for row in read(out)}
    wanted: queue.SimpleQueue[Cell] = queue.SimpleQueue()
    missing = [cell for cell in cells if tuple(str(cell[n]) for n in KEY) not in done]
    for cell in missing:
        wanted.put(cell)
    lock, failed, finished = threading.Lock(), [0], [0]
    start = time.perf_counter()

    def write(cell: Cell, result: Cell) -> None:
        with lock:
            finished[0] += 1
            told = f"[{finished[0]}/{len(missing)}] {cell['task']} {cell['optimizer']} "
            told += f"{cell['seed']}: "
            if "error" in result:
                failed[0] += 1
                print(told + "failed\n" + result["error"], file=sys.stderr, flush=True)
                return
            prompt = {**cell, "prompt": result.pop("prompt")}
            append(out, {**cell, **result})
            with out.with_suffix(".prompts.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(prompt, ensure_ascii=False) + "\n")
            print(
                told + f"{result['seed_score']:.3f} -> {result['best_score']:.3f}, "
                f"{result['calls']} calls, {result['seconds']:.0f} s",
                flush=True,
            )

    def work() -> None:
        with _Worker(models) as worker:
            while True:
                try:
                    cell = wanted.get_nowait()
                except queue.Empty:
                    return
                write(cell, worker.run(cell))

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{finished[0]} cells in {time.perf_counter() - start:.0f} s; {failed[0]} failed.")
    return failed[0]


class _Worker:
    """A process that runs cells one after the other, and the servers that are its own."""

    def __init__(self, models: Sequence[str]) -> None:
        self._models = models

    def __enter__(self) -> "_Worker":
        environment = {
            **os.environ,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # Else a price list is fetched.
            "PYTHONPATH": str(ROOT),
            "TQDM_DISABLE": "1",
        }
        self._server = _start("experiments.benchmarks.peers.server", environment, *self._models)
        assert self._server.stdout
        self._urls = [self._server.stdout.readline().strip() for _ in self._models]
        self._process = _start("experiments.benchmarks.peers.worker", environment)
        return self

    def run(self, cell: Cell) -> Cell:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({**cell, "urls": self._urls}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if line:
            result: Cell = json.loads(line)
            return result
        self.__exit__()
        self.__enter__()
        return {"error": "The worker process ended."}

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._server.terminate()
        self._server.wait()


def _start(module: str, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, row: Cell) -> None:
    """Add a row, under a header when it is the first."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow({name: row[name] for name in COLUMNS})


if __name__ == "__main__":
    sys.exit(min(1, main()))
