"""The JSON values that a free text holds: whole ones, never parts of what is broken."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast

from apo.patterns import late_pattern

_MAX_VALUES = 1000  # Text full of braces is no JSON; give up in good time.
# The guess of json-repair takes long on text of megabytes, and on 5,000 unclosed braces.
_MAX_REPAIRED = 50_000
_MAX_DEPTH = 100
_START = late_pattern(r"""[{\[]""")
# What a broken value starts with; "{" or "[" before anything else is prose.
_LIKE_JSON = late_pattern(r"""\{\s*(?:["'}]|\w{1,50}\s*:)|\[\s*["'{\[]""")
_SIGN = late_pattern(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)


@dataclass(frozen=True)
class JsonValue:
    """A JSON value in a text.

    Attributes:
        value: what it is; None where it is broken.
        text: how it is written.
        broken: whether it is no JSON, though it starts as if it were.
    """

    value: Any
    text: str
    broken: bool = False


def json_values(text: str) -> Iterator[JsonValue]:
    """Yield the outermost objects and lists of a text in order, with or without ``` around them.

    What starts like JSON but is broken, by a trailing comma or the end of the text, is yielded as
    such, as far as its brackets go; nothing is read from within it.
    """
    decoder = json.JSONDecoder(parse_constant=_refuse)
    place = 0
    for _ in range(_MAX_VALUES):
        start = _START.search(text, place)
        if start is None:
            return
        place = start.start()
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            if not _LIKE_JSON.match(text, place):
                place += 1
                continue
            end = _end_of(text, place)
            yield JsonValue(None, text[place:end], broken=True)
        else:
            yield JsonValue(value, text[place:end])
        place = end


def _end_of(text: str, start: int) -> int:
    """Where the brackets that open here are closed, or the end of the text."""
    depth = 0
    for sign in _SIGN.finditer(text, start):
        if sign[0] in "{[":
            depth += 1
        elif sign[0] in "}]":
            depth -= 1
            if depth <= 0:
                return sign.end()
    return len(text)


def answer_json(text: str, *, notes: bool = False) -> JsonValue | None:
    """Give the last object or list of a text, broken or not; None where there is none.

    An empty one is no answer after another one.

    Args:
        text: any text.
        notes: take a list of numbers alone, as in [1], for an answer too.
    """
    last: JsonValue | None = None
    for found in json_values(text):
        if notes or found.broken or not is_note(found.value):
            last = found if found.value or found.broken or last is None else last
    return last


def as_list(value: object) -> list[Any] | None:
    """A JSON value as the list that it is, or None."""
    return cast("list[object]", value) if isinstance(value, list) else None


def as_object(value: object) -> dict[str, Any] | None:
    """A JSON value as the object that it is, or None."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def is_note(value: object) -> bool:
    """Whether a value is a list of whole numbers, as [1] is, which texts use for notes."""
    items = as_list(value)
    return bool(items) and all(type(item) is int for item in items or ())


def json_in(text: str) -> dict[str, Any] | None:
    """Give the object that an answer is, its last one; None where that is broken or a list."""
    found = answer_json(text)
    return as_object(found.value) if found else None


def list_in(text: str) -> list[Any] | None:
    """Give the list that an answer is, its last one, or the last one in an object; else None."""
    found = answer_json(text, notes=True)
    if found is None:
        return None
    lists = [as_list(item) for item in (as_object(found.value) or {}).values()]
    whole = as_list(found.value)
    return whole if whole is not None else next((x for x in reversed(lists) if x is not None), None)


def repaired(text: str) -> Any:
    """Give the value that a broken one was meant to be, as json-repair guesses; "" for none."""
    import json_repair

    if len(text) > _MAX_REPAIRED or _depth(text) > _MAX_DEPTH:
        return ""
    try:
        return json_repair.loads(text)
    except (ValueError, RecursionError):
        return ""


def _depth(text: str) -> int:
    """How deep the brackets of a text go, those in its strings too."""
    signs = (1 if sign in "{[" else -1 for sign in re.findall(r"[{}\[\]]", text))
    return max(accumulate(signs), default=0)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
