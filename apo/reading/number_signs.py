"""Signs of numbers in one form: fractions of one sign, LaTeX, other scripts, 만 2천 as 1만 2천."""

import re
import unicodedata

_LATEX_FRACTION = re.compile(r"\\[dtc]?frac(?:\{(\d+)\}|[ ]?(\d))(?:\{(\d+)\}|[ ]?(\d))")
_LATEX_GROUP = re.compile(r"(?<=\d)(?:\{(,)\}|\\[,;:!])(?=\d{2,3})")
_LATEX_TIMES = re.compile(r"[ ]?\\(?:times|cdot)[ ]?(?=10\^)")
_LATEX_TEXT = re.compile(
    r"(?<=[\d}])[ ]?(?:\\[,;:! ]|~)?[ ]?\\(?:text|mathrm|textrm)\{[ ]?([^{}]{1,30})\}"
)
_RAISED_LETTER = re.compile(r"(?<=[A-Za-z])\^(?:\{(\d)\}|(\d))")
_POWER = re.compile(r"(?<![\d.,x×*·^][ ])(?<![\w.,x×*·^-])10\^(?:\{(\d{1,2})\}|(\d{1,2}))(?![\d.])")
_BARE_SCALE = re.compile(
    r"(?<![\w가-힣.,])(?<!\d )([십백천]만|[십백천만억])"
    r"(?=[ ]?\d{1,4}[ ]?[십백천]|[ ]?원(?![가-힣]{3}))"
)
_VULGAR = {
    **{ord(c): f" {unicodedata.normalize('NFKC', c)}" for c in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"},
    **{ord("٫"): ".", ord("％"): "%", ord("﹣"): "-", ord("－"): "-", ord("＋"): "+"},
}


def plain_signs(text: str) -> str:
    """Bring fractions of one sign, and of LaTeX, to digits; signs of other scripts too; compose."""
    text = unicodedata.normalize("NFC", text)
    text = text.translate(_VULGAR).replace("\\%", "%").replace("\\$", "$")
    text = _LATEX_FRACTION.sub(r"\1\2/\3\4", text)
    text = _LATEX_GROUP.sub(lambda sign: sign[1] or "\u2009", text)
    text = _LATEX_TIMES.sub("×", text)
    text = _LATEX_TEXT.sub(r" \1", text)
    text = _POWER.sub(lambda power: f"1e{power[1] or power[2]}", text)
    text = _BARE_SCALE.sub(r"1\1", text)
    return _RAISED_LETTER.sub(r"\1\2", text)  # The 2 of m^2 is no number, as that of m2.
