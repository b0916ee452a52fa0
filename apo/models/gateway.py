"""Further headers that a gateway wants, from the environment: they may be secret, like a key."""

import os
import re
from typing import cast

import orjson

from apo.errors import SettingsError

VARIABLE = "APO_HEADERS"
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = {"content-type", "content-length", "host", "transfer-encoding", "connection"}


def extra_headers() -> dict[str, str]:
    """Read APO_HEADERS, a JSON object of names and values; {} when it is not set.

    Raises:
        SettingsError: it is none, or cannot be sent. Values are not shown.
    """
    stated = os.environ.get(VARIABLE, "").strip()
    if not stated:
        return {}
    try:
        found = orjson.loads(stated)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise SettingsError(
            f"{VARIABLE} is no JSON object. Write the headers that the gateway wants like "
            f"""this: export {VARIABLE}='{{"X-Team": "nlp", "X-Gateway-Key": "…"}}'."""
        )
    headers = cast("dict[str, object]", found)
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise SettingsError(f"{VARIABLE}: {name!r} is no header that can be set.")
        if not isinstance(value, str) or not re.fullmatch(r"[ -~]*", value):
            raise SettingsError(
                f"{VARIABLE}: the value of {name!r} must be a text of ASCII characters, without "
                "line breaks."
            )
    return {name: str(value) for name, value in headers.items()}
