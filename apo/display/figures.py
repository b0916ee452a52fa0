"""Figures as people read them, and texts of others made safe to be read."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from apo.language.catalogue import message
from apo.patterns import ACTIVE
from apo.secrecy import redact, without_logins

_ACTIVE = re.compile(f"[{ACTIVE}]")


def printable(text: str) -> str:
    """Make a text safe to be shown: what could move a cursor or turn letters round shows as "�"."""
    return _ACTIVE.sub("\ufffd", text)


def is_printable(text: str) -> bool:
    """Whether a text is safe to be shown as it is."""
    return _ACTIVE.search(text) is None


def clean(text: str) -> str:
    """Make a text fit for a file that is passed on: printable, in UTF-8, without known keys."""
    return printable(without_logins(redact(text))).encode("utf-8", "replace").decode()


def percent(value: float | None) -> str:
    """Write a share in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def points(value: float | None) -> str:
    """Write a difference of shares in points, with its sign."""
    return "–" if value is None else f"{100 * value:+.1f}"


def count(value: float | None) -> str:
    """Write a number as a whole one, with commas; unknown is no zero."""
    return "–" if value is None else f"{value:,.0f}"


def dollars(value: float | None) -> str:
    """Write an amount in US dollars; an unknown one says so."""
    return message("price unknown") if value is None else f"${value:.4f}"


def clock(seconds: float) -> str:
    """Write a duration as minutes:seconds, or hours:minutes:seconds."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def flat(settings: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Settings as pairs of a name with dots and a text; what is not set is left out."""
    found: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found += flat(cast("Mapping[str, Any]", value), f"{above}{name}.")
        elif value not in (None, "", [], ()):
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            found.append((f"{above}{name}", shown[:1000]))
    return found
