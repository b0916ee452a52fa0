"""What is wrong with the keys and values of a task file, in words for people."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from apo.errors import TaskError
from apo.taskfile.parts import ContractSettings, SplitSettings
from apo.taskfile.settings import MAX_NAME, TaskSettings

Settings = TypeVar("Settings", bound=TaskSettings)


def parse_settings(kind: type[Settings], values: Mapping[str, Any], where: str) -> Settings:
    """Check the keys and values of a task.

    Args:
        kind: `TaskFile`, or `TaskSettings` where the data comes apart from them.
        values: by key.
        where: opens the messages.

    Raises:
        TaskError: says the key, what is wrong with it, and what is meant or allowed.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        problems = [*dict.fromkeys(_problem(kind, detail) for detail in error.errors())]
        more = f"; and {len(problems) - 5} more of this kind" if len(problems) > 6 else ""
        told = [_cut(text, 500) for text in problems[: 5 if more else 6]]
        raise TaskError(f"{where}: {'; '.join(told)}{more}.") from None


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[:size]}…"


def _given(value: object) -> str:
    try:
        return repr(value)[:80]
    except (ValueError, RecursionError):  # A number of thousands of digits, lists in lists.
        return f"a {type(value).__name__} that is too long to show"


def _problem(kind: type[BaseModel], detail: ErrorDetails) -> str:
    path = [_cut(str(part), 80) for part in detail["loc"]]
    name, given = ".".join(path), _given(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            inner: dict[str, type[BaseModel]]
            inner = {"split": SplitSettings, "contract": ContractSettings}
            known = list(inner.get(path[0], kind).model_fields)
            close = get_close_matches(path[-1], known, n=1, cutoff=0.5)
            guess = f"Did you mean {close[0]!r}? " if close else ""
            return f"there is no key {name!r}. {guess}Known: {', '.join(known)}"
        case "missing":
            return f"the key {name!r} is missing"
        case "string_type":
            return f"{name} is {given}; it must be a text, in quotes if need be"
        case "string_pattern_mismatch" | "string_too_long" if name == "name":
            return (
                f"name is {given}; it may hold at most {MAX_NAME} letters, digits, blanks, '_', "
                "'-' and '.', the first of them a letter, a digit or '_'"
            )
        case "string_pattern_mismatch" | "string_too_short" | "string_too_long":
            return f"{name} is {given}, which cannot be used ({detail['msg']})"
        case "value_error":
            return f"{name} {detail['msg'].removeprefix('Value error, ')}".strip()
        case _:
            return f"{name} is {given}: {detail['msg'].lower()}"
