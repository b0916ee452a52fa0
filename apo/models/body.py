"""The JSON of a server's reply, of whatever shape: its values are looked at, never trusted."""

import json
from codecs import BOM_UTF8
from typing import Any, cast

import orjson


def read_body(data: bytes) -> Any:
    """Read JSON, and as the text that it is what is none.

    What orjson does not take is read less strictly: a NaN, a number of 400 digits or half a
    character somewhere in a reply does not take its answer away, which is paid.
    """
    data = data.removeprefix(BOM_UTF8)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


def whole(text: str) -> str:
    """A text that can be written: halves of a character are put together, or � stands for them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_dict(value: Any) -> dict[str, Any]:
    """A JSON object as it is; {} for any other value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[object]:
    """A JSON array as it is; [] for any other value."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(said: object) -> str:
    """A text as it is, and any other value as JSON; "" where that cannot be written."""
    try:
        return said if isinstance(said, str) else orjson.dumps(said).decode()
    except orjson.JSONEncodeError:  # It reads lists in lists deeper than it writes them.
        return ""


def as_word(value: object) -> str:
    """A text, a number, true, false or null as a word in lower case; "" for any other value."""
    plain = value is None or isinstance(value, (str, int, float))
    return str(value).lower() if plain else ""
