"""Digits with their signs as a value: which sign is the decimal one, and what is no number."""

import re
from collections.abc import Iterator
from fractions import Fraction

from apo.patterns import late_pattern

_BLANK = " \u00a0\u202f\u2009"
_FRACTION = late_pattern(rf"(?:(\d+)[{_BLANK}-])?([\d.,]+)[{_BLANK}]?[/⁄][{_BLANK}]?(\d+)")
_GROUPED = late_pattern(rf"\d{{1,3}}([{_BLANK}'’])\d{{3}}(?:\1\d{{3}})*(?:[.,]\d+)?")
_MONTH = late_pattern(r"(?:0?[1-9]|1[0-2])/(?:19|20)\d\d|0\d+/\d+|\d+/0\d+")
"""A month of a year, as 03/2025 and 3/2025; and no fraction is written with a leading zero."""
_EXPONENT = late_pattern(r"[eE]([+-]?\d{1,3})$")
_ENGLISH = late_pattern(r"(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?:\.\d+)?")
_GERMAN = late_pattern(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_ONE_SIGN = late_pattern(r"(\d*)([.,])(\d+)")
_OPEN = late_pattern(r"(?!0)\d{1,3}[.,]\d{3}")


def read_digits(run: str, decimal: str) -> Iterator[tuple[Fraction, int]]:
    """Yield the values of a run of digits and signs, with where each ends in it.

    That is one value; two where a blank or a minus divides it (12 300 5 is none, as 2024-05-01
    is); or none.
    """
    value = value_of(run, decimal)
    if value is not None:
        yield value, len(run)
        return
    parts = re.split(f"[{_BLANK}-]", run)
    if len(parts) != 2:
        return
    values = [value_of(part, decimal) for part in parts]
    first, second = values
    if "-" in run and (first is None or second is None or first <= second):
        return  # A range, such as 10-20.
    for value, end in zip(values, (len(parts[0]), len(run)), strict=True):
        if value is not None:
            yield value, end


def value_of(text: str, decimal: str = ".") -> Fraction | None:
    """Give the value of digits with signs, such as 1.234,56, 1 1/2 or 1e3, or None.

    Args:
        text: digits and signs alone, without a blank around.
        decimal: "." or ",": what 1.234 and 1,234 have as decimal sign.
    """
    fraction = _FRACTION.fullmatch(text)
    if fraction and _MONTH.fullmatch(text):
        return None
    if fraction:
        top, divisor = value_of(fraction[2], decimal), int(fraction[3])
        if top is None or not divisor:
            return None
        return int(fraction[1] or 0) + top / divisor
    exponent = _EXPONENT.search(text)
    if exponent:
        value = value_of(text[: exponent.start()], decimal)
        return None if value is None else value * Fraction(10) ** int(exponent[1])
    grouped = _GROUPED.fullmatch(text)
    if grouped:
        return Fraction(text.replace(grouped[1], "").replace(",", "."))
    if re.fullmatch(r"\d+", text):
        return Fraction(text)
    return _pointed(text, decimal)


def _pointed(text: str, decimal: str) -> Fraction | None:
    """The value of digits with points and commas."""
    one = _ONE_SIGN.fullmatch(text)
    if one and not (_OPEN.fullmatch(text) and one[2] != decimal):
        return Fraction(f"{one[1] or 0}.{one[3]}")
    if _ENGLISH.fullmatch(text):
        return Fraction(text.replace(",", ""))
    if _GERMAN.fullmatch(text):
        return Fraction(text.replace(".", "").replace(",", "."))
    return None


def decimal_shown(text: str) -> str:
    """Tell the decimal sign that a number shows without doubt: "." or ",", or "" where it is open.

    1.234.567 shows a comma, since its points divide thousands; 1.234 shows nothing.
    """
    for run in re.findall(r"\d[\d.,]*\d", text):
        if _OPEN.fullmatch(run) or run.isdigit():
            continue
        if re.fullmatch(r"\d+\.\d+", run) or _ENGLISH.fullmatch(run):
            return "."
        if re.fullmatch(r"\d+,\d+", run) or _GERMAN.fullmatch(run):
            return ","
    return ""
