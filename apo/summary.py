"""What a run's folder tells, finished or not."""

from typing import Any

from apo.errors import JournalError
from apo.journal_rows import Event, open_for_reading, read_events
from apo.refusals import counted
from apo.runs import RunFolder
from apo.shapes import EVENTS, SETTINGS, require, require_result


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
    rows = candidates(folder)
    tried = sum(row["operator"] != "seed" for row in rows)
    refused = {"refused": counted(_refusals(folder), tried)}
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
        }
    result = refused | result  # A result of an earlier version does not say it.
    return {**result, "state": folder.state, "settings": settings, "candidates": rows}


def _refusals(folder: RunFolder) -> list[tuple[str, str]]:
    """Reason and text of all that became no candidate."""
    if not folder.journal_path.exists():
        return []
    database = open_for_reading(folder.journal_path)
    try:
        bodies = [event.body for event in read_events(database, -1, "refused")]
        return [(str(body.get("reason", "")), str(body.get("text", ""))) for body in bodies]
    finally:
        database.close()


def candidates(folder: RunFolder) -> list[dict[str, Any]]:
    """Every candidate with its figures: measured on all of validation first, then by score.

    A candidate that was only measured in part has the mean over the answered examples of all its
    parts. One that breaks an example which must pass (`apo.must_pass`) names it in `broken`, and
    comes after the others.
    """
    if not folder.journal_path.exists():
        return []
    database = open_for_reading(folder.journal_path)
    try:
        events = list(read_events(database))
    finally:
        database.close()
    for event in events:
        where = f"{folder.journal_path}, event {event.seq}"
        require(event.body, EVENTS.get(event.kind, {}), where, JournalError)
    rows = {e.key: _empty(e) for e in events if e.kind == "candidate"}
    for event in events:
        if event.kind == "evaluation" and event.body["candidate"] in rows:
            _add(rows[event.body["candidate"]], event.body)
    _mark_broken([*rows.values()])
    return sorted(
        rows.values(),
        key=lambda row: (row["whole"], not row["broken"], row["value"] or 0.0, row["n"]),
        reverse=True,
    )


def _empty(event: Event) -> dict[str, Any]:
    figures: dict[str, Any] = {"whole": False, "n": 0, "value": None, "missed": [], "broken": []}
    return {"id": event.key, **event.body, **figures}


def _mark_broken(rows: list[dict[str, Any]]) -> None:
    """Name the examples that must pass, and that the seed prompt alone gets right."""
    seed = next((row for row in rows if row["operator"] == "seed"), None)
    allowed = set[str](seed["missed"] if seed is not None and seed["whole"] else ())
    for row in rows:
        missed: list[str] = row.pop("missed")
        if seed is not None and seed["whole"] and row is not seed:
            row["broken"] = [example for example in missed if example not in allowed]


def _add(row: dict[str, Any], evaluation: dict[str, Any]) -> None:
    answered = evaluation["n"] - evaluation["error"]
    if evaluation["whole"]:
        row.update(whole=True, n=evaluation["n"], value=evaluation["value"])
        missed: list[str] = evaluation.get("missed", [])  # Absent where nothing must pass.
        require(missed, list, "the missed examples of an evaluation", JournalError)
        row.update(at_least=evaluation["at_least"], missed=missed)
    elif not row["whole"] and answered:
        total = (row["value"] or 0.0) * row["n"] + evaluation["value"] * answered
        row["n"] += answered
        row["value"] = total / row["n"]


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
