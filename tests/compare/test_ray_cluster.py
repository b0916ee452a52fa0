"""A Ray cluster that is half dead: nobody waits long, and the words say what did not answer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from apo.compare import ray_cluster
from apo.compare.ray_cluster import Pulse, check_cluster
from apo.errors import RunError

# What Ray 2.60 wrote to standard error when these parts of a cluster had been killed or stopped.
DEAD_RAYLET = (
    "Failed to connect to Ray cluster at 10.0.0.5:6379. No node info found matching attributes: "
    "'' when trying to resolve node to connect to."
)
FROZEN_HEAD = (
    "[2026-11-28 21:07:19,524 W 24727 24727] rpc_client.h:153: Failed to connect to GCS at address "
    "10.0.0.5:6379 within 5 seconds."
)
TOKEN = (
    "[2026-11-28 21:03:32,857 W 17286 17286] gcs_client.cc:210: Failed to get cluster ID from GCS "
    "server: Unauthenticated: RPC error: InvalidAuthToken: Authentication token is missing or "
    "incorrect"
)
OTHER = "Version mismatch: The cluster was started with: Ray: 2.50.0 Python: 3.11.7"


@pytest.fixture
def port() -> Iterator[str]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (DEAD_RAYLET, "no raylet of it lives on this machine"),
        (FROZEN_HEAD, "its head (the GCS) does not answer"),
        (TOKEN, "set RAY_AUTH_MODE=token"),
        (OTHER, "Ray says: Version mismatch: The cluster was started with"),
        ("Could not find any running Ray instance.", "No Ray runs on this machine. Start one with"),
    ],
)
def test_it_says_which_part_is_dead(
    said: str, told: str, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "_PROBE", f"import sys; sys.exit({said!r})")
    with pytest.raises(RunError) as caught:
        check_cluster(port)
    assert told in str(caught.value)
    assert ("same command goes on" in str(caught.value)) == (said != TOKEN)


@pytest.mark.parametrize(
    ("said", "told"),
    [("", "its head (the GCS) does not answer"), (TOKEN, "set RAY_AUTH_MODE=token")],
)
def test_who_says_nothing_is_not_waited_for(
    said: str, told: str, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = f"import sys, time; print({said!r}, file=sys.stderr, flush=True); time.sleep(600)"
    monkeypatch.setattr(ray_cluster, "_PROBE", frozen)
    monkeypatch.setattr(ray_cluster, "PROBE_SECONDS", 3)
    with pytest.raises(RunError, match="tried for 3 s") as caught:
        check_cluster(port)
    assert told in str(caught.value)


def test_one_that_lives_is_used(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "import os, sys; sys.exit(sys.argv[1] != {!r} or os.getcwd() in sys.path)"
    monkeypatch.setattr(ray_cluster, "_PROBE", words.format(port))
    check_cluster(port)


@dataclass
class FakeRay:
    """A Ray whose head answers as told, and whose workers run or do not."""

    nodes: Callable[[], object]
    runs: bool

    def wait(self, refs: list[object], timeout: float) -> tuple[list[object], list[object]]:
        return (refs, []) if self.runs else ([], refs)


def pulse_of(nodes: Callable[[], object], *, runs: bool) -> Pulse:
    return Pulse(FakeRay(nodes, runs), "10.0.0.5:6379", object())


def await_words(pulse: Pulse) -> str:
    until = time.monotonic() + 60
    try:
        while time.monotonic() < until:
            pulse.check()
    except RunError as error:
        return str(error)
    finally:
        pulse.end()
    return ""


def test_a_head_that_falls_silent_ends_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(ray_cluster, "SILENT_SECONDS", 0.2)
    released = threading.Event()

    def refused() -> None:
        raise ConnectionError

    try:
        for silent in (released.wait, refused):
            told = await_words(pulse_of(silent, runs=True))
            assert told.startswith("The head (the GCS) of Ray at 10.0.0.5:6379 has not answered")
            assert "same command goes on" in told
    finally:
        released.set()


def test_a_cluster_that_starts_no_worker_ends_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(ray_cluster, "WORKER_SECONDS", 0.2)
    assert "has started no worker" in await_words(pulse_of(list, runs=False))


def test_a_cluster_that_lives_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "BEAT_SECONDS", 0.001)
    monkeypatch.setattr(ray_cluster, "WORKER_SECONDS", 0.0)
    beats = [threading.Event() for _ in range(3)]
    count = iter(beats)

    def nodes() -> None:
        next(count, beats[-1]).set()

    pulse = pulse_of(nodes, runs=True)
    try:
        assert all(beat.wait(60) for beat in beats)
        pulse.check()
    finally:
        pulse.end()
