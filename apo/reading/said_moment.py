"""Which date or time an answer gives, and whether a text is one and nothing else."""

import re
import unicodedata

from apo.patterns import late_pattern
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


def order_worded(text: str) -> str:
    """Tell the order of a date that is in words: "dmy" for 15 June 2025, "ymd" for 2025년 6월."""
    if re.search(r"\d\s?[년年]", text):
        return "ymd"
    match = _WORDED.search(text) if len(text) < 100 else None
    return "" if match is None else "dmy" if match["day"] else "mdy"


_WORDED = late_pattern(
    r"(?P<day>(?<!\d)\d{1,2}(?:er|\.|st|nd|rd|th)?\s(?:de |of )?)?(?<![^\W_])[^\W\d_]{3,12}\.?,?\s"
    r"(?(day)|\d{1,2}(?:st|nd|rd|th)?,?\s)(?:de |del )?(?:19|20)\d\d"
)
_AROUND = late_pattern(
    r"[\W_]*(?:(?:on|the|am|den|der|le|el|il|um|at|by|date:?|mon|tue|wed|thu|fri|sat|sun|\w{3,11}day"
    r"|\w{3,8}tag|mittwoch|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|[월화수목금토일]요일"
    r"|[月火水木金土日]曜日?|[월화수목금토일月火水木金土日])[\W_]*){0,3}",
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


_WORD = "or|oder|ou|maybe|perhaps|to|bis(?: zum)?|au|à|또는|혹은|아니면|부터|에서|이나"
_OR = rf"(?:{_WORD}|[~–/-])"
_EITHER = late_pattern(rf"[\s,;]*(?:\([^)]*\))?[\s,;]*(?:{_OR}[\s,;]*)*", re.IGNORECASE)
_BOTH = late_pattern(r"[\s,]*(?:and|und|et|과|와)\s*(?:the|dem|le)?\s*", re.IGNORECASE)
_BETWEEN = late_pattern(r"(?:between|zwischen|entre)\s+(?:the |dem |le )?$", re.IGNORECASE)
_ONE_OF = late_pattern(r"\s?(?:사이|중\b|가운데)")
_NTH = r"(?:st|nd|rd|th|er|[.일])?"
# 14 or 15 November; 11월 15일 또는 16일: a day of two.
_DAY_BEFORE = late_pattern(
    rf"(?<![\w.,/-])\d{{1,2}}{_NTH}\s?(?:{_OR}|and|und|et)\s?(?:the\s|le\s|den\s|dem\s)?$",
    re.IGNORECASE,
)
_DAY_AFTER = late_pattern(
    rf"\s?(?:\([^)]*\)\s?)?(?:(?:{_WORD})\s?(?:(?:the|le|den|am)\s)?\d{{1,2}}{_NTH}"
    r"|[~–/-]\d{1,2}|\s?[~–-]\s?\d{1,2}일)(?![^\W가-힣]|[/:-])",
    re.IGNORECASE,
)
# The day after a date is another one, and so is one of another calendar.
_OFF_BEFORE = late_pattern(
    r"(?:(?:days?|weeks?|months?|years?|tage?n?|wochen?|jours?|semaines?|mois)\s"
    r"(?:after|before|following|prior to|from|nach|vor|après|avant)|lendemain|veille"
    r"|^\W*(?:before|after|prior to|vor|nach|avant|après)|음력|lunar)\s+"
    r"(?:the\s|dem\s|le\s|du\s)?$",
    re.IGNORECASE,
)
_OFF_AFTER = late_pattern(
    r"\s?(?:의|로부터)?\s?(?:(?:다음|이튿|전)\s?날"
    r"|(?:하루|이틀|\d+\s?[일주년]|한 달)\s?(?:전|후|뒤)|이전|이후"
    r"|[전후](?:에|까지|입니다)?(?![가-힣]))"
)


def moment_in(text: str, order: str = "") -> Moment | None:
    """Give the date or time that an answer gives: the whole, the marked one, else its last one.

    None where there is none, or where it leaves open which of two it is ("14 or 15 November"). A
    denied date is none, nor one from which another is told, as in "the day after November 15".
    """
    whole = whole_moment(text, order)
    if whole:
        return whole
    text = unicodedata.normalize("NFC", text)[-LONGEST:]
    for part in (*marked(text), text):
        found = moments_in(part, order)
        if not found:
            continue
        kept = [m for m in found if not is_denied(part, m.start, m.end) and not _is_off(part, m)]
        if len(kept) > 1 and _is_one_of(part, kept[-2], kept[-1]):
            return None
        if kept:
            return None if _is_of_two_days(part, kept[-1]) else kept[-1]
    return None


def _is_one_of(text: str, one: Moment, other: Moment) -> bool:
    gap = text[one.end : other.start]
    if one.date == other.date:
        return False
    if len(gap) < 24 and gap.strip() and _EITHER.fullmatch(gap):
        return True
    return bool(_BOTH.fullmatch(gap)) and bool(
        _BETWEEN.search(text[max(0, one.start - 20) : one.start])
        or _ONE_OF.match(text[other.end : other.end + 8])
    )


def _is_of_two_days(text: str, moment: Moment) -> bool:
    before, after = text[max(0, moment.start - 20) : moment.start], text[moment.end :][:30]
    return bool(moment.day and (_DAY_BEFORE.search(before) or _DAY_AFTER.match(after)))


def _is_off(text: str, moment: Moment) -> bool:
    before, after = text[max(0, moment.start - 40) : moment.start], text[moment.end :][:16]
    is_date = moment.day and moment.seconds is None
    return bool(is_date and (_OFF_BEFORE.search(before) or _OFF_AFTER.match(after)))
