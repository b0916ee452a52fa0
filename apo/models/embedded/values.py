"""Numbers and dates as people write them, found in running text."""

import re
from dataclasses import dataclass
from datetime import date

from apo.models.embedded.text import listed

_UNITS = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = listed("twenty thirty forty fifty sixty seventy eighty ninety")
_KOREAN = dict(
    zip(
        listed("하나 한 두 둘 세 셋 네 넷 다섯 여섯 일곱 여덟 아홉 열"),
        (1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 10),
        strict=True,
    )
)
_SMALL = {w: i for i, w in enumerate(_UNITS)} | {w: 20 + 10 * i for i, w in enumerate(_TENS)}
_SCALES = {"hundred": 100, "thousand": 1000, "dozen": 12}
_NAME = "|".join(sorted([*_SMALL, *_SCALES], key=len, reverse=True))
_KOREAN_NAME = "|".join(sorted(_KOREAN, key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?<![\w.,])\d{{1,3}}(?:,\d{{3}}){{1,4}}(?:\.\d{{1,6}})?(?![\d,])"
    rf"|(?<!\d)\d{{1,15}}(?:\.\d{{1,6}})?(?!\d)"
    rf"|(?i:\b(?:half a |an? )?(?:{_NAME})(?:(?:[- ]| and )(?:{_NAME}))*\b)"
    rf"|(?<![가-힣])(?:{_KOREAN_NAME})(?= ?[개명권장자마송병대번살켤])"
)
_MONTHS = "january february march april may june july august september october november december"
_MONTH_OF = {name[:3]: i for i, name in enumerate(_MONTHS.split(), 1)}
_MONTH = r"(?P<{0}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})\b",
        r"\b(?P<d>\d{1,2})[./-] ?(?P<m>\d{1,2})[./-] ?(?P<y>\d{4})\b",
        r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)?\.? (?:of )?" + _MONTH.format("n") + r",? (?P<y>\d{4})\b",
        r"\b" + _MONTH.format("n") + r" (?P<d>\d{1,2})(?:st|nd|rd|th)?,? (?P<y>\d{4})\b",
        r"(?P<y>\d{4})년 ?(?P<m>\d{1,2})월 ?(?P<d>\d{1,2})일",
    )
)


@dataclass(frozen=True)
class Found:
    """A value and where it stands in the text.

    Attributes:
        start: offset of its first character.
        end: offset after its last character.
        value: a number as int or float, a date as YYYY-MM-DD, other text as it is written.
    """

    start: int
    end: int
    value: int | float | str


def dates(text: str) -> list[Found]:
    """Find full dates (day, month, year); dotted and slashed ones are read day first."""
    found: list[Found] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            value = _iso(match.groupdict())
            if value and not any(f.start < match.end() and match.start() < f.end for f in found):
                found.append(Found(match.start(), match.end(), value))
    return sorted(found, key=lambda f: f.start)


def _iso(parts: dict[str, str]) -> str:
    month = int(parts["m"]) if parts.get("m") else _MONTH_OF[parts["n"][:3].lower()]
    try:
        return date(int(parts["y"]), month, int(parts["d"])).isoformat()
    except ValueError:
        return ""


def numbers(text: str) -> list[Found]:
    """Find numbers in digits and in English words; parts of dates are left out."""
    taken = dates(text)
    found: list[Found] = []
    for match in _NUMBER.finditer(text):
        if not any(d.start < match.end() and match.start() < d.end for d in taken):
            found.append(Found(match.start(), match.end(), _number(match[0])))
    return found


def _number(written: str) -> int | float:
    if written in _KOREAN:
        return _KOREAN[written]
    if written[0].isdigit():
        plain = written.replace(",", "")
        return float(plain) if "." in plain else int(plain)
    total: float = 0
    part: float = 0.5 if written.lower().startswith("half") else 0
    for word in re.split(r"[- ]", written.lower()):
        if word in _SMALL:
            part += _SMALL[word]
        elif word in _SCALES:
            part = (part or 1) * _SCALES[word]
            total, part = (total + part, 0) if word == "thousand" else (total, part)
    return plain_number(total + part)


def plain_number(value: float) -> int | float:
    """Write a whole float as an int, and round away the noise of binary fractions."""
    return int(value) if value == int(value) else round(value, 6)
