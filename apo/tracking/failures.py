"""Failed test rows of a run as traces in MLflow, each with the right answer and its score."""

import json
import logging
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apo.errors import RunError
from apo.files import RESULTS, require_file
from apo.storage.folder import RunFolder
from apo.tracking.environment import VARIABLE, with_password
from apo.tracking.files import clean
from apo.tracking.tracked import Tracked

MOST = 50
"""Traces of a run: of the rows that were lost, and then of those that both prompts fail."""
TAG = "apo.failures"
"""The run's tag with the number of its traces, by which a second call knows of them."""


def log_failures(folder: RunFolder, tracked: Tracked) -> int:
    """Log the test rows that the best prompt fails as traces of the run, once.

    Each has the row's inputs, both prompts' answers, the right answer as an expectation, and the
    score with the scorer's words as feedback.

    Args:
        folder: the run.
        tracked: where it is logged.

    Returns:
        How many traces the run has.

    Raises:
        RunError: the run has no verdict, or is not in MLflow.
    """
    path = folder.path / "test.jsonl"
    if not path.exists():
        raise RunError(f"{folder.id} has no answers to test rows yet, so no failures to log.")
    if not tracked.run_id:
        raise RunError(tracked.problem)
    import mlflow

    uri = with_password(tracked.tracking_uri)
    client: Any = mlflow.MlflowClient(tracking_uri=uri)
    known = client.get_run(tracked.run_id).data.tags.get(TAG)
    if known is not None:
        return int(known)
    rows = _failed(path)
    logging.getLogger("mlflow.tracing").setLevel(logging.WARNING)  # It tells of each flush.
    with _spans_to(uri):
        # The latest trace stands first on MLflow's page.
        traced = [(_trace(client, row, tracked), row) for row in reversed(rows)]
        mlflow.flush_trace_async_logging()  # For all at once, as each time takes a second.
        for trace_id, row in traced:
            _assess(trace_id, row)
    client.set_tag(tracked.run_id, TAG, str(len(rows)))
    return len(rows)


@contextmanager
def _spans_to(uri: str) -> Generator[None]:
    """Have MLflow send spans there; afterwards it is as it was, and heeds its variable again."""
    import mlflow

    before, named = mlflow.get_tracking_uri(), os.environ.get(VARIABLE)
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.flush_trace_async_logging()
        # MLflow sets the variable with its own setting: where they are alike, it need not keep one.
        mlflow.set_tracking_uri(None if named in (None, before) else before)  # type: ignore[arg-type]
        os.environ.update({} if named is None else {VARIABLE: named})


def _failed(path: Path) -> list[dict[str, Any]]:
    require_file(path, RESULTS)
    with path.open(encoding="utf-8", errors="surrogatepass") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    failed = [row for row in rows if row["flip"] == "lost" or (row["best_score"] or 0.0) < 1]
    return sorted(failed, key=lambda row: row["flip"] != "lost")[:MOST]


def _trace(client: Any, row: Mapping[str, Any], tracked: Tracked) -> str:
    """Log what a row asks and what was answered; give the id of the trace."""
    span = client.start_trace(
        f"{row['flip']} {row['id'][:12]}",
        inputs={name: clean(text) for name, text in row["inputs"].items()},
        attributes={"seed_output": clean(row["seed_output"])},
        tags={"apo.flip": row["flip"]},
        experiment_id=tracked.experiment_id,
        run_id=tracked.run_id,
    )
    client.end_trace(span.trace_id, outputs=clean(row["best_output"]))
    return str(span.trace_id)


def _assess(trace_id: str, row: Mapping[str, Any]) -> None:
    """Log the right answer of a row, and the score, with a trace that MLflow has."""
    import mlflow
    from mlflow.entities import AssessmentSource, AssessmentSourceType

    source = AssessmentSource(AssessmentSourceType.CODE, "apo")
    given: dict[str, Any] = {"trace_id": trace_id, "source": source}
    mlflow.log_expectation(name="target", value=clean(row["targets"][0]), **given)
    mlflow.log_feedback(
        name="score",
        value=row["best_score"],
        rationale=clean(row["best_feedback"] or ""),
        metadata={"seed": json.dumps(row["seed_score"])},
        **given,
    )
