"""A run's settings as MLflow's names, params and tags."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from apo.results.outcome import outcome
from apo.storage.record import Record
from apo.tracking.environment import public_uri
from apo.tracking.summary import describe, model_names, optimizer_name

LEFT_OUT = (
    "id",
    "state",
    "created",
    "updated",
    "task_ref",
    "objects",
    "prompt",
    "notes",
    "options",
    "tracking",
)
LEFT_OUT_OPTIONS = ("track", "tracking_uri", "experiment", "prices", "meta_prompts")


def experiment_name(settings: Mapping[str, Any]) -> str:
    """Name of the experiment: what the run was told, else one for each task."""
    given = _options(settings).get("experiment") or _tracking(settings).get("experiment")
    return str(given or f"apo/{settings.get('task') or 'task'}")


def told_uri(settings: Mapping[str, Any]) -> str:
    """The tracking URI that the run was told; "" when it was told none."""
    return str(_options(settings).get("tracking_uri") or _tracking(settings).get("uri") or "")


def _options(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return settings.get("options") or {}


def _tracking(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return settings.get("tracking") or {}


def run_name(settings: Mapping[str, Any], result: Mapping[str, Any] | None = None) -> str:
    """The run's name for people: the optimizer, the outcome, the task, and the end of its id.

    MLflow's table of runs shows seven letters of it: a sign for the outcome and the optimizer.
    """
    short = str(settings["id"]).rpartition("-")[2]
    optimizer, rest = optimizer_name(settings), f"{settings.get('task')} {short}"
    if result is None:
        return f"{optimizer} {rest}"
    found, verdict = outcome(result), result["verdict"]
    sign = "\u2713" if found.favourable else "\u2717"
    same = result["best_prompt"] == result["seed_prompt"] and "procedure" not in result
    gain = "" if verdict is None or same else f" {100 * verdict['difference']:+.1f} points,"
    return f"{sign} {optimizer}: {found.kind},{gain} {rest}"


def parameters(
    settings: Mapping[str, Any], result: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """The run's settings under flat names such as `optimizer.n_proposals` or `budget.max_calls`.

    Args:
        settings: the run's settings; what is None is left out.
        result: names the models where the settings do not.
    """
    names = {key: (result or {}).get(key) for key in ("model", "optimizer_model")}
    chosen = {key: value for key, value in settings.items() if key not in LEFT_OUT}
    options = {k: v for k, v in _options(settings).items() if k not in LEFT_OUT_OPTIONS}
    chosen["optimizer"] = settings["optimizer"].get("settings") or {}
    chosen |= {**options, **{key: value for key, value in names.items() if value}}
    return dict([("optimizer", optimizer_name(settings)), *_flat(chosen)])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, Any]", value), f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}", public_uri(str(value))


def tags(
    settings: Mapping[str, Any],
    record: Record,
    result: Mapping[str, Any] | None,
    lost: str = "",
) -> dict[str, str]:
    """The run's tags, its description among them, with what is said of test rows lost."""
    names = model_names({**settings, **(result or {})})
    values = {
        "apo.task": settings.get("task"),
        "apo.optimizer": optimizer_name(settings),
        "apo.model": names.get("model"),
        "apo.optimizer_model": names.get("optimizer_model"),
        "apo.verdict": "none" if result is None else outcome(result).kind,
        "mlflow.note.content": describe(settings, record, result, lost),
        "mlflow.source.name": "apo",
        "mlflow.source.git.commit": settings.get("git_commit"),
    }
    return {key: str(value) for key, value in values.items() if value}
