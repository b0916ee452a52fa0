"""Signs of numbers in one form: fractions of one sign, LaTeX, other scripts, 만 2천 as 1만 2천."""

import re
import unicodedata
from fractions import Fraction

from apo.patterns import late_pattern

_LATEX_FRACTION = late_pattern(r"\\[dtc]?frac(?:\{(\d+)\}|[ ]?(\d))(?:\{(\d+)\}|[ ]?(\d))")
_LATEX_GROUP = late_pattern(r"(?<=\d)(?:\{(,)\}|\\[,;:!])(?=\d{2,3})")
_LATEX_TIMES = late_pattern(r"[ ]?\\(?:times|cdot)[ ]?(?=10\^)")
_LATEX_TEXT = late_pattern(
    r"(?<=[\d}])[ ]?(?:\\[,;:! ]|~)?[ ]?\\(?:text|mathrm|textrm)\{[ ]?([^{}]{1,30})\}"
)
_RAISED_LETTER = late_pattern(r"(?<=[A-Za-z])\^(?:\{(\d)\}|(\d))")
_POWER = late_pattern(
    r"(?<![\d.,x×*·^][ ])(?<![\w.,x×*·^-])10\^(?:\{(\d{1,2})\}|(\d{1,2}))(?![\d.])"
)
_BARE_SCALE = late_pattern(
    r"(?<![\w가-힣.,])(?<!\d )([십백천]만|[십백천만억])"
    r"(?=[ ]?\d{1,4}[ ]?[십백천]|[ ]?원(?![가-힣]{3}))"
)
_VULGAR = {
    **{ord(c): f" {unicodedata.normalize('NFKC', c)}" for c in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"},
    **{
        ord("٫"): ".",
        ord("٬"): ",",
        ord("△"): "-",
        ord("▽"): "-",
        ord("▼"): "-",
        ord("％"): "%",
        ord("﹣"): "-",
        ord("－"): "-",
        ord("＋"): "+",
    },
}
_OTHER_DIGIT = late_pattern(r"(?![0-9])\d")
_WIDE_SIGN = late_pattern(r"(?<=\d)[，．](?=\d)")
_RAISED = late_pattern(r"(?<![\d.,])(\d{1,12}(?:\.\d{1,12})?)([⁻⁺]?[⁰¹²³⁴-⁹]{1,2})")
_RAISED_DIGITS = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "-+0123456789")
_TIMES_BEFORE = late_pattern(r"[x×*·][ ]?$")
# In brackets, or with the minus behind, as accountants write what is lost; nothing else is there.
_ACCOUNT = late_pattern(
    r"([\s*_`]*)(?:([^\w\s()*_`]|[A-Z]{2,3})?[ ]?\("
    r"((?:[^\w\s()]|[A-Z]{2,3})?[ ]?\d[\d.,'’ ]*(?:[ ]?[^\d().]{1,9})?)\)"
    r"([ ]?[^\d()]{0,12})|([^\w\s()+−-]?[ ]?\d[\d.,'’ ]*)[-−]([ ]?[^\W\d]{0,3}[^\w\s]?))[\s*_`.]*"
)


def accounted(text: str, bracketed: bool = True) -> str:
    """Write a number in an accountant's brackets, and nothing else, with a minus: (1,037.50).

    Where bracketed is false, (42) stays, as brackets alone do not tell an account.
    """
    found = _ACCOUNT.fullmatch(text) if len(text) < 80 else None
    if found is None or not (bracketed or re.search(r"\d[.,]\d|[^\w\s()*_`.]|[A-Z]{3}", text)):
        return text
    currency, inner, after = found[2] or "", found[3] or found[5], found[4] or found[6] or ""
    return f"{found[1]}-{currency}{inner}{after}"


def _raise(match: re.Match[str]) -> str:
    if _TIMES_BEFORE.search(match.string, max(0, match.start() - 2), match.start()):
        return match[0]  # 3 × 10⁸ is read as a whole.
    value = Fraction(match[1])
    return str(value ** int(match[2].translate(_RAISED_DIGITS))) if value else match[0]


def plain_signs(text: str) -> str:
    """Bring fractions of one sign, and of LaTeX, to digits; signs of other scripts too; compose."""
    text = unicodedata.normalize("NFC", text)
    text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    text = _WIDE_SIGN.sub(lambda sign: "," if sign[0] == "，" else ".", text)
    text = _RAISED.sub(_raise, text)
    text = text.translate(_VULGAR).replace("\\%", "%").replace("\\$", "$")
    text = _LATEX_FRACTION.sub(r"\1\2/\3\4", text)
    text = _LATEX_GROUP.sub(lambda sign: sign[1] or "\u2009", text)
    text = _LATEX_TIMES.sub("×", text)
    text = _LATEX_TEXT.sub(r" \1", text)
    text = _POWER.sub(lambda power: f"1e{power[1] or power[2]}", text)
    text = _BARE_SCALE.sub(r"1\1", text)
    return _RAISED_LETTER.sub(r"\1\2", text)  # The 2 of m^2 is no number, as that of m2.
