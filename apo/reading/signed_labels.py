"""Labels with a sign, such as -1, +1, <10 and ≥ 18, as an answer may write them."""

import re
from collections.abc import Callable
from functools import lru_cache

from apo.patterns import late_pattern

_MINUS = r"(?:[-−–‒﹣－]\s?|(?:minus|negative|moins)\s|마이너스\s?)"
_PLUS = r"(?:[+＋]\s?|(?:plus|positive)\s|플러스\s?)"
_SIGNED = late_pattern(r"(?P<sign>[-+−–])\s?(?P<rest>\d+)")
_BOUND = late_pattern(r"(?P<sign>[<>≤≥]=?|=[<>])\s?(?P<rest>\S.*)")
_BEFORE = {
    "<": r"(?:less|fewer|lower|smaller|younger) than|under|below|weniger als|unter|moins de|<(?!=)",
    ">": r"(?:more|greater|higher|larger|older) than|over|above|mehr als|über|plus de|>(?!=)",
    "≤": r"at most|up to|no more than|höchstens|bis zu|au plus|≤|<=|=<",
    "≥": r"at least|no less than|mindestens|au moins|≥|>=|=>",
}
_AFTER = {
    "<": "미만",
    ">": "초과",
    "≤": "이하|or (?:less|under|younger)",
    "≥": "이상|or (?:more|over|older)",
}


def respelled(labels: tuple[str, ...]) -> Callable[[str], str]:
    """Give what writes signed labels in a text as they stand in a list, and no others as theirs.

    So "−1" and "minus 1" become -1, "1" becomes +1 where that is a label and 1 is none, and "less
    than 10" becomes <10. A bound that is no label becomes …, since it is not the number in it.
    """
    return _respelled(labels)


@lru_cache(maxsize=256)
def _respelled(labels: tuple[str, ...]) -> Callable[[str], str]:
    changes = [*_signs(labels), *_bounds(labels)]

    def write(text: str) -> str:
        for pattern, change in changes:
            text = pattern.sub(change, text)
        return text

    return write


_Change = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def _signs(labels: tuple[str, ...]) -> list[_Change]:
    changes = list[_Change]()
    for label in sorted(labels, key=lambda label: label.startswith("+")):
        found = _SIGNED.fullmatch(label.strip())
        if found is None:
            continue
        sign = _PLUS if found["sign"] == "+" else _MINUS
        if found["sign"] == "+" and found["rest"] not in labels:
            sign = rf"(?:{sign})?(?<![-−–‒])(?<![-−–‒]\s)(?<!minus\s)(?<!negative\s)"
        pattern = rf"(?<![\w.,)\]]){sign}{found['rest']}(?![\w/%]|[.,]\d)"
        changes.append((re.compile(pattern, re.IGNORECASE), _always(label)))
    return changes


def _always(label: str) -> Callable[[re.Match[str]], str]:
    return lambda _: label


def _bounds(labels: tuple[str, ...]) -> list[_Change]:
    written = dict[tuple[str, str], str]()
    for label in labels:
        found = _BOUND.fullmatch(label.strip())
        if found:
            written[_canonical(found["sign"]), found["rest"].casefold()] = label
    if not written:
        return []
    rests = {rest for _, rest in written} | {label.casefold() for label in labels}
    rest = "|".join(sorted(map(re.escape, rests), key=len, reverse=True))
    before = "|".join(f"(?P<b{i}>{words})" for i, words in enumerate(_BEFORE.values()))
    after = "|".join(f"(?P<a{i}>{words})" for i, words in enumerate(_AFTER.values()))
    pattern = re.compile(
        rf"(?<![\w<>=])(?:{before})\s?(?P<rest>{rest})(?![\w.,]*\d)"
        rf"|(?<![\w.,<>≤≥=])(?P<number>{rest})\s?(?:{after})",
        re.IGNORECASE,
    )

    def change(match: re.Match[str]) -> str:
        sign = next(i for i in range(4) if match[f"b{i}"] or match[f"a{i}"])
        said = (match["rest"] or match["number"]).casefold()
        return written.get(([*_BEFORE][sign], said), "…")

    return [(pattern, change)]


def _canonical(sign: str) -> str:
    return {"<=": "≤", "=<": "≤", ">=": "≥", "=>": "≥"}.get(sign, sign)
