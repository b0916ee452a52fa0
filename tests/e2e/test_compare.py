"""`apo compare` as a user has it: resumed, stopped, with cells that fail, logged."""

import contextlib
import csv
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apo.cli import main
from experiments.benchmarks.faults.forked import Forked
from tests.e2e.conftest import Done

BROKEN = """
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Broken:
    async def run(self, search):
        raise ValueError("as was to be expected")

@dataclass(frozen=True, kw_only=True)
class Deadly:
    async def run(self, search):
        import os
        os._exit(9)
"""
ENDLESS = """
import os
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Quick:
    async def run(self, search):
        await search.evaluate(search.seed_prompts[0].with_instruction("Add."))

@dataclass(frozen=True, kw_only=True)
class Endless:
    async def run(self, search):
        for number in range(10**6):
            if os.path.exists("enough"):
                break
            await search.evaluate(search.seed_prompts[0].with_instruction(f"{number}"))
"""
SMALL = ["-t", "word-problems", "-o", "random-search", "--max-calls", "60", "--seeds", "2"]


def start(folder: Path, *arguments: str) -> Forked:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "APO_"))}
    return Forked(main, ["compare", *arguments], folder, environment)


def compare(folder: Path, *arguments: str, code: int = 0) -> Done:
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return Done(out, err, code)


def states(root: Path) -> list[str]:
    return [
        json.loads(path.read_text(encoding="utf-8"))["state"]
        for path in root.glob("runs/*/run.json")
    ]


def test_a_file_its_report_and_its_resumption(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(
        "tasks: [word-problems, order-fields]\noptimizers: [random-search]\nseeds: 1\n"
        "budget: {max_calls: 60}\n",
        encoding="utf-8",
    )
    done = compare(tmp_path, "first.yaml", "--json", "--out", "report", "-j", "2")
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["mlflow"]["complete"], found["mlflow"]
    assert [ranking["task"] for ranking in found["tasks"]] == ["word-problems", "order-fields"]
    assert all(cell["calls"] <= 60 for cell in found["cells"])
    with (tmp_path / "report/cells.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["cell"] for line in lines] == [cell["cell"] for cell in found["cells"]]
    table = (tmp_path / "report/table.md").read_text(encoding="utf-8")
    assert "## word-problems" in table
    assert (tmp_path / "report/plots/curves-all.png").exists()

    root = tmp_path / ".apo/compare/first"
    before = {path: path.stat().st_mtime_ns for path in root.glob("runs/*/result.json")}
    more = compare(tmp_path, "first.yaml", "-o", "random-search", "-o", "opro", "-j", "1")
    assert "Finished before: 2 of 4 cells." in more.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert states(root) == ["finished"] * 4
    assert "apo --home" in more.stderr

    database = sqlite3.connect(tmp_path / "mlflow.db")
    (whole,) = database.execute("SELECT COUNT(*) FROM tags WHERE key = 'apo.comparison'").fetchone()
    (cells,) = database.execute(
        "SELECT COUNT(DISTINCT value) FROM tags WHERE key = 'apo.cell'"
    ).fetchone()
    (points,) = database.execute(
        "SELECT COUNT(*) FROM metrics WHERE key = 'best/validation_score'"
    ).fetchone()
    database.close()
    assert (whole, cells) == (1, 4)
    assert points >= 4


def test_the_workers_of_a_scorer_end_with_the_cell(tmp_path: Path) -> None:
    """The cell's process waits for its children: one that nobody told to end was there for ever."""
    (tmp_path / "heavy").mkdir()
    rows = "".join(f"row {i},{'ab'[i % 2]}\n" for i in range(60))
    (tmp_path / "heavy/data.csv").write_text(f"text,kind\n{rows}", encoding="utf-8")
    (tmp_path / "heavy/task.yaml").write_text(
        "data: data.csv\ninputs: [text]\ntarget: kind\nlabels: [a, b]\nprompt: Is it a or b?\n"
        "scorer: {name: score.py:score, workers: 1}\n",
        encoding="utf-8",
    )
    (tmp_path / "heavy/score.py").write_text(
        "def score(output, example):\n    return output == example.target\n", encoding="utf-8"
    )
    flags = ["-t", "heavy", "-o", "random-search", "--seeds", "1", "--max-calls", "60"]
    compare(tmp_path, *flags, "--no-track", "--trust")
    assert states(tmp_path / ".apo/compare/comparison") == ["finished"]


def test_a_failed_cell_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(BROKEN, encoding="utf-8")
    flags = [*SMALL, "-o", "mine.py:Broken", "-o", "mine.py:Deadly", "--no-track", "-j", "2"]
    done = compare(tmp_path, *flags, "--json", code=1)
    found = json.loads(done.stdout)
    assert len(found["cells"]) == 2
    errors = list(found["failed"].values())
    assert len(errors) == 4
    assert sum("as was to be expected" in error for error in errors) == 2
    assert sum("process died" in error for error in errors) == 2
    assert "Failed: 4 of 6 cells" in found["problems"][0]
    again = compare(tmp_path, *SMALL, "--no-track", "-j", "1")
    assert "Finished before: 2 of 2 cells." in again.stderr


def test_ctrl_c_ends_in_order_and_the_same_command_goes_on(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ENDLESS, encoding="utf-8")
    flags = ["-t", "word-problems", "-o", "mine.py:Quick", "-o", "mine.py:Endless"]
    flags += ["--seeds", "2", "--max-calls", "100000", "--no-track"]
    root = tmp_path / ".apo/compare/comparison"
    process = start(tmp_path, *flags, "-j", "2")
    for _ in range(1200):
        if "finished" in states(root):
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Not finished: " in out
    assert "The same command again" in told
    left = states(root)
    assert "running" not in left
    assert "interrupted" in left
    assert 0 < left.count("finished") < 4
    assert (root / "table.md").exists()

    (tmp_path / "enough").touch()
    compare(tmp_path, *flags, "-j", "1")
    assert states(root) == ["finished"] * 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Nothing to compare"),
        (["-t", "word-problems"], "Nothing to compare"),
        (["none.yaml"], "none.yaml"),
        ([*SMALL, "-o", "opr"], "opro"),
        ([*SMALL, "--seeds", "0"], "seeds"),
        ([*SMALL, "-c", "0"], "concurrency"),
        ([*SMALL, "--max-calls", "3"], "too few"),
        ([*SMALL, "--price", "x"], "no price"),
    ],
)
def test_errors_teach(arguments: list[str], told: str, here: Callable[..., Done]) -> None:
    done = here("compare", *arguments)
    assert done.code == 1
    assert told in " ".join(done.stderr.split())
