"""Which date or time an answer gives, and whether a text is one and nothing else."""

import re
import unicodedata

from apo.reading.answers import marked
from apo.reading.denial import is_denied
from apo.reading.moment_patterns import date_patterns
from apo.reading.moments import Moment, moments_in

LONGEST = 50_000
"""Characters of an answer that are looked at, its last ones."""


def order_shown(text: str) -> str:
    """Tell the order that a date shows without doubt: "dmy" for 15/06/2025, else "mdy" or ""."""
    match = date_patterns()[2].search(text) if len(text) < 100 else None
    if match is None:
        return ""
    first, second = int(match["first"]), int(match["second"])
    return "dmy" if first > 12 >= second else "mdy" if second > 12 >= first else ""


_AROUND = re.compile(
    r"[\W_]*(?:(?:on|the|am|den|der|le|el|il|um|at|by|date:?|mon|tue|wed|thu|fri|sat|sun|\w{3,11}day"
    r"|\w{3,8}tag|mittwoch|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|[월화수목금토일]요일"
    r"|[월화수목금토일])[\W_]*){0,3}",
    re.IGNORECASE,
)


def whole_moment(text: str, order: str = "") -> Moment | None:
    """Give the one date or time that a text is, or None; a weekday may stand with it."""
    if len(text) > 5_000:
        return None
    text = unicodedata.normalize("NFC", text)
    for part in (text, *marked(text)):
        found = moments_in(part, order)
        if len(found) == 1:
            before, after = part[: found[0].start], part[found[0].end :]
            if _AROUND.fullmatch(before) and _AROUND.fullmatch(after):
                return found[0]
    return None


_EITHER = re.compile(r"\s*(?:or|oder|ou|to|bis|à|또는|혹은|부터|~|–|-)\s*")


def moment_in(text: str, order: str = "") -> Moment | None:
    """Give the date or time that an answer gives: the whole, the marked one, else its last one.

    None where there is none, or where "or" stands between the last two.
    """
    whole = whole_moment(text, order)
    if whole:
        return whole
    text = unicodedata.normalize("NFC", text)[-LONGEST:]
    for part in (*marked(text), text):
        found = moments_in(part, order)
        kept = [m for m in found if not is_denied(part, m.start, m.end)]
        if len(found) > 1 and _EITHER.fullmatch(part[found[-2].end : found[-1].start][:12]):
            return None
        if kept:
            return kept[-1]
    return None
