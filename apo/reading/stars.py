"""Labels that are rows of stars, such as ★★★☆☆ and ⭐⭐⭐, as an answer may write them."""

import re
from collections.abc import Callable
from functools import lru_cache

from apo.patterns import late_pattern

_FULL, _EMPTY = "★⭐🌟", "☆✩"
_ROW = late_pattern(rf"(?=.)([{_FULL}]*)([{_EMPTY}]*)")
_STARS = late_pattern(rf"(?=[{_FULL}{_EMPTY}])((?:[{_FULL}]\ufe0f?)*)((?:[{_EMPTY}]\ufe0f?)*)")
_WORD = "stars?|sterne?n?|étoiles?|estrellas?|stelle|점|つ星|星"
_SAID = late_pattern(
    rf"(?<![\w.,/])(\d{{1,2}})(?:[.,]0)?(?:[ -]?(?:{_WORD})(?![^\W가-힣])"
    rf"|\s?(?:/|out of|von|sur)\s?(\d{{1,2}})(?:[ -]?(?:{_WORD}))?(?![\w/]|[.,]\d))"
    r"|(?:별점?|星)\s?(\d{1,2})(?:\s?[개つ점])?(?![\d.,])",
    re.IGNORECASE,
)


def starred(labels: tuple[str, ...]) -> Callable[[str], str] | None:
    """Give what writes stars of a text as the label of as many: ★★★, "3 stars", 3/5, 별 3개.

    A row of stars or a share of another length than the scale has is written as "…".

    Returns:
        None where the labels are not all rows of stars, of which each has another number.
    """
    return _starred(labels)


@lru_cache(maxsize=256)
def _starred(labels: tuple[str, ...]) -> Callable[[str], str] | None:
    rows = [_ROW.fullmatch(label.strip().replace("\ufe0f", "")) for label in labels]
    by_number = {len(row[1]): label for row, label in zip(rows, labels, strict=True) if row}
    if len(by_number) < len(labels):
        return None
    lengths = {len(label.strip().replace("\ufe0f", "")) for label in labels}
    highest = max(lengths)

    def row(match: re.Match[str]) -> str:
        full, empty = (match[i].replace("\ufe0f", "") for i in (1, 2))
        of = highest if not empty else len(full + empty)
        return by_number.get(len(full), "…") if of == highest else "…"

    def said(match: re.Match[str]) -> str:
        if match[2] and int(match[2]) != highest:
            return "…"
        return by_number.get(int(match[1] or match[3]), "…")

    def write(text: str) -> str:
        if re.fullmatch(r"\W*\d{1,2}(?:[.,]0)?\W*", text):
            return by_number.get(int(re.findall(r"\d+", text)[0]), "…")
        return _SAID.sub(said, _STARS.sub(row, text))

    return write
