"""Feedback from MLflow's traces: what was asked and answered in use, and what was said of it."""

import json
from collections.abc import Sequence
from typing import Any

from apo.environment import prepare_environment
from apo.errors import DataError
from apo.production.feedback import By, Feedback
from apo.reading.json_text import as_list, as_object
from apo.tracking.environment import public_uri, tracking_uri

SCHEME = "traces:/"
MOST = 10_000
"""Traces that are read, the newest first."""


def trace_feedback(uri: str, fields: Sequence[str]) -> tuple[list[Feedback], list[str]]:
    """Read the assessments of an experiment's traces.

    An expectation is the right answer; feedback that is true or false, yes or no, is thumbs up or
    down. Of an LLM judge or code it is a judge's word, else a person's.

    Args:
        uri: traces:/EXPERIMENT.
        fields: the task's input fields. A request that is an object has them by name; one text, or
            the last turn of a chat's user, is the input of a task with one field.

    Returns:
        What was said, oldest first, and what was left out, in words.

    Raises:
        DataError: there is no such experiment, or MLflow cannot be reached.
    """
    prepare_environment()
    import mlflow
    from mlflow.exceptions import MlflowException

    name = uri.removeprefix(SCHEME).strip("/")
    where = public_uri(tracking_uri())
    client: Any = mlflow.MlflowClient(tracking_uri())
    try:
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            raise DataError(f"There is no experiment {name!r} in {where}.")
        found: list[Any] = []
        token: str | None = None
        while len(found) < MOST:
            page = client.search_traces(
                locations=[experiment.experiment_id], max_results=500, page_token=token
            )
            found += page
            token = page.token or None
            if token is None:
                break
    except MlflowException as error:
        raise DataError(f"{uri} cannot be read from {where}: {error.message}") from error
    said, silent, other = list[Feedback](), 0, 0
    for trace in reversed(found):
        inputs = _inputs(_value(trace.data.request), fields)
        words = list(_assessed(trace, inputs or {}))
        silent += not words
        other += bool(words) and inputs is None
        said += words if inputs is not None else []
    notes = [f"Traces without an assessment: {silent}."] if silent else []
    notes += [f"Traces whose request is none of the task's inputs: {other}."] if other else []
    return said, notes


def _assessed(trace: Any, inputs: dict[str, str]) -> list[Feedback]:
    answer = _text(_value(trace.data.response))
    found: list[Feedback] = []
    for one in trace.info.assessments or ():
        kind = str(getattr(one.source, "source_type", "HUMAN"))
        by: By = "person" if kind == "HUMAN" else "judge"
        if getattr(one, "expectation", None) is not None:
            target = _text(one.value)
            found.append(Feedback(inputs=inputs, answer=answer, target=target, by=by))
        elif (right := _thumbs(one.value)) is not None:
            found.append(Feedback(inputs=inputs, answer=answer, right=right, by=by))
    return found


def _thumbs(value: Any) -> bool | None:
    word = str(value).casefold()
    if word in ("true", "yes", "1", "1.0", "pass"):
        return True
    return False if word in ("false", "no", "0", "0.0", "fail") else None


def _inputs(request: Any, fields: Sequence[str]) -> dict[str, str] | None:
    pairs = as_object(request)
    inner = None if pairs is None else as_object(pairs.get("inputs"))
    for given in (pairs, inner):
        if given is not None and set(fields) <= given.keys():
            return {name: _text(given[name]) for name in fields}
    if len(fields) != 1:
        return None
    turns = as_list((pairs or {}).get("messages")) or as_list(request) or []
    users = [t for t in map(as_object, turns) if t is not None and t.get("role") == "user"]
    if users:
        return {fields[0]: _text(users[-1].get("content"))}
    return {fields[0]: request} if isinstance(request, str) else None


def _value(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
