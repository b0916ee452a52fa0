"""Where benchmark figures go: a table for people, rows for programs, and what they came from."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apo.storage.versions import git_commit, versions

RESULTS = Path(__file__).parents[1] / "results" / "engine"


def record(
    name: str, title: str, rows: Sequence[Mapping[str, Any]], *, notes: Sequence[str] = ()
) -> None:
    """Print a table, and write it to experiments/results/engine/<name>.md and <name>.json.

    Args:
        name: the file's name without its ending; what was there is replaced.
        title: the table's heading, with what is measured and its unit.
        rows: cells by column; the first row's columns are the table's.
        notes: sentences under the table: the mark to reach, and what must be known to read it.
    """
    origin = {
        "command": " ".join(["python", Path(sys.argv[0]).name, *sys.argv[1:]]),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} cores {platform.machine()}, {platform.system()}",
        "versions": versions(),
        "git_commit": git_commit(),
    }
    table = _table(rows)
    made = f"`{origin['command']}`, {origin['date']}, {origin['machine']}"
    used = ", ".join(f"{package} {version}" for package, version in versions().items())
    page = "\n\n".join([f"# {title}", table, *notes, f"Made by {made}; {used}."])
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.md").write_text(f"{page}\n", encoding="utf-8")
    data = {"title": title, **origin, "rows": [dict(row) for row in rows]}
    text = json.dumps(data, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    print(f"\n{title}\n\n{table}\n", flush=True)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([_cell(r[c]) for c in columns] for r in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
