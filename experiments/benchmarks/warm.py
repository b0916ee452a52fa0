"""What a warm journal on disk gives: examples a second, and the time until a resumed run goes on.

First a prompt is measured on 20,000 examples, and measured again in a fresh process, twice: the
first evaluation there, and the second. No call may be made. Then a search is killed when it has
made 20,000 calls, and resumed in a fresh process: from the call of `aresume` to the first request
that the server gets, which the machine's monotonic clock tells in both.

    python experiments/benchmarks/warm.py
    python experiments/benchmarks/warm.py --calls 5000 --runs 1
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Budget, Options, Task, aoptimize, aresume
from apo.assessment.evaluate import aevaluate
from apo.storage.journal import Journal
from experiments.benchmarks.loopback import Loopback, loopback
from experiments.benchmarks.recording import record
from experiments.benchmarks.speed_peers.with_apo import task_of

RATE_MARK = 50_000
"""Examples a second of a warm evaluation, at least."""
RESUME_MARK = 3.0
"""Seconds until a resumed run makes its first new call, at most."""
PROCESSES = multiprocessing.get_context("spawn")
OPTIONS = Options(max_concurrency=64, track=False)


def main() -> None:
    """Measure both, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with loopback() as server, tempfile.TemporaryDirectory() as folder:
        rows = [*evaluations(server, folder, given.calls, given.runs)]
        rows.append(resumption(server, Path(folder), given.calls, given.runs))
    notes = [f"{row['met']}: {row['what']}: {row['figure']} {row['unit']}." for row in rows]
    print("\n".join(notes))
    record("warm", "A warm journal on disk", rows, notes=[f"Medians of {given.runs}."])


def evaluations(server: Loopback, folder: str, n: int, runs: int) -> list[dict[str, Any]]:
    """Examples a second of the first and of the second evaluation in a fresh process."""
    server.reset(latency_ms=0)
    alone(evaluate, server.url, folder, n)
    server.reset()
    seconds = [alone(evaluate, server.url, folder, n) for _ in range(runs)]
    made = server.stats()["requests"]
    if made:
        raise SystemExit(f"{made} calls were made again; a warm evaluation makes none.")
    rows: list[dict[str, Any]] = []
    for place, name in enumerate(("first", "second")):
        rate = round(n / statistics.median(found[place] for found in seconds))
        what = f"{name} evaluation of a fresh process, {n:,} examples from the journal"
        rows.append(row(what, rate, "examples/s", RATE_MARK, rate >= RATE_MARK))
    return rows


def resumption(server: Loopback, folder: Path, n: int, runs: int) -> dict[str, Any]:
    """Seconds from the start of `aresume` to the first new call of a killed run."""
    seconds: list[float] = []
    for run in range(runs):
        server.reset(latency_ms=0)
        home = folder / str(run)
        killed(search, server, home, n)
        paid = server.stats()["requests"]
        server.reset()
        started = killed(resume, server, home, 1)
        first = min(start for start, *_ in server.trace())
        seconds.append(server.stats()["reset_at"] + first - started)
        print(f"run {run}: {paid} calls, first new call after {seconds[-1]:.2f} s", flush=True)
    median = round(statistics.median(seconds), 2)
    what = f"resume of a run killed after {n:,} calls, to its first new call"
    return row(what, median, "s", RESUME_MARK, median <= RESUME_MARK)


def row(what: str, figure: float, unit: str, mark: float, met: bool) -> dict[str, Any]:
    """A line of the table."""
    word = "Met" if met else "MISSED"
    return {"what": what, "figure": figure, "unit": unit, "mark": mark, "met": word}


def alone(function: Callable[..., Any], *given: Any) -> Any:
    """Call it in a fresh process."""
    with PROCESSES.Pool(1) as pool:
        return pool.apply(function, given)


def killed(function: Callable[..., None], server: Loopback, home: Path, n: int) -> float:
    """Run it in a fresh process, and kill that one once the server has had n calls.

    Returns:
        When the process said that it starts, by the machine's monotonic clock.
    """
    said, says = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=function, args=(server.url, home, n, says))
    process.start()
    started: float = said.recv()
    while server.stats()["requests"] < n:
        if not process.is_alive():
            raise SystemExit(f"{function.__name__} ended before it had made {n} calls.")
        time.sleep(0.02)
    time.sleep(0.2)  # So that the last of them are answered and written.
    process.kill()
    process.join()
    return started


def evaluate(url: str, folder: str, n: int) -> list[float]:
    """Seconds of two evaluations one after another."""
    task = task_of(2, range(n))

    async def twice(journal: Journal) -> list[float]:
        seconds: list[float] = []
        for _ in range(2):
            start = time.perf_counter()
            await aevaluate(
                task, task.seed_prompts[0], model=f"{url}#mock", options=OPTIONS, journal=journal
            )
            seconds.append(time.perf_counter() - start)
        return seconds

    with Journal(Path(folder) / "evaluations.db") as journal:
        return asyncio.run(twice(journal))


def search(url: str, home: Path, n: int, says: Any) -> None:
    """Begin a search that makes more than n calls."""
    says.send(time.perf_counter())
    work = aoptimize(
        search_task(),
        "evoprompt-ga",
        settings={"n_generations": 1000},
        model=f"{url}#mock",
        budget=Budget(max_calls=10 * n),
        options=OPTIONS,
        home=home,
    )
    asyncio.run(work)


def resume(url: str, home: Path, n: int, says: Any) -> None:
    """Go on with the search."""
    says.send(time.perf_counter())
    asyncio.run(aresume("last", task=search_task(), home=home))


def search_task() -> Task:
    """200 examples to measure a candidate on."""
    return task_of(400, ())


if __name__ == "__main__":
    main()
