"""Faults of MLflow, which no run may feel, and the key, which MLflow must never get."""

import os
import random
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

from apo.testing.faults import Faults
from apo.tracking.environment import ui_command
from experiments.benchmarks.faults.trial import Trial
from experiments.benchmarks.faults.watched import At

SHORT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "2", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


def away(trial: Trial, draw: random.Random) -> None:
    """Log to an address where nobody listens."""
    trial.environment = SHORT
    trial.optimize("--tracking-uri", f"http://127.0.0.1:{free_port()}")


def slow(trial: Trial, draw: random.Random) -> None:
    """Log to a server that takes its time, to say that it cannot."""
    trial.environment = SHORT
    with slow_server() as uri:
        trial.optimize("--tracking-uri", uri)


def restarted(trial: Trial, draw: random.Random) -> None:
    """Kill the MLflow server on the way, and start it again later; log the rest in the end."""
    trial.environment = {**SHORT, "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
    server = MlflowServer(trial.folder / "server", free_port())
    first = draw.randint(2, trial.length // 2)
    events = [
        At(first, lambda _: server.kill()),
        At(draw.randint(first + 1, trial.length - 1), lambda _: server.start()),
    ]
    server.start()
    try:
        trial.optimize("--tracking-uri", server.uri, events=events)
        synced = trial.sit(["sync", "last"])
    finally:
        server.kill()
    if synced.code:
        raise AssertionError(f"MLflow is not complete: {synced.out} {synced.err}")


def wrong_key(trial: Trial, draw: random.Random) -> None:
    """Let the server refuse the key, and show it, while the run is logged."""
    trial.optimize(faults=Faults(bad_key=0.02, rate_limit=0.1, seed=trial.seed))


def free_port() -> int:
    """A port where nobody listens."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def slow_server(seconds: float = 0.5) -> Generator[str]:
    """Serve 503 after some seconds, whatever is asked."""

    class Slow(BaseHTTPRequestHandler):
        def answer(self) -> None:
            time.sleep(seconds)
            with suppress(OSError):
                self.send_error(503)

        do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815  # http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class MlflowServer:
    """A real MLflow server on a database of its own."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, longest: float = 60.0) -> None:
        """Start it, and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        database = self.folder / "mlflow.db"
        database.touch()
        command, environment = ui_command(f"sqlite:///{database}", self.port)
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + longest
        while time.monotonic() < end:
            with suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                return
            time.sleep(0.1)
        raise TimeoutError(f"MLflow did not start at {self.uri} within {longest:g} s.")

    def kill(self) -> None:
        """Kill it with its workers, as a crash would."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
