"""The wheel runs from an empty folder beside files called tasks.py and optimizers.py."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_runs_elsewhere(tmp_path: Path) -> None:
    source = tmp_path / "source"  # A copy, since a build leaves its remains in the tree.
    kept = shutil.ignore_patterns(".*", "build", "mlruns", "*.db", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, symlinks=True, ignore=kept)
    build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist")]
    subprocess.run([sys.executable, *build, str(source)], check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    site, empty = tmp_path / "site", tmp_path / "empty"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, *install], check=True, capture_output=True)
    empty.mkdir()
    for name in ("tasks.py", "optimizers.py"):
        (empty / name).write_text("raise SystemExit('a file of the user was imported')\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    environment["PYTHONPATH"] = str(site)
    where = subprocess.run(
        [sys.executable, "-c", "import apo.optimizers.ape as m; print(m.__file__)"],
        cwd=empty,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(site)
    flags = ["--max-calls", "200", "--no-track", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "apo", "optimize", "support-tickets", *flags],
        cwd=empty,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["task"] == "support-tickets"
