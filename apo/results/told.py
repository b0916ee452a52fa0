"""What is told beside a run's outcome: why, with what caution, and what was noticed on the way."""

from collections.abc import Iterator, Mapping
from typing import Any

from apo.results.outcome import Outcome, outcome, vetoed_line
from apo.results.words import INCOMPLETE, form_gain, missing, scope
from apo.storage.refusals import told, told_replies

MAX_IDS = 5


def about(found: Outcome, verdict: Mapping[str, Any], run: str) -> Iterator[tuple[str, bool]]:
    """What is told right after an outcome, a sentence or two each, and whether it is a caution.

    Args:
        found: the outcome.
        verdict: as JSON values; empty where there is none.
        run: the run's id.
    """
    if found.kind == "broke must-pass":
        ids = verdict["broken"]
        shown = ", ".join(ids[:MAX_IDS]) + ", …" * (len(ids) > MAX_IDS)
        yield f"They are {shown}; look: apo show {run} --flips", False
    elif found.kind == "not proven" and verdict.get("advice"):
        yield verdict["advice"], False
    if verdict.get("ungraded"):  # Results of earlier versions left such examples out.
        yield missing(verdict["ungraded"]), True
    if verdict and not verdict["complete"]:
        yield INCOMPLETE, True


def cautions(result: Mapping[str, Any]) -> list[str]:
    """All that is told beside the outcome of a run, in the order in which a report tells it.

    Args:
        result: as `Result.to_dict` gives it, or the result of an earlier version.
    """
    found = outcome(result)
    verdict: Mapping[str, Any] = result["verdict"] or {}
    refused: Mapping[str, Any] = result.get("refused") or {}
    vetoed: Mapping[str, Any] = result.get("vetoed") or {}
    lines = [text for text, _ in about(found, verdict, result["run_id"])]
    if result["best_prompt"] != result["seed_prompt"] and form_gain(verdict):
        lines.append(f"{form_gain(verdict)}.")
    if "procedure" in result:
        lines.append(scope(result["procedure"]))
    if found.kind != "vetoed" and vetoed:
        lines.append(vetoed_line(vetoed, result["run_id"]))
    lines += [told_replies(refused), "" if found.kind == "refused" else told(refused)]
    lines += [(result.get("gap") or {}).get("text", ""), *(result.get("notes") or ())]
    lines += [(result.get("judge") or {}).get("told", ""), result.get("overspent") or ""]
    return [line for line in lines if line]
