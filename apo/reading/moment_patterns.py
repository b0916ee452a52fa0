"""What dates and times of day look like, with the names of months in several languages."""

import re
from functools import cache
from typing import cast

from apo.patterns import late_pattern

_LOCALES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs", "tr", "ru"),
    *("id", "hi"),
)


ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911}
"""The years before the first one of each Japanese era."""


@cache
def months() -> dict[str, int]:
    """Names of months, long and short, in several languages."""
    from babel.dates import get_month_names

    found = dict[str, int]()
    for locale in _LOCALES:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                names = cast("dict[int, str]", get_month_names(width, context, locale))
                found |= {name.casefold().strip("."): number for number, name in names.items()}
    return {name: number for name, number in found.items() if not name[:1].isdigit()}


@cache
def date_patterns() -> tuple[re.Pattern[str], ...]:
    """What dates look like; the third is that of 15/06/2025."""
    names = "|".join(sorted(map(re.escape, months()), key=len, reverse=True))
    month = rf"(?<![^\W\d_])(?P<name>{names})(?![^\W\d_])\.?"
    nth = r"(?:st|nd|rd|th|er|re|º|°|\.)?"
    year = r"(?P<year>\d{4})(?!\d)"
    gap = r"[ \u00a0,/-]{1,3}(?:of |de |del )?"
    texts = (
        # 2025-11-15, 2025. 11. 15., 2025년 11월 15일
        r"(?<![\d.])(?P<year>\d{4}(?!\d)|\d{2}(?=\s?[년年]))\s?[-/.년年]\s?(?P<month>\d{1,2})(?!\d)"
        r"(?:\s?[-/.월月]\s?(?P<day>\d{1,2})(?:\s?[일日号]|(?![\d:]))|\s?[월月]|(?![-/.\d]))",
        r"(?<![\d.,/-])(?P<year>(?:19|20)\d\d)(?P<month>[01]\d)(?P<day>[0-3]\d)(?![\d.,/-]\d|\d)",
        r"(?<![\d./-])(?P<first>\d{1,2})(?P<sign>[./-])\s?(?P<second>\d{1,2})(?P=sign)\s?"
        r"(?P<third>\d{4}|\d{2})(?![\d/-]|\.\d)",
        rf"(?<![\d.])(?P<day>\d{{1,2}}){nth}(?:{gap}|(?<=[\d.])){month}(?:(?:{gap})?{year})?",
        rf"(?<![\d.])(?P<day>\d{{1,2}})[-/.]{month}[-/.](?P<year>\d{{2}})(?![\d.,/-])",
        rf"{month}{gap}(?P<day>\d{{1,2}}){nth}(?![\d:])(?:{gap}(?:{year}|['’](?P<short>\d{{2}})(?!\d)))?",
        rf"{month}{gap}{year}",
        rf"(?<!\d){year},?{gap}{month}{gap}(?P<day>\d{{1,2}}){nth}(?![\d:])",
        r"(?<![\d./-])(?P<month>0?[1-9]|1[0-2])[/.-](?P<year>(?:19|20)\d\d)(?![\d/-]|\.\d)",
        r"(?<!\d)(?P<month>\d{1,2})\s?[월月]\s?(?P<day>\d{1,2})\s?[일日号]",
        rf"(?P<era>{'|'.join(ERAS)})\s?(?P<of_era>\d{{1,2}}|元)年\s?(?P<month>\d{{1,2}})月"
        r"(?:\s?(?P<day>\d{1,2})日)?",
    )
    return tuple(re.compile(text, re.IGNORECASE) for text in texts)


ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 60, "WEST": 60, "CET": 60, "MEZ": 60, "CEST": 120,
    "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "IST": 330, "SGT": 480, "HKT": 480,
    "KST": 540, "JST": 540, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780, "BRT": -180,
    "ART": -180, "AST": -240, "EDT": -240, "EST": -300, "CDT": -300, "CST": -360, "MDT": -360,
    "MST": -420, "PDT": -420, "PST": -480,
}  # fmt: skip
"""Minutes that the zones of these names are ahead of UTC, of several the best known."""
SEASONS = {
    "eastern": (-300, -240), "central": (-360, -300), "mountain": (-420, -360),
    "pacific": (-480, -420),
}  # fmt: skip
"""Minutes that places of these names are ahead of UTC, in winter and in summer."""
_SHORT = {"et": "eastern", "ct": "central", "mt": "mountain", "pt": "pacific"}


def place_named(text: str) -> str:
    """Give the place of "ET", "Eastern time" or "New York time" in one form; "" for ""."""
    name = text.casefold().removesuffix(" time").removesuffix(" 시간").strip()
    return _SHORT.get(name, name)


_ZONE = (
    rf"(?:\s?\(?(?P<zone>(?:UTC|GMT)\s?[-+−]\d{{1,2}}(?::?\d{{2}})?|[+-]\d{{2}}:?\d{{2}}"
    rf"|(?-i:{'|'.join(sorted(ZONES, key=len, reverse=True))})|Z|UTC|GMT)(?![^\W_가-힣])\)?"
    r"|\s?\(?(?P<place>(?-i:[A-Z][^\W\d_]+\s(?:[A-Z][^\W\d_]+\s){0,2})(?:time|Zeit)\b|(?-i:[ECMP]T)\b"
    r"|(?:local|eastern|central|mountain|pacific)(?: time)?\b|Ortszeit"
    r"|heure (?:de (?-i:[A-Z])\w+|locale)"
    r"|[가-힣]{2,5}\s시간)\)?)?"
)
TIMES = tuple(
    late_pattern(text, re.IGNORECASE)
    for text in (
        rf"(?:(?P<half>오전|오후)\s?)?(?<![\d:.])(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?![\d])"
        rf"(?::(?P<second>\d{{2}}(?:\.\d{{1,9}})?))?(?:\s?(?P<m>[ap])\.?m\b\.?)?{_ZONE}(?!:\d)",
        rf"(?<![\d:.])(?P<hour>\d{{1,2}})\s?(?P<m>[ap])\.?m\b\.?{_ZONE}",
        r"(?<![\d:.])(?P<hour>\d{1,2})(?:[.:](?P<minute>\d{2}))?\s?Uhr(?:\s(?P<after>\d{1,2}))?(?!\w)"
        + _ZONE,
        r"(?<![\d:.])(?P<hour>\d{1,2})\s?h\s?(?P<minute>\d{2})?(?![\w])",
        r"(?:(?P<half>오전|오후|午前|午後)\s?)?(?<!\d)(?P<hour>\d{1,2})\s?(?:시(?!간)|時(?!間))"
        r"(?:\s?(?P<minute>\d{1,2})\s?[분分])?" + _ZONE,
    )
)
"""What times of day look like."""
