"""What a run's folder tells, finished or not."""

from collections.abc import Mapping
from typing import Any

from apo.errors import RunError
from apo.prompts.prompt import Prompt
from apo.storage.candidate import Candidate
from apo.storage.folder import RunFolder, way_on
from apo.storage.record import Record, read_record
from apo.storage.refusals import counted
from apo.storage.rows import open_for_reading
from apo.storage.servers import changes
from apo.storage.shapes import SETTINGS, require, require_result


def summary(folder: RunFolder) -> dict[str, Any]:
    """Everything about a run as JSON values.

    Returns:
        The result, where there is one; otherwise the same keys as far as the journal goes, with
        the verdict null. Beside it `state` and `candidates`, the best first.
    """
    settings, result = folder.settings, folder.result
    require(settings, SETTINGS, str(folder.path / "run.json"))
    if result is not None:
        require_result(result, str(folder.path / "result.json"))
    record = read_record(folder.journal_path)
    rows = _rows(record, result)
    tried = sum(row["operator"] != "seed" for row in rows)
    refused = {"refused": counted(_refusals(record), tried, record.replies)}
    if result is None:
        whole = [row for row in rows if row["whole"]]
        seeds = [row for row in rows if row["operator"] == "seed"]
        result = {
            "run_id": folder.id,
            "task": settings["task"],
            "optimizer": settings["optimizer"]["name"],
            "model": settings["model"],
            "optimizer_model": settings["optimizer_model"] or settings["model"],
            "seed_prompt": seeds[0]["prompt"] if seeds else None,
            "best_prompt": whole[0]["prompt"] if whole else None,
            "winner": None,
            "validation": {
                "seed": seeds[0]["value"] if seeds else None,
                "best": whole[0]["value"] if whole else None,
            },
            "verdict": None,
            "spent": _spent(folder),
            "mlflow": {},
            "notes": changes(folder.journal_path),
        }
    result = refused | result  # A result of an earlier version does not say it.
    return {**result, "state": folder.state, "settings": settings, "candidates": rows}


def winner(document: Mapping[str, Any]) -> str:
    """The id of the best prompt, so far or at the end.

    Args:
        document: the run, as `summary` gives it.

    Raises:
        RunError: no candidate was measured on the whole validation split yet.
    """
    if name := best_of(document):
        return name
    run = document["run_id"]
    way = way_on(run, document["state"])
    raise RunError(f"{run} has no best prompt yet. {way}")


def best_of(document: Mapping[str, Any]) -> str:
    """The id of the best prompt; "" before there is one."""
    chosen: dict[str, Any] | None = document["best_prompt"]
    return "" if chosen is None else Prompt.from_dict(chosen).id


def _refusals(record: Record) -> list[tuple[str, str]]:
    """Reason and text of all that became no candidate."""
    return [(str(body.get("reason", "")), str(body.get("text", ""))) for body in record.refused]


def candidates(folder: RunFolder) -> list[dict[str, Any]]:
    """Every candidate with its figures: the result's best prompt, then as a search ranks them.

    A candidate that was only measured in part has the mean over the answered examples of all its
    parts, and comes after those measured on all of validation. One that breaks an example which
    must pass (`apo.must_pass`) names it in `broken`.
    """
    return _rows(read_record(folder.journal_path), folder.result)


def _rows(record: Record, result: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The candidates; the winner stands first, also where others have its score."""
    rows = [_row(candidate, record) for candidate in record.ranked]
    best = None if result is None else Prompt.from_dict(result["best_prompt"]).id
    return sorted(rows, key=lambda row: row["id"] != best)


def _row(candidate: Candidate, record: Record) -> dict[str, Any]:
    figures = candidate.figures
    row: dict[str, Any] = {
        "id": candidate.id,
        "ordinal": candidate.ordinal,
        "operator": candidate.operator,
        "parents": list(candidate.parents),
        "prompt": candidate.prompt.to_dict(),
        "whole": candidate.whole is not None,
        "n": 0 if figures is None else figures.n,
        "value": None if figures is None else figures.score,
        "broken": record.broken(candidate),
    }
    if candidate.whole is not None:
        row |= {"value": candidate.whole["value"], "at_least": candidate.whole["at_least"]}
    elif figures is not None:
        row["n"] -= figures.counts["error"]
    return row


def _spent(folder: RunFolder) -> dict[str, Any]:
    if not folder.journal_path.exists():
        return {"calls": 0, "input_tokens": 0, "output_tokens": 0, "usd": None, "seconds": 0.0}
    database = open_for_reading(folder.journal_path)
    try:
        calls, tokens_in, tokens_out = database.execute(
            "SELECT COUNT(*), TOTAL(input_tokens), TOTAL(output_tokens) FROM calls"
        ).fetchone()
        (seconds,) = database.execute("SELECT TOTAL(last - start) FROM sessions").fetchone()
    finally:
        database.close()
    return {
        "calls": calls,
        "input_tokens": int(tokens_in),
        "output_tokens": int(tokens_out),
        "usd": None,
        "seconds": seconds,
    }
