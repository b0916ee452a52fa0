"""`apo compare --on ray`: a stop, and errors that teach; winners are in `test_grid_budget`."""

import json
import os
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from apo.cli import main
from apo.model import Completion, Request
from apo.models.embedded import Embedded
from apo.testing.server import serve
from experiments.benchmarks.faults.forked import Forked

with_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'apo[ray]'")
CONCURRENCY = 4
GRID = ["-t", "order-fields", "-o", "random-search", "-o", "opro", "--seeds", "1"]
FLAGS = [*GRID, "--max-calls", "150", "-c", str(CONCURRENCY), "-j", "2", "--no-track", "--json"]
ROOT = ".apo/compare/comparison"


@dataclass
class Counting:
    """The embedded model; does something once when so many requests came in."""

    at: int = 0
    then: Callable[[], None] = lambda: None
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    name: str = "embedded"

    def __post_init__(self) -> None:
        self._model = Embedded()

    async def complete(self, request: Request) -> Completion:
        with self.lock:
            self.requests += 1
            if self.requests == self.at:
                self.then()
        return await self._model.complete(request)

    async def aclose(self) -> None:
        pass


def compare(folder: Path, *arguments: str, **environment: str) -> Forked:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "APO_", "RAY_"))}
    given = {**kept, "OPENAI_API_KEY": "sk-test", **environment}
    return Forked(main, ["compare", *arguments], folder, given)


def finish(process: Forked, code: int = 0) -> dict[str, Any]:
    out, err = process.communicate(timeout=180)
    assert process.returncode == code, err
    assert "Traceback" not in err
    document: dict[str, Any] = json.loads(out)  # What Ray says must not get there.
    return document


def served(model: Counting, folder: Path, *more: str, code: int = 0) -> dict[str, Any]:
    """Compare with the model behind a server."""
    folder.mkdir(exist_ok=True)
    with serve(model, latency=0.02) as server:
        flags = [*FLAGS, "-m", "openai/embedded", *more]
        return finish(compare(folder, *flags, OPENAI_BASE_URL=server.base_url), code)


def winners(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in (folder / ROOT).glob("runs/*/result.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        keys = ("best_prompt", "winner", "validation", "verdict")
        found[path.parent.name] = [*(result[key] for key in keys), result["spent"]["calls"]]
    return found


def states(folder: Path) -> list[str]:
    paths = (folder / ROOT).glob("runs/*/run.json")
    return [json.loads(path.read_text(encoding="utf-8"))["state"] for path in paths]


def kill_a_worker(folder: Path) -> None:
    for path in (folder / ROOT).glob("runs/*/run.json"):
        if json.loads(path.read_text(encoding="utf-8"))["state"] == "running":
            owner = path.with_name("journal.db.owner").read_text(encoding="utf-8")
            found = re.search(r"process (\d+)", owner)
            assert found is not None, owner
            os.kill(int(found[1]), signal.SIGKILL)
            return


@with_ray
def test_a_stop_ends_in_order_and_processes_go_on(tmp_path: Path) -> None:
    started = threading.Event()
    stopped = Counting(60, started.set)
    with serve(stopped, latency=0.02) as server:
        flags = [*FLAGS, "-m", "openai/embedded"]
        process = compare(tmp_path, *flags, "--on", "ray", OPENAI_BASE_URL=server.base_url)
        assert started.wait(120)
        process.send_signal(signal.SIGINT)
        found = finish(process, 130)
    assert found["failed"] == {}
    assert "interrupted" in states(tmp_path)
    assert "running" not in states(tmp_path)
    rest = Counting()
    served(rest, tmp_path)
    assert states(tmp_path) == ["finished"] * 2
    paid = sum(calls for *_, calls in winners(tmp_path).values())
    assert stopped.requests + rest.requests == paid  # Nothing twice: those under way were kept.


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("moon", "it must be processes"),
        pytest.param("ray:127.0.0.1:9", "No Ray answers at 127.0.0.1:9", marks=with_ray),
        pytest.param("ray:ray://host:1", "one of its machines", marks=with_ray),
        pytest.param("ray:host", "HOST:PORT", marks=with_ray),
    ],
)
def test_places_that_are_none(place: str, told: str, tmp_path: Path) -> None:
    process = compare(tmp_path, *FLAGS[:-1], "--on", place)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told in " ".join(err.split())
    assert "Traceback" not in err


def test_without_ray_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text("raise ImportError('no Ray here')", encoding="utf-8")
    process = compare(tmp_path, *FLAGS[:-1], "--on", "ray")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "pip install 'apo[ray]'" in " ".join(err.split())
