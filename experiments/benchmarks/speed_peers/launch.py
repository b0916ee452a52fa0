"""Starts a driver in a process of its own, and reads its result."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
VARIABLE = "APO_BENCH_PEERS"
TIMEOUT = 600
"""Seconds after which a driver is given up."""


@dataclass(frozen=True)
class System:
    """Something to measure.

    Attributes:
        driver: its module in this folder.
        variant: client, method or setting that the driver is told.
        peer: a framework, which apo is to be ahead of.
    """

    driver: str
    variant: str = ""
    peer: bool = False

    @property
    def missing(self) -> str:
        """Why it cannot be run; empty when it can."""
        if self.peer and not os.environ.get(VARIABLE):
            return f"set {VARIABLE} to a python that has dspy, gepa, promptolution and openai"
        return ""


def drive(system: System, what: str, url: str, **given: int) -> dict[str, Any]:
    """Run a driver once.

    Args:
        system: which.
        what: "evaluate" or "search".
        url: of the server.
        **given: its other arguments, as `support.arguments` has them.

    Returns:
        What it measured; `failed` holds the end of its output when there is no result.
    """
    python = os.environ[VARIABLE] if system.peer else sys.executable
    module = f"experiments.benchmarks.speed_peers.{system.driver}"
    numbers = [f"--{name}={value}" for name, value in given.items()]
    # Drivers find each other by it; the folder that they work in is empty.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="apo-bench-", ignore_cleanup_errors=True) as folder:
        command = [python, "-m", module, what, f"--url={url}", f"--variant={system.variant}"]
        try:
            done = subprocess.run(
                [*command, f"--folder={folder}", *numbers],
                env=environment,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"not done after {TIMEOUT} s"}
    return _result(done.stdout.splitlines(), done.stderr)


def _result(lines: Sequence[str], errors: str) -> dict[str, Any]:
    for line in reversed(lines):
        if line.startswith("RESULT "):
            found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
            return found
    return {"failed": (errors.strip() or "no result")[-400:]}
