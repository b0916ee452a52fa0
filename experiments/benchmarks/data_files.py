"""Takes data files of every kind from `apo init` to `apo evaluate`, with no hand on the task file.

Each file goes through `init`, `check`, `optimize`, `export` and `evaluate`, as a user would type
them, offline with the embedded model; or it stops with a sentence that says what to do. The list
with what came of each goes into docs/data.md.

    python experiments/benchmarks/data_files.py
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.benchmarks.data_kinds import Kind, kinds

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
STEPS = (
    ("check", "check", "t"),
    (
        "optimize",
        "optimize",
        "t",
        "--optimizer",
        "random-search",
        "--max-calls",
        "400",
        "--no-track",
    ),
    ("export", "export", "last", "--format", "messages", "--out", "best.json"),
    ("evaluate", "evaluate", "t", "--prompt", "best.json", "--like", "last"),
)


def apo(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command; give its exit code and what it said to people."""
    done = subprocess.run(
        [sys.executable, "-m", "apo", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    return done.returncode, f"{done.stdout}\n{done.stderr}".strip()


def follow(kind: Kind) -> str:
    """Take a file of this kind all the way; give what came of it.

    Raises:
        SystemExit: it ended in another way than it should.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kind.write(folder / kind.file)
        code, said = apo(folder, "init", "t", "--data", kind.file, *kind.flags)
        if kind.said not in " ".join(said.split()):
            sys.exit(f"{kind.name}: init does not say {kind.said!r}:\n{said}")
        if kind.stops:
            return f"stops: {said.removeprefix('error: ')}" if code == 1 else sys.exit(kind.name)
        scorer = re.search(r"by the scorer '(\w+)'", said)
        for step, *arguments in STEPS:
            code, told = apo(folder, *arguments)
            if code != 0:
                sys.exit(f"{kind.name}: {step} ended with {code}:\n{told}")
        return f"runs to the end; scorer `{scorer[1] if scorer else '?'}`"


def main() -> None:
    """Follow all kinds, and write the table."""
    rows = ["| data | file | command | what came of it |", "|---|---|---|---|"]
    for kind in kinds():
        came = follow(kind)
        print(f"{kind.name}: {came}", flush=True)
        flags = " ".join(kind.flags)
        came = " ".join(came.split()).replace("|", "\\|")
        rows.append(f"| {kind.name} | `{kind.file}` | {f'`{flags}`' if flags else ''} | {came} |")
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    table = "\n".join(rows)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
