"""What a run changed and what it lost, in words that are short enough for its page in MLflow."""

import json
import re
import textwrap
import unicodedata
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from apo.files import RESULTS, require_file
from apo.prompts.prompt import Prompt
from apo.storage.folder import RunFolder

MAX_PROMPT = 2500
MAX_CHANGES = 1500
MAX_LINE = 88
MAX_LOST = 4
MAX_CELL = 90


def changes_told(seed: Prompt, best: Prompt) -> str:
    """The words that the best prompt has in place of the seed's, marked; "" for none."""
    told = seed.diff(best)
    if not told:
        return ""
    head = "### What changed\n\nFrom the seed to the best prompt: [-gone-] and {+new+} words.\n\n"
    return head + _shown(told, MAX_CHANGES, "whole in the report and in the prompt registry")


def lost_told(folder: RunFolder) -> str:
    """The test rows that the best prompt lost, some with both answers; "" before there are any."""
    path = folder.path / "test.jsonl"
    if not path.exists():
        return ""
    require_file(path, RESULTS)
    count, first = _lost(path)
    if not count:
        return "### Rows lost\n\nNone: what the seed prompt got right on test rows is still right."
    more = f"{len(first)} of {count}; all are" if count > len(first) else "With their scores"
    rows = [
        f"| {_cell(' '.join(row['inputs'].values()))} | {_cell(' | '.join(row['targets']))} "
        f"| {_cell(row['seed_output'])} | {_cell(row['best_output'])} |"
        for row in first
    ]
    table = "\n".join(["| input | right | seed | best |", "|---|---|---|---|", *rows])
    return f"### Rows lost\n\n{more} in Artifacts, `test_examples.json`.\n\n{table}"


def _lost(path: Path) -> tuple[int, list[Mapping[str, Any]]]:
    with path.open(encoding="utf-8", errors="surrogatepass") as lines:
        rows = (json.loads(line) for line in lines if line.strip())
        lost = (row for row in rows if row["flip"] == "lost")
        first = list(islice(lost, MAX_LOST))
        return len(first) + sum(1 for _ in lost), first


def _cell(text: str) -> str:
    line = re.sub(r"\s+", " ", text).strip()
    return literal(f"{line[:MAX_CELL]}…" if len(line) > MAX_CELL else line).replace("|", "\\|")


def shown(prompt: Prompt, limit: int = MAX_PROMPT) -> str:
    """Show a prompt's text in a description: cut when very long, long lines wrapped."""
    return _shown(prompt.text(), limit, "whole in the artifacts")


def _shown(text: str, limit: int, where: str) -> str:
    """A text in a fence. MLflow wraps no code: a long line pushes the rest out of sight."""
    if len(text) > limit:
        text = f"{text[:limit]}\n… ({len(text):,} characters; {where})"
    return fenced("\n".join(part for line in text.split("\n") for part in _wrap(line)))


def _wrap(line: str) -> list[str]:
    wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in line)
    width = MAX_LINE // 2 if wide else MAX_LINE
    return textwrap.wrap(line, width, replace_whitespace=False, drop_whitespace=False) or [""]


def literal(text: str) -> str:
    """Write a name in Markdown, so that it makes no link, no picture and no HTML."""
    return re.sub(r"([\\`*<>\[\]!])", r"\\\1", re.sub(r"\s+", " ", text))


def fenced(text: str) -> str:
    """Put a text in a code fence that nothing inside it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
