"""The files of a run in MLflow: tables of candidates and of test examples, and the prompts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apo.errors import RunError
from apo.prompt_files import write_prompt
from apo.record import COUNTS, Candidate, Record
from apo.runs import RunFolder
from apo.tracking.summary import chosen_prompts

CANDIDATES = "candidates.json"
EXAMPLES = "test_examples.json"
FLIPS = "flips.json"
FRONT = "front.json"
TRANSFER, AUDIT = "transfer.json", "audit.json"
TABLES = (CANDIDATES, EXAMPLES, FLIPS, FRONT)
COLUMNS = (
    "candidate", "score", "operator", "n", "instruction", *COUNTS, "unanswered", "measured",
    "parents", "refused", "prompt", "id",
)  # fmt: skip
FORMATS = (
    ("text", "txt"),
    ("json", "json"),
    ("messages", "messages.json"),
)


def clean(text: str) -> str:
    """Make text fit for any database: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def write_files(folder: RunFolder, record: Record, target: Path) -> None:
    """Write all files of a run.

    Args:
        folder: the run.
        record: what its journal says.
        target: an empty folder.
    """
    result = folder.result
    _write_table(target / CANDIDATES, COLUMNS, candidate_rows(record))
    if (folder.path / "test.jsonl").exists() and result is not None:
        rows = list(example_rows(folder.path / "test.jsonl"))
        _write_table(target / EXAMPLES, tuple(rows[0]) if rows else ("flip",), rows)
        _write_results(folder, target)
    (target / "prompts").mkdir()
    for name, prompt in zip(("seed", "best"), chosen_prompts(record, result), strict=True):
        for form, ending in FORMATS if prompt is not None else ():
            text = write_prompt(prompt, form) if prompt is not None else ""
            (target / "prompts" / f"{name}.{ending}").write_text(clean(text), encoding="utf-8")


def _write_results(folder: RunFolder, target: Path) -> None:
    """Write what is known at the end: flips by label and slice, the front, and a transfer.

    The front is left out where no candidate was measured on the whole validation split.
    """
    from apo.flips import read_flips
    from apo.front import objectives, with_front
    from apo.standings import standings

    flips = [asdict(group) for group in read_flips(folder).groups]
    for row in flips:
        row["interval_low"], row["interval_high"] = row.pop("interval")
    _write_table(target / FLIPS, tuple(flips[0]) if flips else ("by",), flips)
    for name in (TRANSFER, AUDIT):
        if (folder.path / name).exists():
            text = (folder.path / name).read_text("utf-8", "surrogatepass")
            (target / name).write_text(clean(text), encoding="utf-8")
    try:
        found = standings(folder)
    except RunError:
        return
    rows = [s.to_dict() for s in with_front(found, objectives(found))]
    for row in rows:
        row |= {"instruction": row.pop("prompt")["instruction"], "broken": ", ".join(row["broken"])}
    _write_table(target / FRONT, tuple(rows[0]), rows)


def candidate_rows(record: Record) -> list[dict[str, Any]]:
    """A row for each candidate, the best measured first, and for each refused text."""
    numbers = {candidate.id: candidate.ordinal for candidate in record.candidates.values()}
    rows = [_candidate_row(candidate, numbers) for candidate in record.ranked]
    for body in record.refused:
        row = {"operator": body["operator"], "parents": _parents(body["parents"], numbers)}
        text = body["text"]
        row |= {"measured": "refused", "refused": body["reason"], "instruction": text}
        rows.append(row)
    return rows


def _candidate_row(candidate: Candidate, numbers: Mapping[str, int]) -> dict[str, Any]:
    figures = candidate.figures
    measured = "no" if figures is None else "in part" if candidate.whole is None else "whole"
    row: dict[str, Any] = {
        "candidate": candidate.ordinal,
        "operator": candidate.operator,
        "instruction": candidate.prompt.instruction,
        "measured": measured,
        "parents": _parents(candidate.parents, numbers),
        "prompt": candidate.prompt.text(),
        "id": candidate.id,
    }
    if figures is not None:
        score = None if figures.score is None else round(figures.score, 4)
        counts = dict(figures.counts)
        unanswered = counts.pop("refused", 0)  # The column of that name has reasons.
        row |= {"score": score, "n": figures.n, **counts, "unanswered": unanswered}
    return row


def _parents(ids: list[str] | tuple[str, ...], numbers: Mapping[str, int]) -> str:
    return ", ".join(str(numbers.get(parent, parent)) for parent in ids)


def example_rows(path: Path) -> Iterator[dict[str, Any]]:
    """A row for each test example, both answers side by side; won and lost ones first."""
    with path.open(encoding="utf-8", errors="surrogatepass") as lines:
        examples = [json.loads(line) for line in lines if line.strip()]
    order = {"lost": 0, "won": 1, "same": 2}
    for example in sorted(examples, key=lambda e: order.get(e["flip"], 3)):
        yield {
            "flip": example["flip"],
            "input": "\n".join(example["inputs"].values()),
            "seed_output": example["seed_output"],
            "best_output": example["best_output"],
            "target": " | ".join(example["targets"]),
            **{f"slice_{name}": value for name, value in example.get("slices", {}).items()},
            "must_pass": example.get("must_pass", False),
            **{
                f"{name}_{key}": example[f"{name}_{key}"]
                for key in ("outcome", "score", "feedback")
                for name in ("seed", "best")
            },
            "id": example["id"],
        }


def _write_table(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Write the JSON that MLflow's pages show as a table; `log_table` would append to it."""
    data = [[row.get(column) for column in columns] for row in rows]
    text = json.dumps({"columns": columns, "data": data}, ensure_ascii=False)
    path.write_text(clean(text), encoding="utf-8")
