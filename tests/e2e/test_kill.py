"""`kill -9` at drawn moments, `apo resume` each time: the run ends as if nothing had happened."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apo.cli import main
from apo.model import Completion, Request
from apo.models.embedded import Embedded
from apo.testing.server import serve
from experiments.benchmarks.faults.forked import Forked

CONCURRENCY = 8
FLAGS = ["-o", "ape", "--set", "n_queries=2", "--set", "n_samples=4", "--set", "ucb_rounds=4"]
BUDGET = ["--max-calls", "500", "--concurrency", str(CONCURRENCY)]


@dataclass
class Counting:
    """The embedded model; signals the process that is using it when its count is reached.

    Everything stands still while it waits for what comes before that.
    """

    kills: list[int]
    before: Callable[[Forked], object] = lambda _: None
    sent: signal.Signals = signal.SIGKILL
    victim: Forked | None = None
    requests: list[Request] = field(default_factory=list[Request])
    lock: threading.Lock = field(default_factory=threading.Lock)
    name: str = "embedded"

    def __post_init__(self) -> None:
        self._model = Embedded()

    async def complete(self, request: Request) -> Completion:
        with self.lock:
            self.requests.append(request)
            if self.kills and len(self.requests) >= self.kills[0] and self.victim is not None:
                self.kills.pop(0)
                self.before(self.victim)
                self.victim.send_signal(self.sent)
                self.victim = None
        return await self._model.complete(request)

    async def aclose(self) -> None:
        pass


def apo(folder: Path, url: str, *arguments: str) -> Forked:
    environment = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-test"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return Forked(main, [*arguments, "--json"], folder, environment)


def finish(process: Forked) -> dict[str, Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    document: dict[str, Any] = json.loads(out)
    return document


def optimize(folder: Path, url: str, *more: str) -> Forked:
    flags = ["--model", "openai/embedded", *FLAGS, *BUDGET, *more]
    return apo(folder, url, "optimize", "support-tickets", *flags)


def test_ten_kills_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "unbroken").mkdir()
    (tmp_path / "broken").mkdir()
    with serve(Embedded()) as server:
        unbroken = finish(optimize(tmp_path / "unbroken", server.base_url, "--no-track"))
        total = server.answered
    assert total == unbroken["spent"]["calls"]

    model = Counting(sorted(random.Random(7).sample(range(2, total), 10)))
    with serve(model) as server:
        process = model.victim = optimize(tmp_path / "broken", server.base_url, "--no-track")
        for _ in range(10):
            process.communicate(timeout=120)
            assert process.returncode == -signal.SIGKILL
            process = model.victim = apo(tmp_path / "broken", server.base_url, "resume", "last")
            assert len(list((tmp_path / "broken/.apo/runs").iterdir())) == 1
        result = finish(process)

    for key in ("seed_prompt", "best_prompt", "winner", "validation", "verdict"):
        assert result[key] == unbroken[key], key
    assert result["spent"]["calls"] == total
    # What was under way when the process died was answered, but not recorded: it may be asked
    # again. Nothing else is.
    assert total <= len(model.requests) <= total + 10 * CONCURRENCY


def logged(folder: Path, process: Forked) -> str:
    """Wait until the run is there in MLflow, and give its id there."""
    for _ in range(1200):
        for path in folder.glob(".apo/runs/*/mlflow.json"):
            return str(json.loads(path.read_text(encoding="utf-8"))["run_id"])
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise AssertionError("Nothing is logged.")


def test_a_kill_leaves_one_whole_run_in_mlflow(
    tmp_path: Path, with_tables: Callable[[Path], str]
) -> None:
    with_tables(tmp_path)
    seen = list[str]()
    model = Counting([120], lambda process: seen.append(logged(tmp_path, process)))
    with serve(model) as server:
        process = model.victim = optimize(tmp_path, server.base_url)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
        result = finish(apo(tmp_path, server.base_url, "resume", "last"))
    assert result["mlflow"]["complete"], result["mlflow"]
    assert seen == [result["mlflow"]["run_id"]]
    assert parents(tmp_path / "mlflow.db", result["run_id"]) == [(seen[0], "FINISHED")]


def stopped(folder: Path, url: str, model: Counting, *more: str) -> Path:
    """Begin a run that is stopped; it ends in order, and its folder holds all that was asked."""
    process = model.victim = optimize(folder, url, *more)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    (run,) = (folder / ".apo/runs").iterdir()
    assert f"apo resume {run.name}" in err
    assert json.loads(out)["error"]["run_id"] == run.name
    with closing(sqlite3.connect(run / "journal.db")) as journal:
        (kept,) = journal.execute("SELECT COUNT(*) FROM calls").fetchone()
    assert kept == len(model.requests)  # Calls under way were finished and kept.
    return run


def test_a_stop_ends_the_run_in_order(tmp_path: Path) -> None:
    model = Counting([150], sent=signal.SIGTERM)
    with serve(model) as server:
        stopped(tmp_path, server.base_url, model, "--no-track")
        result = finish(apo(tmp_path, server.base_url, "resume", "last"))
        assert result["spent"]["calls"] == len(model.requests)


def test_at_ctrl_c_it_does_so_too_and_goes_on_in_mlflow(
    tmp_path: Path, with_tables: Callable[[Path], str]
) -> None:
    with_tables(tmp_path)
    model = Counting([150], sent=signal.SIGINT)
    with serve(model) as server:
        run = stopped(tmp_path, server.base_url, model)
        ((there, status),) = parents(tmp_path / "mlflow.db", run.name)
        assert status == "KILLED"
        result = finish(apo(tmp_path, server.base_url, "resume", "last"))
        assert result["spent"]["calls"] == len(model.requests)
    assert result["mlflow"]["run_id"] == there
    assert parents(tmp_path / "mlflow.db", run.name) == [(there, "FINISHED")]


def parents(database: Path, run: str) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(database)) as db:
        rows = db.execute(
            "SELECT r.run_uuid, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid "
            "WHERE t.key = 'apo.run_id' AND t.value = ? AND NOT EXISTS (SELECT 1 FROM tags p "
            "WHERE p.run_uuid = r.run_uuid AND p.key = 'mlflow.parentRunId')",
            (run,),
        ).fetchall()
    return [(str(a), str(b)) for a, b in rows]
