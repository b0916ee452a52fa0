"""Which grade a judge's whole reply gives, in its own words: "Score: 4", "I give it a 3", 4/5."""

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

from apo.patterns import late_pattern
from apo.reading.grades import grade_of
from apo.reading.number_words import in_digits

LONGEST = 20_000
"""Characters of a reply that are looked at, its last ones."""

_NUMBER = r"(?<![\d.,/])[-−]?\d{1,6}(?:[.,]\d{1,4})?(?![.,]?\d)"
_POINTS = r"(?:\s?(?:점|points?|pts|marks?|stars?|Punkte?n?|Sternen?|étoiles?)(?![^\W가-힣]))?"
_GRADE = (
    rf"(?:(?P<top>\d{{1,6}})\s?점?\s?(?:만점에서?|만점 중|점 중)\s?)?(?P<grade>{_NUMBER}){_POINTS}"
    r"(?:[ ]?\(?(?:/|⁄|out of|von|sur|of|aus)[ ]?(?:an? )?(?:maximal |max\. |possible )?"
    rf"(?P<of>\d{{1,6}}(?![.,]?\d)){_POINTS}"
    r"|(?P<percent>\s?(?:%|percent|Prozent|pour cent)))?"
    # 3 or 4, 3-4, 3점에서 4점: no one grade.
    rf"(?P<open>(?:\s?[-–~]\s?|\s?점?(?:에서|이나|또는|과|와)?\s?(?:,\s)?(?:to|or|and|bis|oder|und|ou|à|et)?\s)"
    rf"(?:maybe |perhaps )?{_NUMBER}(?!\s?(?:of|out)\b))?"
)
_WRAPPED = r"[\s*_`\"'“”‘’\[\]({<>:：=|+#-]{0,8}"
_FIRST = r"(?:final|overall|total|endgültige?|gesamt|finale|globale|최종|총|종합)"
_NAME = (
    r"(?:scores?|ratings?|rate|grades?|marks?|stars|result|verdict|boxed|bewertung|punkte|punktzahl|note|notes|urteil"
    r"|ergebnis|résultat|évaluation|score|점수|평점|별점|평가|등급|점)"
)
_MARKED = late_pattern(
    rf"(?<![^\W_])(?:(?P<first>{_FIRST})[ ]?(?:{_NAME})?|{_NAME})"
    r"(?:\s(?:obtained|given|awarded|achieved|finale?|totale?|globale?|attribuée|vergeben))?"
    rf"{_WRAPPED}(?:(?:is|are|of|would|should|be|therefore|thus|then|an?|just|ist|lautet|wäre|daher"
    r"|eine?|est|donc|de|은|는)\s){0,3}"
    rf"{_WRAPPED}{_GRADE}",
    re.IGNORECASE,
)
_LEVEL = late_pattern(
    r"(?P<not>(?<![^\W_])(?:not|nicht|pas|reading|language|reach|until)\s(?:(?:at|a|in|auf|au)\s)?)?"
    rf"(?<![^\W_])(?:level|stufe|niveau|band|tier|수준|단계){_WRAPPED}(?:(?:is|ist|est|of|은|는)\s)?"
    rf"{_WRAPPED}{_GRADE}",
    re.IGNORECASE,
)
_GIVEN = late_pattern(
    r"(?P<not>(?:n['’]t|(?<![^\W_])(?:not|never|cannot|nicht|kein\w*|pas|ne))\s+(?:\w+\s+)?)?"
    r"(?<![^\W_])(?:giv(?:e|ing|es)|gave|rat(?:e|ed|ing)|award(?:ed)?|assign(?:ed)?"
    r"|(?:score|grade) (?:it|this)|scored|graded|deserv(?:es?|ing)"
    r"|gets?|earns?|receives?|merits?|worth|(?:lower|raise|reduce|change)\w*|settle|go"
    r"|(?:it|this|that|one)(?:['’]s| is)"
    r"|vergebe|gebe|geben|bewerte|verdient|bekommt|erhält|wären?"
    r"|donne|attribue|accorde|mets|mérite|obtient|vaut)"
    rf"(?=\s)(?:[^\d.!?\n]{{0,60}}?\s)??(?P<article>(?:an?|eine?|un|solid|clear)\s)?[*_`\"'“\[]{{0,4}}{_GRADE}",
    re.IGNORECASE,
)
# "Definitely a 5", "so 4", "a 3 for style"; not "than a 4".
_CASUAL = late_pattern(
    r"(?P<not>(?<![^\W_])(?:not|than|of|nicht|pas)\s)?(?:(?<![^\W_])(?:(?:definitely|clearly|around|about|roughly"
    r"|approximately|say|so|therefore|hence|but)\s(?:it(?:['’]s|\sis)\s)?(?:an?\s)?|an?\s))"
    rf"(?:(?:solid|strong|clear|weak|fair)\s)?[*_]{{0,3}}{_GRADE}",
    re.IGNORECASE,
)
_FAIR = late_pattern(
    rf"(?<![\w.,/-]){_GRADE}\s(?:is|seems|feels|would be)\s"
    r"(?:fair|right|my|appropriate|adequate|justified)\b",
    re.IGNORECASE,
)
_KOREAN = late_pattern(
    rf"(?<![\d점만에]){_GRADE}(?:점|수준|등급)?(?<=[점준급])(?:을|으로|이|짜리)?\s?"
    r"(?:드리|드립|드려|주|줍|줄|부여|평가|매기|매깁|입니다|이다|이에요|예요|[.!\s]*$)"
)
_SHARE = late_pattern(rf"(?<![\w.,/]){_GRADE}", re.IGNORECASE)
# What may follow a grade that is none of a number of things, as in "4 out of 5 claims".
_ENDS = late_pattern(
    r"[*_`\"'”’\])}>]*(?:\s*$|\s*[.,;:!?()<\[\]\n🌟⭐—–-]|\s+(?:for|because|since|as|due|and|but|only|overall|at|in|on|to"
    r"|given|with|here|from|instead|rather|now|da|weil|denn|für|aber|und|wegen|car|parce|pour|mais|et|puisque|à|en|on|stars?)\b|[가-힣])"
)
_SCALE = late_pattern(
    r"\([^()\n]{0,40}(?:scale|skala|échelle)[^()\n]{0,80}\)"
    r"|\(?(?:(?:on|auf|sur)\s)?(?:(?:a|the|einer|der|une)\s)?(?:scale|skala|échelle)[^.\n\d]{0,12}\d+\s?"
    r"(?:-|–|to|bis|à)\s?\d+[^()\d\n]{0,40}?(?:\)|,|(?=\s))|\(\d+\s?[-–~]\s?\d+\)",
    re.IGNORECASE,
)
_START = late_pattern(rf"\W{{0,6}}{_GRADE}[*_`\"'\])]{{0,4}}(?:\s*$|\s?\n|\s?[–—:,]\s|\s[-(])")
_ASPECT = late_pattern(
    rf"\W*(?!confidence|certainty)[^\W\d]{{2,20}}\s?:{_WRAPPED}{_GRADE}\W*", re.I
)
"""A reply that is one name with its grade: "Helpfulness: 4"."""
_FROM = late_pattern(r"(?<![^\W_])from\s(?:an?\s)?\d{1,4}\sto(?=\s)", re.IGNORECASE)
_SURE = late_pattern(
    r"(?:confidence|certainty|확신도|신뢰도|konfidenz|sicherheit|confiance)\W{1,6}$", re.I
)
_QUOTED = late_pattern(r"[\"“„]([^\"“”\n]{2,500})[\"”]")
_STARS = late_pattern(r"[★⭐]️?(?:\s?[★⭐☆]️?)+")


class _Said(NamedTuple):
    """A grade that stands in a reply; without a value where it is open or of another scale."""

    value: Fraction | None
    first: bool = False


def said_grade(reply: str, lowest: Fraction, highest: Fraction) -> Fraction | None:
    """Give the grade of a judge's reply on its scale; None where it gives none or leaves it open.

    A reply that is nothing but a grade; else what stands after "Score:" and the like, first after
    "Final score:" and "Total:", and must be one; else after "Level"; else what it starts with; else
    what it says to give, the last one; else what it says to be out of the highest grade. Numbers
    that count things ("3 of 5 claims") are none, nor those of another scale, and "3 or 4" is none.

    Args:
        reply: the whole reply, or what it marks as its grade.
        lowest: the lowest grade of the scale.
        highest: the highest one.
    """
    text = unicodedata.normalize("NFC", reply[-LONGEST:])
    text = _STARS.sub(_counted, text)
    text = _FROM.sub("to", _SCALE.sub(" ", text))
    text = "".join(map(in_digits, re.split(r"(?<=[.!?\n])(?=\s)", text)))
    whole = grade_of(text)
    if whole:
        return _on(whole[0], whole[1], lowest, highest)
    text = _QUOTED.sub(_unquoted, text)
    for found in (_marked, _levels, _at_start, _given, _shares):
        said = found(text, lowest, highest)
        if said:
            values = {one.value for one in said if one.first} or {one.value for one in said}
            return said[-1].value if len(values) == 1 else None
    return None


def _marked(text: str, lowest: Fraction, highest: Fraction) -> list[_Said]:
    """What stands after a name such as "Score:"."""
    return [
        _Said(_value(match, lowest, highest), bool(match["first"]))
        for match in _MARKED.finditer(text)
        if _ends(text, match)
    ]


def _levels(text: str, lowest: Fraction, highest: Fraction) -> list[_Said]:
    """What stands after the name of a level: "Level 3: meets expectations"."""
    return [
        _Said(_value(match, lowest, highest))
        for match in _LEVEL.finditer(text)
        if not match["not"] and _ends(text, match)
    ]


def _at_start(text: str, lowest: Fraction, highest: Fraction) -> list[_Said]:
    """What the reply starts with, as "4 - mostly right"; "1. Clear" counts items."""
    match = _START.match(text) or _ASPECT.fullmatch(text)
    return [_Said(_value(match, lowest, highest))] if match else []


def _given(text: str, lowest: Fraction, highest: Fraction) -> list[_Said]:
    """The last grade that the reply says to give."""
    matches = [m for pattern in (_GIVEN, _CASUAL, _FAIR, _KOREAN) for m in pattern.finditer(text)]
    denied = {m.end("grade") for m in matches if m.groupdict().get("not")}
    found = [
        match
        for match in matches
        if match.end("grade") not in denied and (match.re in (_FAIR, _KOREAN) or _ends(text, match))
    ]
    found.sort(key=lambda match: match.end("grade"))
    return [_Said(_value(match, lowest, highest)) for match in found[-1:]]


def _shares(text: str, lowest: Fraction, highest: Fraction) -> list[_Said]:
    """Grades that say what they are out of."""
    return [
        _Said(_value(match, lowest, highest))
        for match in _SHARE.finditer(text)
        if (match["of"] or match["top"])
        and _ends(text, match)
        and not _SURE.search(text, max(0, match.start() - 24), match.start())
    ]


def _ends(text: str, match: re.Match[str]) -> bool:
    return bool(match["open"] or _ENDS.match(text, match.end()))


def _value(match: re.Match[str], lowest: Fraction, highest: Fraction) -> Fraction | None:
    if match["open"]:
        return None
    of = match["of"] or match["top"] or ("100" if match["percent"] else None)
    grade = Fraction(match["grade"].replace("−", "-").replace(",", "."))
    return _on(grade, Fraction(of) if of else None, lowest, highest)


def _on(
    grade: Fraction, of: Fraction | None, lowest: Fraction, highest: Fraction
) -> Fraction | None:
    return grade if of in (None, highest) and lowest <= grade <= highest else None


def _unquoted(quoted: re.Match[str]) -> str:
    """A blank for words with a number, which are another's, or a reason in JSON."""
    both = re.search(r"[^\W\d]", quoted[1]) and re.search(r"\d", quoted[1])
    return " " if both else quoted[0]


def _counted(stars: re.Match[str]) -> str:
    """★★★☆☆ as 3/5."""
    full, empty = sum(map(stars[0].count, "★⭐")), stars[0].count("☆")
    return f"{full}/{full + empty}" if empty else str(full)
