"""The script of months of use, run as a scheduler would run it, for one month."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments/loop.sh"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a script of a POSIX shell")
def test_a_month_of_use_brings_a_better_prompt(
    tmp_path: Path, with_tables: Callable[[Path], str]
) -> None:
    with_tables(tmp_path / "shop")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", str(SCRIPT), str(tmp_path / "shop")],
        env={**os.environ, "PATH": path, "MONTHS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "month 1: prompts:/apo-shop/3 (champion) lost: []" in done.stdout
    gate = json.loads((tmp_path / "shop/gate1.json").read_text())
    assert gate["decision"] == "better"
    assert gate["new_score"] > gate["old_score"]
