"""What people open in a browser after a run: `apo ui` in headless Chromium."""

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
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, sync_playwright

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


class Reader:
    """Somebody who starts at the page that `apo ui` opens, and clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, target: Locator, shown: str) -> str:
        """Click, and read the page once it shows a text."""
        target.click()
        self.clicks += 1
        assert self.clicks <= 3
        return self.read(shown)

    def open_run(self, name: str, shown: str) -> str:
        """Open a run's own page, in a new tab, by the sign beside its name."""
        self.page.get_by_text(re.compile(name)).first.hover()
        sign = self.page.locator('a[href$="/evaluations"]').first
        with self.page.context.expect_page() as opened:
            sign.click(force=True)
        self.page, self.clicks = opened.value, 1
        return self.read(shown)

    def tab(self, name: str, shown: str) -> str:
        """Go to a tab of the run's page."""
        return self.click(self.page.get_by_role("tab", name=name), shown)

    def back(self) -> None:
        """Be again where one click led."""
        self.clicks = 1

    def read(self, shown: str) -> str:
        """The text that is seen, once a part of it is there."""
        self.page.get_by_text(shown).locator("visible=true").first.wait_for()
        return re.sub(r"\s+", " ", self.page.inner_text("body"))


@pytest.fixture
def reader() -> Generator[Reader]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER)
        page = browser.new_page(viewport={"width": 1700, "height": 1000})
        page.set_default_timeout(120_000)
        page.context.set_default_timeout(120_000)
        yield Reader(page)
        browser.close()


def look(reader: Reader, experiment: str, result: dict[str, Any]) -> None:
    """Go over the pages of a run: what matters is at most three clicks away."""
    verdict = result["verdict"]
    reader.page.goto(f"{experiment}/evaluation-runs")
    runs = reader.read("random-search")
    points = f"{100 * verdict['difference']:+.1f} points, support-tickets"
    assert re.search(rf"[✓✗] random-search: (favourable|not proven), {re.escape(points)}", runs)
    best, *_, last = re.findall(r"(?:★ )?\d+ (?:seed|induce) [0-9a-f]{12}", runs)
    assert best.startswith("★ ")
    assert not last.startswith("★ ")
    assert str(round(result["validation"]["best"], 4)) in runs

    reader.open_run("random-search", "Artifacts")
    assert f"on {verdict['n']} test examples" in reader.tab("Overview", "Show more")
    told = reader.click(reader.page.get_by_text("Show more").first, "Best prompt")
    assert told.index("What changed") < told.index("{+") < told.index("Rows lost")
    assert f"of {verdict['losses']}; all are in Artifacts" in told or verdict["losses"] < 5
    assert re.sub(r"\s+", " ", result["best_prompt"]["instruction"])[:80] in told
    reader.back()
    charts = reader.tab("Model metrics", "validation_score")
    for section in ("best (1)", "candidate (3)", "spend (", "verdict ("):
        assert section in charts
    reader.back()
    reader.tab("Artifacts", "test_examples.json")
    table = reader.click(reader.page.get_by_text("test_examples.json"), "seed_output")
    assert table.index("flip") < table.index("target") < table.index("seed_output")
    assert table.index("seed_output") < table.index("best_output")
    assert verdict["losses"] == 0 or table.index("lost") < table.index("won")
    reader.back()
    candidates = reader.click(reader.page.get_by_text("candidates.json"), "operator")
    assert re.search(r"candidate id score parents operator .*? ★ \d+ [0-9a-f]{12} ", candidates)

    reader.page.goto(f"{experiment}/prompts/apo-support-tickets")
    prompt = reader.read("Version 1")
    assert result["run_id"] in prompt
    assert ("Version 2" in prompt) == (result["best_prompt"] != result["seed_prompt"])
    assert "Temperature" in prompt
    assert ("champion" in prompt) == verdict["favourable"]


def test_a_run_reads_well_in_the_browser(
    tmp_path: Path, with_tables: Callable[[Path], str], reader: Reader
) -> None:
    with_tables(tmp_path)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "COV"))}
    flags = ["-o", "random-search", "--max-calls", "600", "--json"]
    command = ["optimize", "support-tickets", *flags]
    out, err = Forked(main, command, tmp_path, environment).communicate(timeout=240)
    assert out, err
    with ui(tmp_path, environment) as experiment:
        look(reader, experiment, json.loads(out))
