"""Words that some texts hold and the others lack, more than chance would have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apo.reading.words import SPACELESS, WORD

MIN_ROWS = 3
"""Texts that must hold a word before it is told: what stands in one or two is theirs alone."""
LEVEL = 0.005
"""Chance, at most, of a word to lean so far to one side if it leant to none (Fisher's test)."""
LEAN = 3.0
"""How many times as often the marked texts must hold it as the others."""
LONGEST = 20
"""Letters of a word, at most: longer ones are keys and addresses."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word that tells marked texts from others.

    Attributes:
        text: the word, in lower case; of Korean words the beginning that they share.
        n: marked texts that hold it.
        of: marked texts.
        others: other texts that hold it.
    """

    text: str
    n: int
    of: int
    others: int


class Vocabulary:
    """Which of some texts hold which words.

    Args:
        texts: the texts; words that fewer than `MIN_ROWS` of them hold are passed over.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # has no types
            CountVectorizer,
        )

        self._n = len(texts)
        self._words: list[str] = []
        counting: Any = CountVectorizer
        vectorizer: Any = counting(analyzer=words_of, binary=True, min_df=MIN_ROWS)
        if self._n < MIN_ROWS:
            return
        try:
            self._holds: Any = vectorizer.fit_transform(texts)
        except ValueError:  # No word stands in so many.
            return
        self._words = [str(word) for word in vectorizer.get_feature_names_out()]

    def telling(self, marked: Sequence[bool], most: int, level: float = LEVEL) -> tuple[Word, ...]:
        """The words that marked texts hold and others lack, the clearest first.

        Args:
            marked: for each text whether it is marked.
            most: how many words at most.
            level: the chance, at most, of a word to lean so far by chance.
        """
        n_marked = sum(marked)
        if not self._words or not MIN_ROWS <= n_marked < self._n:
            return ()
        import numpy as np
        from scipy import stats

        chosen = np.array(marked, dtype=bool)
        every = np.asarray(self._holds.sum(axis=0)).ravel()
        held = np.asarray(self._holds[chosen].sum(axis=0)).ravel()
        chance = np.asarray(stats.hypergeom.sf(held - 1, self._n, every, n_marked))
        rate, other_rate = held / n_marked, (every - held) / (self._n - n_marked)
        fits = (held >= MIN_ROWS) & (chance <= level) & (rate >= LEAN * other_rate)
        order = sorted(np.flatnonzero(fits), key=lambda i: (chance[i], self._words[i]))
        found: list[Word] = []
        for i in order:
            text, n = self._words[i], int(held[i])
            if len(found) < most and not any(_same_stem(text, word.text) for word in found):
                found.append(Word(text=text, n=n, of=n_marked, others=int(every[i]) - n))
        return tuple(found)


def words_of(text: str) -> set[str]:
    """The words of a text in lower case; a Korean word with every beginning of two letters or more.

    So a word is found under any particle, with no analyser of morphemes.
    """
    found: set[str] = set()
    for word in WORD.findall(text.lower()):
        if SPACELESS.search(word):
            found.update(word[:end] for end in range(2, min(len(word), LONGEST) + 1))
        elif 1 < len(word) <= LONGEST:
            found.add(word)
    return found


def _same_stem(one: str, other: str) -> bool:
    return bool(SPACELESS.search(one)) and (one.startswith(other) or other.startswith(one))
