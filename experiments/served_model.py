"""Does `mlflow models serve` answer a test split as apo did? Row for row, on three tasks.

    python -m experiments.served_model

For each task: a short run, its winner logged with `apo export last --out models:/NAME`, served on
this machine, asked about every test example, and compared with what the run noted in test.jsonl.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

TASKS = ("support-tickets", "reviews-ko", "order-fields")
ROWS = 50
"""Rows in one request."""


def main() -> int:
    """Run, log, serve and compare; gives 1 where an answer differs."""
    differ = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        env = environment(place)
        for task in TASKS:
            name = f"winner-{task}"
            run_apo(place, env, "optimize", task, "--max-calls", "300", "--no-track", "-o", "joint")
            run_apo(place, env, "export", "last", "--best", "--out", f"models:/{name}")
            (run,) = sorted(place.glob(f".apo/runs/{task}-*"))
            lines = (run / "test.jsonl").read_text("utf-8").splitlines()
            rows = [json.loads(line) for line in lines]
            found = served(f"models:/{name}/1", [row["inputs"] for row in rows], place, env)
            same = sum(a == row["best_output"] for a, row in zip(found, rows, strict=True))
            sys.stdout.write(f"{task}: {same} of {len(rows)} answers are those of the run\n")
            differ += len(rows) - same
    return 1 if differ else 0


def environment(place: Path) -> dict[str, str]:
    """What is set for commands in a folder: MLflow's store, and the server's starter."""
    # MLflow starts uvicorn by its name, whatever Python it runs in itself.
    starter = place / "uvicorn"
    starter.write_text(f'#!/bin/sh\nexec {sys.executable} -m uvicorn "$@"\n', "utf-8")
    starter.chmod(0o700)
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    store = f"sqlite:///{place / 'mlflow.db'}"
    return {**os.environ, "MLFLOW_TRACKING_URI": store, "PATH": path}


def run_apo(place: Path, env: dict[str, str], *arguments: str) -> None:
    """Run a command of apo in a folder; ends the script where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "apo", *arguments],
        cwd=place,
        env=env,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)


def served(model: str, inputs: list[Any], place: Path, env: dict[str, str]) -> list[str]:
    """Serve a model, ask it about all inputs, and end the server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model]
    command += ["--env-manager", "local", "-h", "127.0.0.1", "-p", str(port), "-w", "1"]
    server = subprocess.Popen(
        command, cwd=place, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/ping", server)
        found: list[str] = []
        for start in range(0, len(inputs), ROWS):
            body = json.dumps({"dataframe_records": inputs[start : start + ROWS]}).encode()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/invocations",
                body,
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=120) as reply:
                found += json.load(reply)["predictions"]
        return found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _wait(url: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit(f"The server ended with {server.returncode}.")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit("The server did not come up in five minutes.")


if __name__ == "__main__":
    raise SystemExit(main())
