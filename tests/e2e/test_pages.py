"""What people open in a browser after a run: `apo ui` in headless Chromium."""

import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apo.cli import main
from experiments.benchmarks.faults.forked import Forked

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


@contextmanager
def ui(folder: Path, environment: dict[str, str]) -> Generator[str]:
    """Run `apo ui` until the server answers, and end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "apo", "ui", "--port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert server.stderr is not None
        told = ""
        # The server says when it listens; the page's address stands in the first line.
        for line in server.stderr:
            told += line
            if "Uvicorn running" in line:
                break
        assert answers(f"http://127.0.0.1:{port}/health"), told
        address = re.search(r"http://\S+/evaluation-runs", told)
        assert address is not None, told
        yield address[0].rpartition("/")[0]
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.communicate()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=60) as reply:
            return bool(reply.status == 200)
    except urllib.error.URLError:
        return False


def page(url: str, profile: Path) -> str:
    """The text that a reader sees at an address, once its scripts have run."""
    done = subprocess.run(
        [
            str(BROWSER),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            f"--user-data-dir={profile}",
            "--window-size=1400,1000",  # Smaller ones leave no room for a row of a table.
            "--virtual-time-budget=60000",
            "--dump-dom",
            url,
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    shown = re.sub(r"<(script|style).*?</\1>", "", done.stdout, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", shown)))


def test_a_run_reads_well_in_the_browser(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "COV"))}
    flags = ["-o", "random-search", "--max-calls", "600", "--json"]
    command = ["optimize", "support-tickets", *flags]
    out, err = Forked(main, command, tmp_path, environment).communicate(timeout=240)
    assert out, err
    result: dict[str, Any] = json.loads(out)
    mlflow, verdict = result["mlflow"], result["verdict"]
    with ui(tmp_path, environment) as experiment:
        runs = page(f"{experiment}/evaluation-runs", tmp_path / "profile")
        run = page(f"{experiment}/runs/{mlflow['run_id']}", tmp_path / "profile")
        table = page(
            f"{experiment}/runs/{mlflow['run_id']}/artifacts/test_examples.json",
            tmp_path / "profile",
        )
        candidates = page(
            f"{experiment}/runs/{mlflow['run_id']}/artifacts/candidates.json",
            tmp_path / "profile",
        )
        charts = page(f"{experiment}/runs/{mlflow['run_id']}/model-metrics", tmp_path / "profile")
        prompt = page(f"{experiment}/prompts/apo-support-tickets", tmp_path / "profile")
    points = f"{100 * verdict['difference']:+.1f} points, support-tickets"
    assert re.search(rf"[✓✗] random-search: (favourable|not proven), {re.escape(points)}", runs)
    best, *_, last = re.findall(r"(?:★ )?\d+ (?:seed|induce) [0-9a-f]{12}", runs)
    assert best.startswith("★ ")
    assert not last.startswith("★ ")
    assert str(round(result["validation"]["best"], 4)) in runs
    assert f"on {verdict['n']} test examples" in run
    assert table.index("flip") < table.index("target") < table.index("seed_output")
    assert table.index("seed_output") < table.index("best_output")
    assert re.search(r"candidate id score parents operator .*? ★ \d+ [0-9a-f]{12} ", candidates)
    for section in ("best (1)", "candidate (3)", "spend (8)", "verdict (9)"):
        assert section in charts
    assert result["run_id"] in prompt
    assert "Version 1" in prompt
    assert ("Version 2" in prompt) == (result["best_prompt"] != result["seed_prompt"])
    assert "Temperature" in prompt
    assert ("champion" in prompt) == verdict["favourable"]
