"""Signs that rows belong together: the name of a column, values that come again, a growing text."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

_WORDS = (
    *("conversation", "conv", "dialog", "dialogue", "chat", "thread", "session"),
    *("document", "doc", "passage", "template"),
    *("customer", "client", "user", "patient", "speaker", "author"),
    *("gespräch", "sitzung", "dokument", "kunde", "kunden", "kundennummer", "nutzer", "autor"),
    *("dossier", "utilisateur", "auteur"),
)
_KOREAN = (
    "대화",
    "세션",
    "문서",
    "템플릿",
    "고객",
    "회원",
    "사용자",
    "환자",
    "顧客",
    "会話",
    "文書",
)
_NO_GROUP = ("label", "class", "category", "intent", "target", "answer", "row", "example", "sample")
MIN_REPEATED = 0.2
"""Share of the rows whose value another row has as well, from which a column names groups."""
SHORTEST = 20
"""Letters of a text that others are said to continue."""


def group_rank(name: str) -> int | None:
    """How surely a column's name says what rows belong together: 0 the most; None for not."""
    words = [w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_A-Za-z]+", name)]
    for rank, word in enumerate((*_WORDS, *_KOREAN)):
        if word in words or f"{word}s" in words or (word in _KOREAN and word in name):
            return rank
    numbered = len(words) > 1 and words[-1] in ("id", "ids", "key", "no", "번호")
    return len(_WORDS) + len(_KOREAN) if numbered and not {*words} & {*_NO_GROUP} else None


def repeats(counts: Iterable[int]) -> bool:
    """Whether values stand in so many rows each that they name groups."""
    found = [*counts]
    return len(found) > 2 and sum(n for n in found if n > 1) >= MIN_REPEATED * sum(found)


def continued(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Texts that another one continues, as turns of a growing conversation do; with that one."""
    # A history may be written as JSON, which closes what it opened.
    bare = {text.rstrip("]}\"'\n "): text for text in texts}
    order = sorted(bare)
    for one, following in pairwise(order):
        in_word = following[len(one) : len(one) + 1].isalnum() and one[-1:].isalnum()
        if len(one) >= SHORTEST and following.startswith(one) and not in_word:
            yield bare[one], bare[following]
