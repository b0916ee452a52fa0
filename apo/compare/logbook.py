"""A comparison in MLflow: one run with the tables and pictures, and below it one for each cell.

Written at the end, in one pass that may be repeated: runs are found again by their tags. What a
cell's search tried in detail is not sent, since it would take longer than the grid; `apo sync`
does that for a cell that is worth it.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.compare.collect import Curve
from apo.compare.settings import Experiment
from apo.compare.standing import Comparison
from apo.compare.table import markdown
from apo.environment import prepare_environment
from apo.tracking.environment import absolute_uri, public_uri, tracking_uri
from apo.tracking.places import require_place
from apo.tracking.tracked import Tracked

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "mlflow.parentRunId"
METRICS = (
    "seed_score", "best_score", "gain", "p_value", "validation_seed", "validation_best",
    "seed_chars", "best_chars", "n_test", "calls", "input_tokens", "output_tokens", "usd",
    "minutes",
)  # fmt: skip
MAX_NOTE, MAX_VALUE, MAX_BATCH = 8000, 500, 1000


def log(
    experiment: Experiment,
    found: Comparison,
    curves: Sequence[Curve],
    files: Sequence[Path],
    uri: str | None,
) -> Tracked:
    """Log a comparison; whatever MLflow fails to do, nothing is raised.

    Args:
        experiment: what was compared.
        found: its rankings.
        curves: the finished cells.
        files: the report.
        uri: tracking URI; by default MLFLOW_TRACKING_URI, or mlflow.db in the working directory.
    """
    prepare_environment()
    where = absolute_uri(uri or tracking_uri())
    try:
        return _log(experiment, found, curves, files, where)
    except Exception as error:  # MLflow's clients raise what their libraries raise.
        said = public_uri(" ".join(str(error).split()))
        told = f"{type(error).__name__}: {said[:300]}"
        shown = public_uri(where)
        return Tracked(
            shown, problem=f"Not all is in MLflow at {shown}: {told}. The same command tries again."
        )


def _log(
    experiment: Experiment,
    found: Comparison,
    curves: Sequence[Curve],
    files: Sequence[Path],
    uri: str,
) -> Tracked:
    from apo.tracking.connection import connect
    from apo.tracking.environment import is_server, run_url

    client, place = connect(uri, _place(experiment))
    parent = _parent(client, place, experiment)
    known = _cells(client, place, parent)
    for curve in curves:
        if curve.row.cell not in known:
            _log_cell(client, place, parent, curve)
    _set_note(client, parent, found)
    for path in files:
        client.log_artifact(parent, str(path), "plots" if path.parent.name == "plots" else None)
    client.set_terminated(parent, "FINISHED" if not found.problems else "FAILED")
    url = run_url(uri, place, parent) if is_server(uri) else None
    return Tracked(public_uri(uri), place, parent, url, complete=True)


def _place(experiment: Experiment) -> str:
    return f"apo/compare/{experiment.name}"


def check_place(experiment: Experiment, uri: str | None) -> None:
    """Make sure, before anything is paid, that the user allows where the report's files go.

    Raises:
        TrustError: they go elsewhere than beside the database, and that is not allowed.
    """
    require_place(absolute_uri(uri or tracking_uri()), _place(experiment))


def _parent(client: "MlflowClient", place: str, experiment: Experiment) -> str:
    """The comparison's own run, made when there is none."""
    found = client.search_runs([place], "tags.`apo.comparison` = 'whole'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    tags = {"apo.comparison": "whole", "mlflow.source.name": "apo"}
    run = client.create_run(place, tags=tags, run_name=experiment.name)
    for name, value in experiment.model_dump(mode="json").items():
        client.log_param(run.info.run_id, name, str(value)[:MAX_VALUE])
    return str(run.info.run_id)


def _cells(client: "MlflowClient", place: str, parent: str) -> set[str]:
    """Ids of the cells that are there whole; half-made ones are hidden, and so made again."""
    known: set[str] = set()
    token: str | None = None
    while True:
        page: Any = client.search_runs(
            [place], f"tags.`{PARENT}` = '{parent}'", max_results=1000, page_token=token
        )
        for run in page:
            if run.info.status == "FINISHED":
                known.add(run.data.tags.get("apo.cell", ""))
            else:
                with suppress(Exception):
                    client.delete_run(run.info.run_id)
        token = page.token or None
        if token is None:
            return known


def _log_cell(client: "MlflowClient", place: str, parent: str, curve: Curve) -> None:
    from mlflow.entities import Metric, Param

    row, now = curve.row, int(time.time() * 1000)
    tags = {PARENT: parent, "apo.cell": row.cell, "mlflow.source.name": "apo"}
    tags["apo.verdict"] = row.outcome
    name = f"{row.optimizer} {row.task} {row.seed}"
    run = client.create_run(place, now, tags, run_name=name).info.run_id
    values = {name: getattr(row, name) for name in METRICS}
    metrics = [
        Metric(name, float(v), now, row.calls) for name, v in values.items() if v is not None
    ]
    points = list(zip(curve.calls, curve.scores, strict=True))[-(MAX_BATCH - len(metrics)) :]
    metrics += [Metric("best/validation_score", score, now, calls) for calls, score in points]
    params = [
        Param(key, str(getattr(row, key))[:MAX_VALUE])
        for key in ("task", "optimizer", "model", "optimizer_model", "seed")
    ]
    client.log_batch(run, metrics=metrics, params=params, synchronous=True)
    client.set_terminated(run, "FINISHED", now)


def _set_note(client: "MlflowClient", parent: str, found: Comparison) -> None:
    from mlflow.entities import Metric

    text = markdown(found)
    if len(text) > MAX_NOTE:  # MLflow would cut a table in two.
        text = text[:MAX_NOTE].rpartition("\n\n")[0] + "\n\nWhole in the artifact table.md."
    client.set_tag(parent, "mlflow.note.content", text)
    now = int(time.time() * 1000)
    metrics = [
        Metric(f"{key}/{_key(standing.optimizer)}", value, now, 0)
        for standing in found.overall.standings
        for key, value in (
            ("rank", standing.rank),
            ("score", standing.score),
            ("gain", standing.gain),
        )
    ]
    for start in range(0, len(metrics), MAX_BATCH):
        client.log_batch(parent, metrics=metrics[start : start + MAX_BATCH], synchronous=True)


def _key(label: str) -> str:
    """A label as MLflow takes it in the name of a metric."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-. /") else "_" for c in label)
