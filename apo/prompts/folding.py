"""Texts without what does not count when two are compared, and how much a text says."""

import re

from apo.patterns import late_pattern
from apo.reading.characters import common, composed, untypeset

WIDE = late_pattern("[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]")
"""Hangul, kana and Chinese characters: each says as much as some letters of an alphabet."""
WIDE_WORTH = 2.5
"""Letters that such a character is worth: the same text takes about so many more in English."""

_SIGNS = (
    r"[\s_!\"#%&'()*,\-./:;?@\[\\\]{}¡§«·»¿"
    r"\u2010-\u2027\u2030-\u205e\u3001-\u303f\uff01-\uff0f\uff1a\uff1b\uff1f]+"
)
_BETWEEN_WORDS = late_pattern(rf"(?<!\d){_SIGNS}|{_SIGNS}(?!\d)")


def letters(text: str) -> str:
    """Keep letters and digits alone, in one case: a copy is found however it was set."""
    return re.sub(r"[\W_]+", "", composed(common(text).casefold()))


def rough(text: str) -> str:
    """Fold case, blanks, punctuation and how letters are set; signs between digits still count.

    So do sums and emoji. Letters of full width, ligatures and letters in parts (NFD) are the same.
    """
    text = composed(untypeset(text).casefold())
    return _BETWEEN_WORDS.sub("", " ".join(text.split()))


def worth(text: str) -> float:
    """How much a text of letters says, counted in letters of an alphabet."""
    return len(text) + (WIDE_WORTH - 1) * len(WIDE.findall(text))
