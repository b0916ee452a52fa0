"""What a run knows of one of its prompts, to be written beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from apo.errors import RunError
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt
from apo.results.flips import read_pairs
from apo.results.outcome import outcome
from apo.statistics.bounded import bounded_interval
from apo.statistics.clusters import by_group
from apo.storage.folder import RunFolder
from apo.storage.shapes import require
from apo.storage.summary import candidates


def provenance_of(folder: RunFolder, prompt: Prompt) -> Provenance:
    """What a run knows of a prompt: its score on test, or else on validation, and its cost.

    Raises:
        RunError: a file of the run is damaged.
    """
    settings, result = folder.settings, folder.result or {}
    data: dict[str, Any] = settings.get("data", {})
    require(data, {"fingerprint": str} if data else dict, f"{folder.path / 'run.json'}: data")
    pairs = _pairs(folder)
    spent = {k: result["spent"][k] for k in ("calls", "usd")} if "spent" in result else None
    known: dict[str, Any] = {
        "prompt": prompt.id,
        "run": folder.id,
        "task": str(settings.get("task", "")),
        "optimizer": result.get("optimizer", ""),
        "model": str(settings.get("model", "")),
        "data": data.get("fingerprint", ""),
        "outcome": outcome(result).kind if result else "",
        "spent": spent,
        "rows": [(pair["inputs"], pair["targets"]) for pair in pairs],
    }
    return Provenance(**known, **_score(folder, result, prompt, pairs))


def _pairs(folder: RunFolder) -> list[dict[str, Any]]:
    try:
        return read_pairs(folder)
    except RunError:  # None was measured.
        return []


def _score(
    folder: RunFolder, result: Mapping[str, Any], prompt: Prompt, pairs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The score with its interval, and what it is of."""
    ids = {n: Prompt.from_dict(result[f"{n}_prompt"]).id for n in ("best", "seed") if result}
    which = next((name for name, known in ids.items() if known == prompt.id), "")
    verdict = result.get("verdict")
    if which and verdict:
        scored = [pair for pair in pairs if pair[f"{which}_score"] is not None]
        interval = _interval(scored, which) if scored and not result.get("metric") else None
        score = verdict[f"{which}_score"]
        return {"score": score, "interval": interval, "split": "test", "n": verdict["n"]}
    row = next((row for row in candidates(folder) if row["id"] == prompt.id), None)
    if row is None or not row["n"]:
        return {}
    return {"score": row["value"], "split": "validation", "n": row["n"]}


def _interval(pairs: Sequence[Mapping[str, Any]], which: str) -> tuple[float, float]:
    # The statistics are for values from -1 to 1.
    values = [2 * pair[f"{which}_score"] - 1 for pair in pairs]
    groups = [str(pair.get("group", "")) for pair in pairs]
    low, high = bounded_interval(*by_group(values, groups))
    return (low + 1) / 2, (high + 1) / 2
