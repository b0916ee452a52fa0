"""What the runs of a comparison met: minutes, replies read, proposals refused, lost tokens.

    python experiments/real_runs.py .apo/compare/real --out experiments/results/real/runs.md

`apo compare` tells how prompts came out; this table tells whether a search could work at all with
the model that it had. Minutes are those of the runs as they were made, so make it of them, and not
of a replay.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = (
    "task", "optimizer", "seed", "calls", "minutes", "replies", "read at once", "read in the end",
    "refused", "lost tokens", "validation", "test", "outcome",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table of a comparison's finished runs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the comparison, with runs/ in it")
    parser.add_argument("--out", type=Path, help="a Markdown file; by default the screen")
    options = parser.parse_args(arguments)
    found = sorted(rows(options.folder), key=lambda row: row[:3])
    text = "\n".join(table(found)) + "\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def rows(folder: Path) -> Iterator[list[str]]:
    """A row for each finished run."""
    for path in sorted(folder.glob("runs/*/result.json")):
        settings = json.loads(path.with_name("run.json").read_text("utf-8"))
        yield row(settings, json.loads(path.read_text("utf-8")))


def row(settings: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """The figures of one run, as text."""
    spent, refused = result["spent"], result["refused"]
    replies: dict[str, int] = refused.get("replies") or {"n": 0, "again": 0, "unread": 0}
    verdict: dict[str, Any] = result["verdict"] or {}
    n = replies["n"]
    tokens = spent["input_tokens"] + spent["output_tokens"] + spent["lost_tokens"]
    return [
        str(result["task"]),
        str(settings.get("label") or result["optimizer"]),
        str(settings["options"]["seed"]),
        str(spent["calls"]),
        f"{spent['seconds'] / 60:.1f}",
        str(n),
        share(n - replies["again"], n),
        share(n - replies["unread"], n),
        f"{refused.get('n', 0)} of {refused.get('of', 0)}",
        f"{100 * spent['lost_tokens'] / max(1, tokens):.1f} %",
        change(result["validation"]["seed"], result["validation"]["best"]),
        change(verdict.get("seed_score"), verdict.get("best_score")),
        str(result["outcome"]["kind"]),
    ]


def share(n: int, of: int) -> str:
    """A share in percent; a dash of nothing."""
    return f"{100 * n / of:.0f} %" if of else "–"


def change(before: float | None, after: float | None) -> str:
    """Two scores in percent; a dash where there are none."""
    if before is None or after is None:
        return "–"
    return f"{100 * before:.1f} → {100 * after:.1f}"


def table(found: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *found]
    return [f"| {' | '.join(line)} |" for line in lines]


if __name__ == "__main__":
    main()
