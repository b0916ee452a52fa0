"""Numbers as answers write them: 1,234.5, 1.234,56, 5,80,300, -3, 1 1/2, 25%, $5, 3만, 5 kg.

A run of digits with its signs is one number or none: a date, a time, a version, a range, an
address and a list are none, and no part of them is.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from apo.patterns import late_pattern
from apo.reading.answers import marked
from apo.reading.counted import counted_in
from apo.reading.digits import read_digits
from apo.reading.number import KELVIN, Number
from apo.reading.number_signs import accounted, plain_signs
from apo.reading.units import (
    CURRENCY_BEFORE,
    MYRIADS,
    PERCENT,
    SCALE,
    UNIT,
    rate,
    scale_of,
)

_MAX_DIGITS = 300


_SPACE = "[ \u00a0\u202f\u2009]"
_RUN = late_pattern(
    rf"""(?:(?<![\w.,])\.)?\d+
    (?:(?:[.,'’:_/⁄–—~]|-|{_SPACE}?[/⁄]{_SPACE}?|{_SPACE})\d+)*
    (?:[eE][+-]?\d{{1,3}}(?!\w))?""",
    re.VERBOSE,
)
_BEFORE = late_pattern(
    rf"""(?:(?<![\w)\]])(?P<sign>[-−–+])(?=\S))?[ ]?(?P<currency>{CURRENCY_BEFORE})?[ ]?
    (?:(?P<near>(?<![\w)\]])[-−–+]))?$""",
    re.VERBOSE,
)
_MINUS = late_pattern(r"(?:\b(?:minus|negative|moins)[ ]|마이너스[ ]|영하[ ]?)$", re.IGNORECASE)
_AFTER = late_pattern(
    rf"""(?:[ ]?[x×*·][ ]?10(?:\^\{{?(?P<power>[-−]?\d{{1,3}})\}}?|(?P<raised>[⁻⁰¹²³⁴-⁹]{{1,3}})))?
    (?:{_SPACE}?(?P<percent>{PERCENT}))?
    (?:{_SPACE}?(?P<scale>{SCALE}))?
    (?:(?:{_SPACE}|[ ](?:de[ ]|d’|d'|von[ ]))?(?P<unit>{UNIT}))?
    (?:(?:[ ]?/[ ]?|[ ](?:per|pro|par)[ ])(?P<per>{UNIT}))?""",
    re.VERBOSE,
)
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_MONEY_SCALES = {"m": 10**6, "b": 10**9, "t": 10**12}
_MONEY_SCALE = late_pattern(rf"{_SPACE}?([mbt])(?![\w²³])")  # £2.4m is no length.
_BELOW = late_pattern(
    r"[ ]?(?:degrees?|Grad|degrés?|°[CF]?)?[ ]?(?:below (?:zero|0\b)|unter null|au-dessous de zéro"
    r"|en dessous de zéro|sous zéro|sub-?zero)",
    re.IGNORECASE,
)
# What makes a number a part of a word: CO2, GPT-4, 3rd, 4x4, 2nd, item 12b.
_IN_WORD_BEFORE = late_pattern(r"[^\W\d_가-힣ᄀ-ᇿ぀-ヿ㐀-鿿][-–_]?$|[_#√∛]$|sqrt[{(]$")
_IN_WORD_AFTER = late_pattern(
    r"(?:st|nd|rd|th|er|re|e|ème|º|ª|[A-Za-z])(?!\w)|[A-Za-z]+\d|-[A-Za-z]"
    r"|번째|단계|번 문제|am\b|pm\b"
)


def numbers_in(text: str, decimal: str = ".") -> list[Number]:
    """Give the numbers of a text in order: 1,234.5, 1.234,56, -3, 3/4, ½, 25%, $5, 3만, 5 kg.

    Number words alone are not read here, see `number_words`. What is no number as a whole, such as
    2024-05-01, 12:30, 1.2.3 or 10-20, gives none; numbers that are part of a word (CO2,
    3rd) are left out.

    Args:
        text: any text.
        decimal: "." or ",", which of them 1.234 or 1,234 has as decimal sign. Where a text leaves
            no doubt, as in 1.234,56, it does not count.
    """
    text = plain_signs(text)
    found = list[Number]()
    for run in _RUN.finditer(text):
        if found and run.start() < found[-1].end:
            continue  # The 10 and the 8 of 3 × 10^8.
        for number in _read_run(text, run, decimal):
            last = found[-1] if found else None
            joined = _join(text, last, number) if last else None
            if joined:
                found[-1] = joined
            else:
                found.append(number)
    return found


def _join(text: str, last: Number, number: Number) -> Number | None:
    gap = text[last.end : number.start]
    if len(gap) > 5 or number.value < 0 or last.percent or number.percent:
        return None
    if not last.units and text[: last.end].endswith(MYRIADS) and not gap.strip():
        if abs(number.value) < abs(last.value):
            return replace(number, value=last.value + number.value, start=last.start)
        return None
    ratio = number.ratio(last)
    if ratio is None or ratio >= 1 or gap.strip() not in ("", "and", "und", "et"):
        return None
    return replace(last, value=last.value + number.value * ratio, end=number.end)


def _read_run(text: str, run: re.Match[str], decimal: str) -> Iterable[Number]:
    if len(run[0]) > _MAX_DIGITS:  # No answer; and Python refuses to read thousands of digits.
        return
    before, start = text[max(0, run.start() - 12) : run.start()], run.start()
    around = _BEFORE.search(before)
    signs = (around["sign"] or "") + (around["near"] or "") if around else ""
    currency = around["currency"] if around else None
    if around and (signs or currency):
        start -= len(around[0].lstrip())
    lead = text[max(0, start - 12) : start]
    if _IN_WORD_BEFORE.search(lead):
        return
    sign = bool(signs) and "+" not in signs
    minus = _MINUS.search(lead)
    if minus:
        sign, start = True, start - len(minus[0])
    for value, end in read_digits(run[0], decimal):
        number = _with_unit(text, value, run.start() + end, end == len(run[0]), currency)
        if number is None:
            continue
        below = _BELOW.match(text, number.end)
        if below:
            number, sign = replace(number, end=below.end()), not sign
        yield replace(number, value=-number.value if sign else number.value, start=start)
        sign, currency, start = False, None, run.start() + end


def _with_unit(
    text: str, value: Fraction, end: int, last: bool, currency: str | None
) -> Number | None:
    """The number that ends here with what follows it, or None where it is part of a word."""
    short = _MONEY_SCALE.match(text, end) if last and currency else None
    if short:
        return Number(value * _MONEY_SCALES[short[1]], units=rate(currency), end=short.end())
    if last and re.fullmatch(r"(?:1\d|20)\d0s\W?", text[max(0, end - 4) : end + 2]):
        return None  # The 1950s are no year, and no seconds.
    after = _AFTER.match(text, end) if last else None
    if after is None or not after[0]:
        rest = text[end : end + 12]
        in_word = last and _IN_WORD_AFTER.match(rest)
        return None if in_word else Number(value, units=rate(currency), end=end)
    power = after["power"] or (after["raised"] or "").translate(_RAISED)
    if power:
        value *= Fraction(10) ** int(power.replace("−", "-") or 0)
    units = rate(after["unit"] or currency, after["per"])
    if after["scale"] == "K" and after[0][0] != "K" and not units:
        units = KELVIN
    else:
        value *= scale_of(after["scale"] or "")
    return Number(value, bool(after["percent"]), units, end=after.end())


_ABOUT = late_pattern(
    r"(?:[\s*_`\"'“‘(\[$]|[≈~=±]|about|approximately|approx\.?|around|ca\.?|circa|etwa|environ|약"
    r"|total:?|[A-Za-z]\s?=)*",
    re.IGNORECASE,
)
_NOUN = late_pattern(
    r"[\s*_`\"'”’)\]$]*(?:[^\W\d][^\W\d]*\.?(?:[ -][^\W\d]+){0,2})?[\s.!。*_`\"'”’)\]$]*"
)
_NO_NOUN = late_pattern(
    r"\s?(?:am|pm|a\.m|p\.m|Uhr|o.clock|시|월|or|oder|ou|to|bis|à|and|und|et|또는)(?![^\W가-힣])|[가-힣]{0,2}\s?아[니닌닙]"
    r"|[가-힣]{0,2}\s?(?:초과|미만|보다)",
    re.I,
)


def whole_number(text: str, decimal: str = ".", *, bracketed: bool = True) -> Number | None:
    """Give the one number that a text is, or None where it is more or something else.

    A sign, a currency, a percent sign, a scale word, a unit and a noun of three words at most may
    stand with it. Where a text marks its answer (see `answers.marked`), that part is meant.
    (1,037.50) is negative, and so is (42), unless bracketed is false.
    """
    if len(text) > 50_000:
        return None
    text = plain_signs(text)
    for part in (accounted(part, bracketed) for part in (text, *marked(text))):
        found = numbers_in(part, decimal)
        if len(found) != 1:
            continue
        before, after = part[: found[0].start], part[found[0].end :]
        if re.search(r"\d", before + after) or _NO_NOUN.match(after):
            continue
        if len(before + after) < 80 and _ABOUT.fullmatch(before) and _NOUN.fullmatch(after):
            return _counting(found[0], after)
    return None


def _counting(number: Number, after: str) -> Number:
    """The number with what the words after it say that it counts."""
    if number.is_measured:
        return number
    units, words = counted_in(after)
    return replace(number, units=units, counted=words)
