"""Which of its numbers an answer gives as its answer."""

import re
from itertools import pairwise

from apo.patterns import late_pattern
from apo.reading.answers import marked
from apo.reading.number import Number
from apo.reading.number_signs import plain_signs
from apo.reading.number_words import in_digits
from apo.reading.numbers import numbers_in, whole_number

# What stands before a number that is not the answer: a label, a share of what, a denial.
_ASIDE = late_pattern(
    r"(?:\b(?:step|question|figure|fig\.|table|page|chapter|section|problem"
    r"|schritt|frage|seite|étape|no\.|nr\.|per|pro|out of|not|nicht|pas|instead of|rather than"
    r"|statt|au lieu de)|/)\s*(?:\S\s?)?$",
    re.IGNORECASE,
)
# A bound that the number is not: more than 15, under $15, x > 15; "> 15" is a quotation.
_BOUND = late_pattern(
    r"(?:(?<![^\W_])(?:(?:more|less|fewer|greater|larger|higher|lower|smaller|bigger) than"
    r"|over|under|above|below|beyond|mehr als|weniger als|größer als|kleiner als|über|unter"
    r"|plus de|moins de|supérieur à|inférieur à)"
    r"|(?<![\s<>=-])[ \t]{1,2}[<>]|(?<![\w<>/])[a-z][<>]|^[<>])"
    r"(?<!^[<>]\s)\s?(?:[^\w\s<>]\s?)?$",
    re.IGNORECASE,
)
_BOUND_AFTER = late_pattern(r"[가-힣]{0,3}\s?(?:초과|미만|보다 |[이가을를]\s?넘|이 안)")
# How sure the answer is of its number.
_SURE = late_pattern(
    r"(?:confidence|certainty|probability|how sure|확신도|신뢰도|확률"
    r"|konfidenz|sicherheit|confiance)"
    r"(?:[ _](?:score|level))?[\W_]{0,6}(?:(?:is|of|ist|est)\s)?$",
    re.IGNORECASE,
)
_SURE_AFTER = late_pattern(r"\s?(?:confiden|certain\b|sure\b|sicher\b|확신)", re.IGNORECASE)
_DENIED = late_pattern(r"\s?[가-힣]{0,2}[이가은는]?\s?(?:아니(?!면)|아닌|아닙|말고)")
_EITHER = late_pattern(r"\s*[^\W\d_]{0,12}\s*(?:\b(?:or|oder|ou|to|bis|à)\b|또는|혹은|~|–)\s*")
_LIST = late_pattern(r"\s?(?:[,;、]|and|und|et|&|\|)\s?(?:and\s|und\s|et\s)?")
_BRACKET = late_pattern(r"(?<!\\)[()]|\n")
_ITEM = late_pattern(r"(?:^|\n)[ \t>]*$")
_ITEM_END = late_pattern(r"[.)]\s+\S")

# 42 [1]: a source; in "3 + 39 = [42]" the brackets hold the answer.
_CITED = late_pattern(r"(?<=[\w.!?%])(?:(?<=[\d.!?%])[ ])?(?:\[\d{1,3}(?:[,–-][ ]?\d{1,3})*\])+")
_IN_YEAR = late_pattern(
    r"\b(?:in|im Jahre?|en|since|seit|depuis|by|as of|during|of)(?: the year)?\s$", re.IGNORECASE
)


LONGEST = 50_000
"""Characters of an answer that are looked at, its last ones."""


def number_in(text: str, decimal: str = ".", like: Number | None = None) -> Number | None:
    """Give the number that an answer gives, or None where it gives none or leaves it open.

    The whole answer, where it is one; the marked number (see `marked`): in a marked line that is
    the one after the last "=", the one that the line starts with, or the last one. Else the last
    that has the form asked for, and else the last one. Numbers of lists and of steps, denied
    ones, bounds ("more than 15"), those that say how sure it is, those in brackets, and those
    between which "or" stands are not the answer's. Where a part has no digits, its numbers in
    words count: see `in_digits`.

    Args:
        text: the answer.
        decimal: see `numbers_in`.
        like: a number of the form that is asked for: with its kind of unit, or with percent.
    """
    text = _uncited(text)
    negative = like is None or like.value < 0
    whole = whole_number(in_digits(text), decimal, bracketed=negative)
    if whole:
        return whole
    text = plain_signs(text[-LONGEST:])
    for part in map(in_digits, marked(text)):
        tail = part.rpartition("=")[2]
        found = _values(tail, decimal, like) or _values(part, decimal, like)
        if found:
            starts = re.match(r"[^\w.]{0,6}\.?\d", tail)
            return found[0] if starts else found[-1]
        if _leaves_open(part, decimal):
            return None
    found = _values(in_digits(text), decimal, like)
    alike = [number for number in found if like and number.is_like(like)]
    found = alike or found
    return found[-1] if found else None


def _leaves_open(text: str, decimal: str) -> bool:
    found = numbers_in(text, decimal)
    return any(_EITHER.fullmatch(text[a.end : b.start][:40]) for a, b in pairwise(found))


def _values(text: str, decimal: str, like: Number | None) -> list[Number]:
    """The numbers that may be the answer: see `number_in`."""
    found = numbers_in(text, decimal)
    gaps = [text[a.end : b.start][:40] for a, b in pairwise(found)]
    listed = [bool(_LIST.fullmatch(gap)) for gap in gaps]
    dropped = set[int]()
    for i, gap in enumerate(gaps):
        if _EITHER.fullmatch(gap):
            dropped |= {i, i + 1}
        if listed[i] and (
            any(listed[max(0, i - 1) : i] + listed[i + 1 : i + 2]) or len(found) == 2
        ):
            dropped |= {i, i + 1}
    kept = [
        number
        for i, number in enumerate(found)
        if i not in dropped
        and not _BOUND.search(text[max(0, number.start - 16) : number.start])
        and not _BOUND_AFTER.match(text[number.end : number.end + 12])
        and not _ASIDE.search(text[max(0, number.start - 16) : number.start])
        and not _DENIED.match(text[number.end : number.end + 12])
    ]
    kept = [n for n in kept if not _is_sure(text, n)] or kept
    if not (like and 1900 <= like.value < 2100):
        kept = [n for n in kept if not _is_year(text, n)] or kept
    kept = [n for n in kept if not _is_bracketed(text, n)] or kept
    return [n for n in kept if not _is_item(text, n)] or kept


def _uncited(text: str) -> str:
    """A text without the marks of its sources, as long as a number is left."""
    rest = _CITED.sub("", text[-LONGEST:]) if "[" in text else text
    return rest if re.search(r"\d", rest) else text


def _is_year(text: str, number: Number) -> bool:
    """Whether a number only says when: 42 in 2024."""
    said = text[number.start : number.end]
    before = text[max(0, number.start - 16) : number.start]
    return bool(re.fullmatch(r"(?:19|20)\d\d", said) and _IN_YEAR.search(before))


def _is_sure(text: str, number: Number) -> bool:
    """Whether a number says how sure the answer is: "Confidence: 9/10", "90% sure"."""
    before, after = text[max(0, number.start - 40) : number.start], text[number.end :][:12]
    return bool(_SURE.search(before) or _SURE_AFTER.match(after))


def _is_bracketed(text: str, number: Number) -> bool:
    """Whether a number stands in brackets: "$1,299 (incl. $99 shipping)"."""
    before = text[max(0, number.start - 120) : number.start]
    return any(sign[0] == "(" for sign in _BRACKET.findall(before)[-1:])


def _is_item(text: str, number: Number) -> bool:
    """Whether a number only counts the items of a list."""
    before = text[max(0, number.start - 8) : number.start]
    return bool(_ITEM.search(before) and _ITEM_END.match(text[number.end : number.end + 5]))
