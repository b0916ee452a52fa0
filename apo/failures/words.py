"""Words that some texts hold and the others lack, more than chance would have it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from apo.reading.words import SPACELESS, WORD
from apo.statistics.counts import tail_of_draws

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
        self._n = len(texts)
        held_by: defaultdict[str, list[int]] = defaultdict(list)
        for row, text in enumerate(texts):
            for word in words_of(text):
                held_by[word].append(row)
        self._rows = {word: rows for word, rows in held_by.items() if len(rows) >= MIN_ROWS}

    def telling(self, marked: Sequence[bool], most: int, level: float = LEVEL) -> tuple[Word, ...]:
        """The words that marked texts hold and others lack, the clearest first.

        Args:
            marked: for each text whether it is marked.
            most: how many words at most.
            level: the chance, at most, of a word to lean so far by chance.
        """
        n_marked = sum(marked)
        if not MIN_ROWS <= n_marked < self._n:
            return ()
        fits: list[tuple[float, str, int, int]] = []
        for text, rows in self._rows.items():
            n = sum(marked[row] for row in rows)
            others = len(rows) - n
            if n < MIN_ROWS or n / n_marked < LEAN * (others / (self._n - n_marked)):
                continue
            chance = tail_of_draws(n, len(rows), n_marked, self._n)
            if chance <= level:
                fits.append((chance, text, n, others))
        found: list[Word] = []
        for _, text, n, others in sorted(fits):
            if len(found) < most and not any(_same_stem(text, word.text) for word in found):
                found.append(Word(text=text, n=n, of=n_marked, others=others))
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
