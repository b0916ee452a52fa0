"""The process that logs a run: it outlives nothing that it should not, and is in nobody's way."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from apo.environment import prepare_environment
from apo.storage.folder import RunFolder, create_run
from apo.tracking import Tracker
from apo.tracking.follower import RESTART, follow
from apo.tracking.logbook import End, Logbook

FOLLOWER = [sys.executable, "-m", "apo.tracking.follower"]


@pytest.fixture
def folder(
    tmp_path: Path, with_tables: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> RunFolder:
    """A run without any event, beside a database that has its tables."""
    with_tables(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            monkeypatch.delenv(name)
    prepare_environment()
    settings: dict[str, Any] = {
        "task": "tickets",
        "optimizer": {"name": "opro", "settings": {}},
        "options": {},
    }
    folder = create_run(tmp_path, "tickets", "opro", settings)
    folder.open_journal().close()
    folder.set_state("running")
    return folder


def follower(folder: RunFolder, uri: str) -> "subprocess.Popen[str]":
    """Start the process as `Tracker` does."""
    task = {"folder": str(folder.path), "uri": uri, "experiment": "e", "interval": 2.0}
    task["language"] = "en"
    process = subprocess.Popen(
        FOLLOWER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    return process


def test_it_ends_with_the_process_of_the_run(folder: RunFolder) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        follower(folder, f"http://127.0.0.1:{server.getsockname()[1]}") as process,
    ):
        server.settimeout(60)  # Where it never asks, that is the failure.
        server.accept()[0].close()  # In the middle of a pass,
        assert process.stdin is not None
        process.stdin.close()  # the other end of its pipe is gone, as after kill -9.
        assert process.wait(60) == 1
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_it_leaves_signals_to_the_process_of_the_run(folder: RunFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = follower(folder, f"http://127.0.0.1:{server.getsockname()[1]}")
        server.settimeout(60)
        first, _ = server.accept()  # It is up, and asks for the experiment.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        first.close()
    out, err = process.communicate("interrupted\n", timeout=120)
    assert (process.returncode, err) == (0, "")
    outcome: dict[str, Any] = json.loads(out)
    assert not outcome["complete"]
    assert "apo sync" in outcome["problem"]


def test_a_run_is_logged_to_its_end_without_its_process_noticing(folder: RunFolder) -> None:
    tracker = Tracker(folder)
    tracker.start()
    folder.set_state("interrupted")
    tracked = tracker.finish("interrupted")
    assert tracked.complete, tracked.problem
    assert json.loads((folder.path / "mlflow.json").read_text()) == tracked.to_dict()


def test_killed_itself_it_is_started_again(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, started = subprocess.Popen[str], list[subprocess.Popen[str]]()

    def remember(*arguments: Any, **named: Any) -> "subprocess.Popen[str]":
        started.append(real(*arguments, **named))
        return started[-1]

    monkeypatch.setattr("apo.tracking.tracker.subprocess.Popen", remember)
    tracker = Tracker(folder)
    tracker.start()
    with started[0] as first:
        first.kill()  # As for want of memory.
    assert tracker.finish("failed").complete
    assert len(started) == 2


def test_without_a_process_the_run_goes_on(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    tracker = Tracker(folder)
    tracker.start()
    tracked = tracker.finish("finished")
    assert not tracked.complete
    assert "cannot be started" in tracked.problem
    assert f"apo sync {folder.id}" in tracked.problem


def test_a_process_that_says_nothing_is_told_of(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    tracked = Tracker(folder).finish("finished")
    assert not tracked.complete
    assert "ended too early, with the code 1" in tracked.problem


def test_a_server_that_never_answers_holds_nothing_up(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    monkeypatch.setattr("apo.tracking.tracker.PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://user:secret@127.0.0.1:{server.getsockname()[1]}"
        tracker = Tracker(folder, uri=url)
        started = time.monotonic()
        tracker.start()
        tracked = tracker.finish("finished")
        assert time.monotonic() - started < 20
    assert not tracked.complete
    assert "longer than" in tracked.problem
    assert "secret" not in json.dumps(tracked.to_dict())


class Passes(Logbook):
    """A logbook whose passes go well or not, as they are told to."""

    def __init__(self, *well: bool) -> None:
        self.well, self.ends, self.there = list(well), 0, False

    @property
    def reached(self) -> bool:
        """Whether a pass went well."""
        return self.there

    def attempt(self, end: End | None) -> bool:
        """Take the next pass."""
        self.ends += end is not None
        self.there |= self.well[0]
        return self.well.pop(0)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("well", "n_last"),
    [
        ((True, False, False, True), 3),  # It restarted while the run ended.
        ((True, True), 1),
        ((True, False, False, False, False, False), 5),  # It stays away.
        ((False, False), 1),  # It never was there.
    ],
)
def test_a_restart_at_the_end_is_waited_out(
    well: tuple[bool, ...], n_last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("apo.tracking.follower.time.sleep", waited.append)
    passes = Passes(*well)

    class Told(SimpleQueue[End]):
        def get(self, block: bool = True, timeout: float | None = None) -> End:
            if len(passes.well) == len(well):
                raise Empty
            return "finished"

    follow(passes, Told(), 0.0)
    assert (passes.ends, passes.well) == (n_last, [])
    assert waited == list(RESTART[: n_last - 1])
