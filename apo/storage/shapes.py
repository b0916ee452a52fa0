"""What the JSON of a run's folder must look like before it is used; the folder may be a stranger's.

A shape is a type or several, a mapping of the keys that are needed to their shapes, or a set of
allowed values. Further keys are let through, so that a newer apo's folder can be read.
"""

import json
from collections.abc import Mapping, Set
from dataclasses import fields
from types import NoneType
from typing import Any, TypeVar, cast

from apo.errors import RunError, near

T = TypeVar("T")
NUMBER = (int, float)
COUNTS = {"right": int, "wrong": int, "malformed": int, "error": int}
STATES = frozenset(("new", "estimated", "running", "interrupted", "failed", "finished"))
SETTINGS: Mapping[str, Any] = {
    "state": STATES,
    "task": str,
    "optimizer": {"name": str},
    "model": (str, NoneType),
    "optimizer_model": (str, NoneType),
}
USED: Mapping[str, Any] = {
    "task_ref": (str, NoneType),
    "cwd": str,
    "optimizer": {"ref": (str, NoneType)},
    "model": (str, NoneType),
    "optimizer_model": (str, NoneType),
    "objects": list,
    "prompt": (dict, NoneType),
    "data": {"fingerprint": str, "train": int, "validation": int, "test": int},
}
"""Settings that are used when a run goes on, where they are there."""
VERDICT: Mapping[str, Any] = {
    "n": int,
    "wins": int,
    "losses": int,
    "favourable": bool,
    "complete": bool,
    "interval": list,
    "seed_counts": COUNTS,
    "best_counts": COUNTS,
    **dict.fromkeys(("seed_score", "best_score", "difference", "p_value", "confidence"), NUMBER),
}
RESULT: Mapping[str, Any] = {
    "run_id": str,
    "task": str,
    "optimizer": str,
    "model": str,
    "optimizer_model": (str, NoneType),
    "seed_prompt": dict,
    "best_prompt": dict,
    "winner": frozenset(("seed", "best")),
    "validation": {"seed": (*NUMBER, NoneType), "best": (*NUMBER, NoneType)},
    "verdict": (dict, NoneType),
    "spent": {
        "usd": (*NUMBER, NoneType),
        **dict.fromkeys(("calls", "input_tokens", "output_tokens", "retries"), int),
        "seconds": NUMBER,
        "lost_usd": (*NUMBER, NoneType),
    },
    "mlflow": dict,
}
TOLD: Mapping[str, Any] = {
    "metric": str,
    "overspent": str,
    "notes": list,
    "gap": (dict, NoneType),
    "parts": (dict, NoneType),
    "judge": dict,
    "refused": dict,
    "measured": int,
    "vetoed": dict,
}
"""What results of earlier versions do not say."""
SPENT: Mapping[str, Any] = dict.fromkeys(
    ("cached_tokens", "thinking_tokens", "lost_tokens", "reused_calls"), int
)
REFUSED: Mapping[str, Any] = {"n": int, "of": int, "reasons": dict}
REPLIES: Mapping[str, Any] = dict.fromkeys(("n", "again", "salvaged", "unread"), int)
EVENTS: Mapping[str, Mapping[str, Any]] = {
    "candidate": {"operator": str, "parents": list, "prompt": dict},
    "refused": {},
    "review": {
        "answer": {"accept", "edit", "veto"},
        **dict.fromkeys(("reason", "instruction"), str),
        "seconds": NUMBER,
    },
    "widened": {
        "cut": int,
        "of": int,
        "from": int,
        "to": int,
        "tried": list,
        "ended": int,
        "enough": bool,
    },
    "evaluation": {
        "candidate": str,
        "n": int,
        "value": NUMBER,
        "at_least": NUMBER,
        "whole": bool,
        "calls": int,
        "usd": (*NUMBER, NoneType),
        "tokens": int,
        **COUNTS,
    },
}


def require(value: object, shape: Any, where: str, kind: type[RunError] = RunError) -> None:
    """Make sure that a value has a shape.

    Args:
        value: what was read.
        shape: what it must be.
        where: names it in the message.
        kind: the error that is raised.

    Raises:
        RunError: of the kind; the text names the key.
    """
    if isinstance(shape, Mapping):
        require(value, dict, where, kind)
        known = cast("dict[str, object]", value)
        for key, inner in cast("Mapping[str, Any]", shape).items():
            if key not in known:
                raise kind(f"{where} has no {key!r}; it is damaged, or was not written by apo.")
            require(known[key], inner, f"{where}: {key}", kind)
    elif isinstance(shape, Set):
        if not isinstance(value, str) or value not in shape:
            raise kind(f"{where} is {value!r:.80}; it is damaged, or was not written by apo.")
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        raise kind(f"{where} is {value!r:.80}, of the wrong kind; the file is damaged.")


def require_present(value: object, shapes: Mapping[str, Any], where: str) -> None:
    """Make sure that what a file says has its shape; what it leaves out is nothing wrong.

    Raises:
        RunError: the text names the key.
    """
    require(value, dict, where)
    known = cast("dict[str, object]", value)
    require(known, {key: shape for key, shape in shapes.items() if key in known}, where)


def typed(kind: type[T], value: object, where: str) -> T:
    """Make an object of what a file says of it.

    Args:
        kind: a dataclass.
        value: what was read.
        where: names it in the message.

    Raises:
        RunError: a key is unknown, or its value is of the wrong kind.
    """
    from pydantic import TypeAdapter, ValidationError

    require(value, dict, where)
    known = {field.name for field in fields(cast("Any", kind))}
    for key in cast("dict[str, object]", value):
        if key not in known:
            raise RunError(
                f"{where} has {key!r:.80}, which is no key of it.{near(key, sorted(known))}"
            )
    try:
        return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, (where, *first["loc"])))
        raise RunError(f"{key} is {first['input']!r:.80}: {first['msg']}.") from None


def require_result(result: object, where: str) -> None:
    """Make sure that a run's result can be told.

    Raises:
        RunError: it is damaged.
    """
    require(result, RESULT, where)
    require_present(result, TOLD, where)
    known = cast("dict[str, Any]", result)
    require_present(known["spent"], SPENT, f"{where}: spent")
    if refused := known.get("refused"):
        require(refused, REFUSED, f"{where}: refused")
        if refused.get("replies"):
            require(refused["replies"], REPLIES, f"{where}: refused: replies")
    verdict = known["verdict"]
    if verdict is not None:
        require(verdict, VERDICT, f"{where}: verdict")
        ends: list[object] = verdict["interval"]
        if len(ends) != 2:
            raise RunError(f"{where}: the verdict's interval has {len(ends)} ends, not 2.")
        for end in ends:
            require(end, NUMBER, f"{where}: the verdict's interval")
        _require_answers(verdict, f"{where}: verdict")


def _require_answers(verdict: Mapping[str, Any], where: str) -> None:
    """Make sure of what prompts answer; results of earlier versions do not say it."""
    if verdict.get("constant") is not None:
        shape = {"answer": str, "score": NUMBER, "beaten": bool}
        require(verdict["constant"], shape, f"{where}: constant")
    shares = verdict.get("shares", {})
    require(shares, dict, f"{where}: shares")
    for answer, found in shares.items():
        require(found, list, f"{where}: shares of {answer!r}")
        for share in found:
            require(share, NUMBER, f"{where}: shares of {answer!r}")
