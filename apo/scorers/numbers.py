"""Numbers as answers write them: 1,234.5, -3, 3/4, 1 1/2, ½, 25%, $5, 1e3."""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from apo.scorers.answers import marked

_MAX_DIGITS = 300


@dataclass(frozen=True)
class Number:
    """A number as a text has it: its exact value before any percent sign, and that sign."""

    value: Fraction
    percent: bool = False

    def near(self, other: "Number", tolerance: Fraction) -> bool:
        """Whether both are the same number, give or take the tolerance.

        25% is 25%, and, as texts are free with the sign, also 25 and 0.25.
        """
        gaps = [abs(self.value - other.value)]
        if self.percent != other.percent:
            mine = self.value / 100 if self.percent else self.value
            its = other.value / 100 if other.percent else other.value
            gaps.append(abs(mine - its))
        return min(gaps) <= tolerance


_NUMBER = re.compile(
    r"""(?:(?<![\w)\]])(?P<sign>[-−][$€£¥₩]?|[$€£¥₩][-−]))?
    (?:(?P<mixed>\d+)[ ](?=\d+[ ]?[/⁄][ ]?\d))?
    (?=\.?\d)(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?P<decimals>\.\d+)?
    (?:[eE](?P<exponent>[+-]?\d{1,3})(?!\w))?
    (?:[ ]?[/⁄][ ]?(?P<divisor>\d+))?
    (?P<percent>[ ]?(?:%|％|percent\b|per[ ]cent\b|퍼센트))?""",
    re.VERBOSE,
)
_LATEX_FRACTION = re.compile(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}")
_VULGAR = {ord(c): f" {unicodedata.normalize('NFKC', c)}" for c in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}


def numbers_in(text: str) -> list[Number]:
    """Give the numbers of a text in order: 1,234.5, -3, 3/4, 1 1/2, ½, 25%, $5, 1e3.

    A comma separates thousands where three digits follow it, and else two numbers. Number words
    and 만 or 억 are not read.
    """
    text = _LATEX_FRACTION.sub(r"\1/\2", text.translate(_VULGAR))
    found = (_read_number(match) for match in _NUMBER.finditer(text))
    return [number for number in found if number is not None]


def _read_number(match: re.Match[str]) -> Number | None:
    if len(match[0]) > _MAX_DIGITS:  # No answer; and Python refuses to read thousands of digits.
        return None
    value = Fraction((match["whole"] or "0").replace(",", "") + (match["decimals"] or ""))
    value *= Fraction(10) ** int(match["exponent"] or 0)
    if match["divisor"]:
        if int(match["divisor"]) == 0:
            return None
        value /= int(match["divisor"])
    value += int(match["mixed"] or 0)
    return Number(-value if match["sign"] else value, bool(match["percent"]))


def number_in(text: str) -> Number | None:
    """Give the number that an answer gives: the marked one (see `marked`), else its last.

    In a marked line that is the one after the last "=", the one that the line starts with, or
    the last one.
    """
    for part in marked(text):
        tail = part.rpartition("=")[2]
        found = numbers_in(tail) or numbers_in(part)
        if found:
            starts = re.match(r"[^\w.]{0,6}\.?\d", tail)
            return found[0] if starts else found[-1]
    found = numbers_in(text)
    return found[-1] if found else None
