"""The files of a run in MLflow: tables of candidates and of test examples, and the prompts."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.errors import RunError
from apo.files import RESULTS, read_text, require_file
from apo.prompts.forms.registry import form_named, write_prompt
from apo.prompts.needs import needs_of
from apo.prompts.prompt import Prompt
from apo.report.run_page import FILE, run_page
from apo.storage.candidate import COUNTS, Candidate
from apo.storage.folder import RunFolder
from apo.storage.record import Record
from apo.tracking.summary import chosen_prompts

if TYPE_CHECKING:
    from apo.results.flips import FlipGroup

MARK = "\u2605 "  # Before the best candidate's number and name.
MAX_TAG = 5000
CANDIDATES = "candidates.json"
EXAMPLES = "test_examples.json"
FLIPS = "flips.json"
FRONT = "front.json"
TRANSFER, AUDIT = "transfer.json", "audit.json"
TABLES = (CANDIDATES, EXAMPLES, FLIPS, FRONT)
COLUMNS = (
    "candidate", "id", "score", "parents", "operator", "n", "instruction", *COUNTS, "unanswered",
    "measured", "refused", "prompt",
)  # fmt: skip
FLIP_COLUMNS = ("group", "won", "lost", "points", "n", "interval", "p_value")
FORMATS = (
    ("text", "txt"),
    ("json", "json"),
    ("messages", "messages.json"),
)


def clean(text: str) -> str:
    """Make text fit for any database: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def fitting(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags that MLflow takes; only the description may be longer than the rest."""
    limits = {"mlflow.note.content": 8000}
    return {key: clean(value)[: limits.get(key, MAX_TAG)] for key, value in tags.items()}


def write_files(folder: RunFolder, record: Record, target: Path) -> None:
    """Write all files of a run.

    Args:
        folder: the run.
        record: what its journal says.
        target: an empty folder.
    """
    result = folder.result
    _write_table(target / CANDIDATES, COLUMNS, candidate_rows(record, best_id(record, result)))
    if (folder.path / "test.jsonl").exists() and result is not None:
        rows = list(example_rows(folder.path / "test.jsonl"))
        _write_table(target / EXAMPLES, tuple(rows[0]) if rows else ("flip",), rows)
        _write_results(folder, target)
    if result is not None:
        (target / FILE).write_text(run_page(folder), encoding="utf-8")
    (target / "prompts").mkdir()
    for name, prompt in zip(("seed", "best"), chosen_prompts(record, result), strict=True):
        for form, ending in FORMATS if prompt is not None else ():
            if prompt is None or (prompt.focus and form == "messages"):
                continue  # A program has a chat for each step.
            if form != "text" and not {*needs_of(prompt)} <= {*form_named(form).holds}:
                continue  # Its JSON is there.
            text = prompt.text() if form == "text" else write_prompt(prompt, form)
            (target / "prompts" / f"{name}.{ending}").write_text(clean(text), encoding="utf-8")


def _write_results(folder: RunFolder, target: Path) -> None:
    """Write what is known at the end: flips by label and slice, the front, and a transfer.

    The front is left out where no candidate was measured on the whole validation split.
    """
    from apo.results.flips import read_flips
    from apo.results.front import objectives, with_front
    from apo.results.standings import standings

    _write_table(target / FLIPS, FLIP_COLUMNS, [_flip_row(g) for g in read_flips(folder).groups])
    for name in (TRANSFER, AUDIT):
        if (folder.path / name).exists():
            text = read_text(folder.path / name, RESULTS, errors="surrogatepass")
            (target / name).write_text(clean(text), encoding="utf-8")
    try:
        found = standings(folder)
    except RunError:
        return
    rows = [s.to_dict() for s in with_front(found, objectives(found))]
    for row in rows:
        told = Prompt.from_dict(row.pop("prompt")).instructions
        row |= {"instruction": told, "broken": ", ".join(row["broken"])}
    _write_table(target / FRONT, tuple(rows[0]), rows)


def _flip_row(group: "FlipGroup") -> dict[str, Any]:
    low, high = group.interval
    named = group.value if group.by == "label" else f"{group.by}: {group.value}"
    return {
        "group": "all" if group.by == "all" else named,
        "won": group.won,
        "lost": group.lost,
        "points": round(100 * group.change, 1),
        "n": group.n,
        "interval": f"{100 * low:+.1f} to {100 * high:+.1f}",
        "p_value": float(f"{group.p_value:.2g}"),
    }


def best_id(record: Record, result: Mapping[str, Any] | None) -> str:
    """The best prompt's id; "" when nothing is measured yet."""
    best = chosen_prompts(record, result)[1]
    return "" if best is None else best.id


def candidate_rows(record: Record, best: str = "") -> list[dict[str, Any]]:
    """A row for each candidate, the best first and marked, and for each refused text.

    Args:
        record: the candidates.
        best: id of the best one.
    """
    numbers = {candidate.id: candidate.ordinal for candidate in record.candidates.values()}
    ranked = sorted(record.ranked, key=lambda candidate: candidate.id != best)
    rows = [_candidate_row(candidate, numbers, best) for candidate in ranked]
    for body in record.refused:
        row = {"operator": body["operator"], "parents": _parents(body["parents"], numbers)}
        text = body["text"]
        row |= {"measured": "refused", "refused": body["reason"], "instruction": text}
        rows.append(row)
    return rows


def _candidate_row(candidate: Candidate, numbers: Mapping[str, int], best: str) -> dict[str, Any]:
    figures = candidate.figures
    measured = "no" if figures is None else "in part" if candidate.whole is None else "whole"
    row: dict[str, Any] = {
        "candidate": f"{MARK}{candidate.ordinal}" if candidate.id == best else candidate.ordinal,
        "operator": candidate.operator,
        "instruction": candidate.prompt.instructions,
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
    require_file(path, RESULTS)
    with path.open(encoding="utf-8", errors="surrogatepass") as lines:
        examples = [json.loads(line) for line in lines if line.strip()]
    order = {"lost": 0, "won": 1, "same": 2}
    for example in sorted(examples, key=lambda e: order.get(e["flip"], 3)):
        yield {
            "flip": example["flip"],
            "target": " | ".join(example["targets"]),
            "seed_output": example["seed_output"],
            "best_output": example["best_output"],
            "input": "\n".join(example["inputs"].values()),
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
