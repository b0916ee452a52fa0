"""Grades on a scale, as people and models write them: 4, 4/5, 4 out of 5, **4**, 4점, 4.0."""

import re
from fractions import Fraction

from apo.patterns import late_pattern

_NUMBER = r"[-−]?\d{1,6}(?:[.,]\d{1,4})?"
_POINTS = r"(?:점|points?|punkte?n?|stars?|sternen?|étoiles?|번|수준|단계|등급)?"
_GRADE = late_pattern(
    rf"(?:(?:the|my|final|grade|score|rating|note|punkte|점수|평점|is|of|:|=|a|die)\s*){{0,6}}"
    rf"(?:(?P<top>\d{{1,6}})\s?점?\s?(?:만점에|만점 중|점 중)\s?)?"
    rf"(?P<grade>{_NUMBER})\s?{_POINTS}"
    rf"\s?(?:(?:/|⁄|out of|von|sur|of|aus)\s?(?P<of>{_NUMBER})\s?{_POINTS})?"
    r"(?:\s?(?:입니다|이다|이에요|예요))?",
    re.IGNORECASE,
)
_WRAPPING = " \t\r\n*_`'\"“”‘’«»[](){}<>.!。:"


def grade_of(text: str) -> tuple[Fraction, Fraction | None] | None:
    """Read a text that is nothing but a grade: the grade, and what it says to be out of.

    Quotes, brackets, asterisks and words such as "Grade:" and "points" may stand around it.
    """
    found = _GRADE.fullmatch(text.strip(_WRAPPING)) if len(text) < 200 else None
    if found is None:
        return None
    of = found["of"] or found["top"]
    return _value(found["grade"]), _value(of) if of else None


def _value(text: str) -> Fraction:
    return Fraction(text.replace("−", "-").replace(",", "."))


_NOT_GRADES = (
    r"(?![\d%]|[.,]\d|\s?(?:words?|sentences?|characters?|paragraphs?|자|문장|글자|Wörter|mots))"
)
_NAMED_SCALE = late_pattern(
    r"(?<![\d.,])(-?\d{1,4})\s?점?\s?(?:[-–—~]|to|and|bis|und|à|through|until|에서|부터)"
    rf"\s?(\d{{1,4}}){_NOT_GRADES}",
    re.IGNORECASE,
)
_NAMED_TOP = late_pattern(
    rf"(?:/\s?|out of |von |sur )(\d{{1,4}}){_NOT_GRADES}|(\d{{1,4}})\s?점 ?만점", re.I
)


def other_scale(rubric: str, lowest: int, highest: int) -> str:
    """Give the words of a rubric that name another scale than the setting; "" where none do.

    A range counts as a scale where it starts at 0, 1 or the setting's lowest, or ends at its
    highest.
    """
    for found in _NAMED_SCALE.finditer(rubric):
        low, high = int(found[1]), int(found[2])
        is_scale = low < high and (low in (0, 1, lowest) or high == highest)
        if is_scale and (low, high) != (lowest, highest):
            return found[0].strip()
    for found in _NAMED_TOP.finditer(rubric):
        if int(found[1] or found[2]) != highest:
            return found[0].strip()
    return ""
