"""How soon apo is there: seconds and peak memory of its commands and imports, beside the peers.

Each line is a process of its own, started as a user starts it; the median of five, after one start
that is not counted, so that files are in the system's cache and compiled. Marks: `apo --help` at
most 0.25 s, `apo runs` on 100 runs at most 1 s, `import apo` at most 0.15 s and 40 MB. As apo
imports its parts when they are first used, there is also a line with all public names in use.
What Python itself takes to start is the first line.

    python experiments/benchmarks/startup.py --peers /path/to/peers/bin/python
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.benchmarks.recording import record

RUNS = 5
LISTED = 100  # runs that `apo runs` lists
PEERS = ("dspy", "gepa", "promptolution", "mlflow")
ALL_NAMES = "import apo; [getattr(apo, name) for name in dir(apo)]"


def main() -> None:
    """Measure each start, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--peers",
        default=os.environ.get("APO_BENCH_PEERS", ""),
        help="the Python that has the peers; by default APO_BENCH_PEERS, else they are left out",
    )
    peers = parser.parse_args().peers
    own = [sys.executable, "-m", "apo"]
    notes = [f"Marks: those of the column. Medians of {RUNS}."]
    rows = [
        measure("python, nothing else", [sys.executable, "-c", "pass"]),
        measure("import apo", [sys.executable, "-c", "import apo"], "0.15 s, 40 MB"),
        measure("import apo, all public names used", [sys.executable, "-c", ALL_NAMES]),
        measure("apo --help", [*own, "--help"], "0.25 s"),
        measure("apo optimize --help", [*own, "optimize", "--help"]),
        measure("apo optimizers", [*own, "optimizers"]),
    ]
    with tempfile.TemporaryDirectory(prefix="apo-startup-") as folder:
        make_runs(Path(folder), own)
        rows.append(measure(f"apo runs, {LISTED} runs", [*own, "runs"], "1 s", folder))
    for name in PEERS if peers else ():
        command = [peers, "-c", f"import {name}"]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            notes.append(f"Left out, as it cannot be imported: {name}.")
        else:
            rows.append(measure(f"import {name}", command))
    if not peers:
        notes.append(f"Left out, as no --peers was given: {', '.join(PEERS)}.")
    record("startup", "Start-up: seconds and peak memory of a process", rows, notes=notes)


def measure(
    what: str, command: Sequence[str], mark: str = "", folder: str | None = None
) -> dict[str, Any]:
    """Give a row: the median of several starts."""
    found = [start(command, folder) for _ in range(RUNS + 1)][1:]
    seconds, peak = median(s for s, _ in found), median(p for _, p in found)
    print(f"{what}: {seconds:.3f} s, {peak:.0f} MB", flush=True)
    return {"what": what, "s": round(seconds, 3), "peak MB": round(peak), "mark": mark}


def start(command: Sequence[str], folder: str | None) -> tuple[float, float]:
    """Run a command to its end; give its seconds, and its peak memory in MB."""
    before = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}.")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def make_runs(folder: Path, apo: Sequence[str]) -> None:
    """Make one run with the embedded model, and copies of it under other ids."""
    command = [*apo, "optimize", "support-tickets", "--optimizer", "random-search"]
    command += ["--max-calls", "60", "--no-track", "--json"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (first,) = (folder / ".apo" / "runs").iterdir()
    for number in range(1, LISTED):
        copy = first.with_name(f"{first.name[:-6]}{number:06x}")
        shutil.copytree(first, copy)
        settings = json.loads((copy / "run.json").read_text(encoding="utf-8"))
        text = json.dumps({**settings, "id": copy.name})
        (copy / "run.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
