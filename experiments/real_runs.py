"""What the runs of a comparison met: replies read, proposals refused, what the choice promised.

    python experiments/real_runs.py .apo/compare/real --out experiments/results/real/runs.md

`apo compare` tells how prompts came out; this table tells whether a search could work at all with
the model that it had, what its best prompt's instruction gave beside its demos, and what was
expected of it on new rows. A replay from kept answers tells the same as the runs themselves,
but for what those took and lost.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

FIGURES = ("validation", "expected")
COLUMNS = (
    "task", "optimizer", "seed", "calls", "minutes", "lost tokens", "replies", "read at once",
    "read in the end", "refused", "both, demos alone", "validation", "expected", "test", "outcome",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table of a comparison's finished runs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the comparison, with runs/ in it")
    parser.add_argument("--out", type=Path, help="a Markdown file; by default the screen")
    options = parser.parse_args(arguments)
    results = list(read(options.folder))
    found = sorted((row(*pair) for pair in results), key=lambda row: row[:3])
    text = "\n".join([*table(found), "", promised([result for _, result in results])]) + "\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def read(folder: Path) -> Iterator[tuple[Any, Any]]:
    """The settings and the result of each finished run."""
    for path in sorted(folder.glob("runs/*/result.json")):
        settings = json.loads(path.with_name("run.json").read_text("utf-8"))
        yield settings, json.loads(path.read_text("utf-8"))


def row(settings: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """The figures of one run, as text."""
    spent, refused = result["spent"], result["refused"]
    replies: dict[str, int] = refused.get("replies") or {"n": 0, "again": 0, "unread": 0}
    verdict: dict[str, Any] = result["verdict"] or {}
    gap: dict[str, Any] = result["gap"] or {}
    n, paid = replies["n"], spent["calls"] > spent["reused_calls"]
    tokens = spent["input_tokens"] + spent["output_tokens"] + spent["lost_tokens"]
    return [
        str(result["task"]),
        str(settings.get("label") or result["optimizer"]),
        str(settings["options"]["seed"]),
        str(spent["calls"]),
        f"{spent['seconds'] / 60:.1f}" if paid else "–",
        f"{100 * spent['lost_tokens'] / max(1, tokens):.1f} %" if paid else "–",
        str(n),
        share(n - replies["again"], n),
        share(n - replies["unread"], n),
        f"{refused.get('n', 0)} of {refused.get('of', 0)}",
        apart(result["parts"]),
        change(result["validation"]["seed"], result["validation"]["best"]),
        f"{100 * gap['expected']:.1f}" if gap else "–",
        change(verdict.get("seed_score"), verdict.get("best_score")),
        str(result["outcome"]["kind"]),
    ]


def apart(parts: Mapping[str, Any] | None) -> str:
    """What a winner that changed words and demos scores, and its demos with the seed's words."""
    if not parts or parts["demos"] is None:
        return "–"
    text = f"{100 * parts['both']:.1f}, {100 * parts['demos']:.1f}"
    return f"{text}: the seed's words stay" if parts["replaced"] else text


def promised(results: Sequence[Mapping[str, Any]]) -> str:
    """How far scores on validation, and what was expected, lie above those on test."""
    gaps = [result["gap"] for result in results if result["gap"]]
    if not gaps:
        return "No run ended with another prompt than the seed's."
    means = (100 * fmean(gap[name] - gap["test"] for gap in gaps) for name in FIGURES)
    return (
        "Of the {} runs that ended with another prompt than the seed's, the score on validation "
        "is {:+.1f} points above that on test in the mean, and what was expected {:+.1f}."
    ).format(len(gaps), *means)


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
