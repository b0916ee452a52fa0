"""What MLflow costs a search: 1,000 candidates, each with a run of its own in MLflow.

All candidates are measured on the whole validation split over a loopback server, which is the
most that there can be to log. The same search runs without logging, with an SQLite file and with an
MLflow server as `mlflow server` starts it, in turns. Measured are the search's wall time, the
seconds from its end until all is in MLflow, and what a fresh client then finds there: points, runs
and files.

    python experiments/benchmarks/logging_cost.py
    python experiments/benchmarks/logging_cost.py --candidates 100 --runs 1

The marks: logging adds 5 % to the search at most, and is complete within 20 s of its end.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Budget, Example, Options, Prompt, Result, Search, Task, aoptimize
from apo.calls.progress import Progress
from apo.environment import prepare_environment
from apo.scorers.registry import make_scorer
from experiments.benchmarks.loopback import loopback
from experiments.benchmarks.loopback_answers import label_of
from experiments.benchmarks.recording import record

EXPERIMENT = "logging-cost"
MAX_ADDED, MAX_AFTER = 0.05, 20.0
CURVES = ("candidate/score", "candidate/n", "candidate/length_chars")
FILES = {"candidates.json", "prompts"}


@dataclass(frozen=True)
class Many:
    """Measures so many prompts on the whole validation split, all at once.

    Attributes:
        n_candidates: how many, besides the seed.
    """

    n_candidates: int = 1000

    async def run(self, search: Search) -> None:
        """Write the prompts, and measure them."""
        seed = search.seed_prompts[0]
        texts = (f"{seed.instruction} Variant {i}: take care." for i in range(self.n_candidates))
        written = [seed.with_instruction(text) for text in texts]
        accepted = search.accept(written, operator="write", parents=[seed])
        await search.map(search.evaluate, accepted)


class Watch(Progress):
    """Notes when each phase of a run begins."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set, and note the time."""
        super().__setattr__(name, value)
        if name == "phase":
            self.__dict__.setdefault("times", {})[value] = time.perf_counter()

    def between(self, first: str, second: str) -> float:
        """Seconds between the beginnings of two phases."""
        times: dict[str, float] = self.__dict__["times"]
        return times[second] - times[first]


@dataclass(frozen=True)
class Found:
    """What one run showed.

    Attributes:
        wall: seconds that the search took.
        cpu: seconds of CPU that its process took.
        after: seconds from then until all was in MLflow.
        there: points, candidates' runs and files found by a fresh client, of how many.
    """

    wall: float
    cpu: float
    after: float
    there: str = ""


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--validation", type=int, default=10, help="examples of each measurement")
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    prepare_environment()
    results: dict[str, list[Found]] = {"none": [], "SQLite": [], "HTTP server": []}
    with tempfile.TemporaryDirectory() as place, loopback() as model:
        model.reset(latency_ms=given.latency_ms)
        for turn in range(given.runs):
            for name, found in results.items():
                folder = Path(place, f"{name} {turn}")
                folder.mkdir()
                with stored(name, folder) as uri:
                    found.append(measure(f"{model.url}#mock", uri, folder, given))
                print(name, found[-1], flush=True)
    calls = (given.candidates + 1) * given.validation
    limit = calls * given.latency_ms / 1000 / given.concurrency
    without = statistics.median(f.wall for f in results["none"])
    record(
        "logging_cost",
        f"A search of {given.candidates:,} candidates with and without MLflow",
        [row(name, found, limit, without) for name, found in results.items()],
        notes=[
            f"{calls:,} calls of {given.latency_ms:g} ms, {given.concurrency} at once; limit "
            f"{limit:.1f} s; medians of {given.runs}, in turns.",
            f"Marks: at most {MAX_ADDED:.0%} added, complete within {MAX_AFTER:.0f} s. The MLflow "
            "server, its SQLite file, the model's server and the search share the machine.",
        ],
    )


def row(name: str, found: list[Found], limit: float, without: float) -> dict[str, Any]:
    """A line of the table."""
    wall, cpu, after = (
        statistics.median(getattr(f, key) for f in found) for key in ("wall", "cpu", "after")
    )
    return {
        "MLflow": name,
        "search over limit": f"{wall / limit:.3f}",
        "added": f"{wall / without - 1:+.1%}",
        "CPU of the search's process, s": f"{cpu:.1f}",
        "complete after, s": f"{after:.1f}" if name != "none" else "",
        "found there": "; ".join(sorted({f.there for f in found})),
    }


def measure(model: str, uri: str | None, folder: Path, given: argparse.Namespace) -> Found:
    """Run the search once."""
    examples = [
        Example({"input": f"Message {i} [[EX:{i}]]"}, (label_of(i),))
        for i in range(given.validation + 1)
    ]
    task = Task(
        name="labels",
        scorer=make_scorer("exact"),
        seed_prompts=(Prompt("Say which team takes care of the message."),),
        train=examples[:1],
        validation=examples[1:],
        test=(),
        description="Messages and the teams that take care of them.",
    )
    options = Options(
        track=uri is not None,
        tracking_uri=uri,
        experiment=EXPERIMENT,
        max_concurrency=given.concurrency,
    )
    watch, cpu = Watch(), time.process_time()
    result = asyncio.run(
        aoptimize(
            task,
            Many(given.candidates),
            model=model,
            budget=Budget(max_calls=100 * given.candidates * given.validation),
            options=options,
            home=folder,
            progress=watch,
        )
    )
    cpu = time.process_time() - cpu
    wall, after = watch.between("seed", "logging"), watch.between("logging", "done")
    there = "" if uri is None else counted(uri, result, given.candidates + 1)
    return Found(wall, cpu, after, there)


def counted(uri: str, result: Result, candidates: int) -> str:
    """What a client that knows nothing of the run finds."""
    from mlflow import MlflowClient

    if not result.mlflow["complete"]:
        return str(result.mlflow["problem"])
    client = MlflowClient(tracking_uri=uri)
    run = result.mlflow["run_id"]
    points = sum(len(client.get_metric_history(run, key)) for key in CURVES)
    condition, children, token = f"tags.`mlflow.parentRunId` = '{run}'", 0, None
    while True:
        page: Any = client.search_runs(
            [result.mlflow["experiment_id"]], condition, max_results=1000, page_token=token
        )
        children += sum(child.info.status == "FINISHED" for child in page)
        token = page.token
        if not token:
            break
    files = FILES & {file.path for file in client.list_artifacts(run)}
    return (
        f"{points:,} of {candidates * len(CURVES):,} points, {children:,} of {candidates:,} runs, "
        f"{len(files)} of {len(FILES)} files"
    )


@contextlib.contextmanager
def stored(name: str, folder: Path) -> Generator[str | None]:
    """Give the tracking URI of a new store; None for none."""
    database = f"sqlite:///{folder / 'mlflow.db'}"
    if name == "none":
        yield None
    elif name == "SQLite":
        yield database
    else:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database]
        command += ["--port", str(port), "--artifacts-destination", str(folder / "files")]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, start_new_session=True, **quiet) as server:
            try:
                wait_for(f"http://127.0.0.1:{port}/health")
                yield f"http://127.0.0.1:{port}"
            finally:
                os.killpg(server.pid, signal.SIGKILL)


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.2)
    raise SystemExit("The MLflow server does not come up.")


if __name__ == "__main__":
    main()
