"""Words and their pieces, for scorers that compare texts in any script."""

import unicodedata

from apo.patterns import late_pattern

WORD = late_pattern(r"[^\W_]+")
SPACELESS = late_pattern(r"[가-힣぀-ヿ㐀-鿿]")
"""Hangul, kana and Chinese characters: where blanks do not part what counts as a word."""


def pieces(word: str) -> list[str]:
    """Cut a word in Hangul, kana or Chinese characters into pairs of neighbours; leave others.

    So a particle more or less costs little, with no analyser of morphemes.
    """
    if len(word) < 3 or not SPACELESS.search(word):
        return [word]
    return [word[i : i + 2] for i in range(len(word) - 1)]


def tokens(text: str) -> list[str]:
    """Give the words of a text in order: lower case, letters and digits, cut as `pieces` does."""
    words = WORD.findall(unicodedata.normalize("NFC", text).lower())
    return [token for word in words for token in pieces(word)]


def spaced(text: str) -> str:
    """Put blanks around each Hangul, kana or Chinese character, so that it counts as a word."""
    return SPACELESS.sub(r" \g<0> ", unicodedata.normalize("NFC", text))
