"""Scorers that compare texts: `exact`, `contains`, `choice` and `f1`."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache

from apo.errors import TaskError
from apo.scorers.answers import bare_lines, label_pattern, labels_in, marked, plain, quote
from apo.scorers.words import WORD, pieces
from apo.task import Example, Score


def _wrong(output: str, example: Example) -> Score:
    expected = f"Expected {quote(example.target)}"
    if not output.strip():
        return Score(0.0, False, f"{expected}, the answer is empty.")
    return Score(0.0, True, f"{expected}, the answer said {quote(output)}.")


@dataclass(frozen=True, kw_only=True)
class Exact:
    """The whole answer must be one of the accepted targets, once both are in plain form.

    Attributes:
        ignore_case: upper and lower case are the same.
        collapse_space: white space counts as one space, and not at the ends.
        unicode_nfc: composed and decomposed characters are the same.
        strip_punctuation: quotes, brackets, * and sentence marks at the ends do not count.
    """

    ignore_case: bool = True
    collapse_space: bool = True
    unicode_nfc: bool = True
    strip_punctuation: bool = True

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the answer is a target."""
        said = self.plain(output)
        if any(said == self.plain(target) for target in example.targets):
            return Score(1.0)
        return _wrong(output, example)

    def plain(self, text: str) -> str:
        """Bring a text to the form that is compared; see `apo.scorers.answers.plain`."""
        return plain(
            text,
            ignore_case=self.ignore_case,
            collapse_space=self.collapse_space,
            unicode_nfc=self.unicode_nfc,
            strip_punctuation=self.strip_punctuation,
        )


@dataclass(frozen=True, kw_only=True)
class Contains(Exact):
    """One of the accepted targets must stand in the answer, as a whole word or phrase.

    Attributes:
        ignore_case: upper and lower case are the same.
        collapse_space: white space counts as one space.
        unicode_nfc: composed and decomposed characters are the same.
        strip_punctuation: punctuation at the ends of a target does not count.
    """

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the answer holds a target."""
        said = self.plain(output)
        targets = tuple(self.plain(target) for target in example.targets)
        pattern = label_pattern(targets, ignore_case=self.ignore_case)
        if said in targets or pattern.search(said):
            return Score(1.0)
        return _wrong(output, example)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The answer must name exactly one label, the right one. Chatty answers are understood.

    The first of these that names a label decides: the whole answer; what the answer marks as such
    (<answer>x</answer>, "Answer: x", "답: x", see `answers.marked`); a first or last line that
    is nothing but a label; such a text in bold; the whole text. Where that names two labels, or no
    part names any, the answer is not well formed and scores 0. "Not x" is read as x.

    Attributes:
        labels: the allowed answers, at least two.
        ignore_case: upper and lower case are the same.
    """

    labels: tuple[str, ...]
    ignore_case: bool = True

    def __post_init__(self) -> None:
        if len(self.labels) < 2:
            raise TaskError(f"A choice needs at least two labels, not {list(self.labels)}.")
        if len(self._by_key) < len(self.labels) or "" in self._by_key:
            raise TaskError(
                f"The labels {list(self.labels)} must all be different, and none blank. Labels "
                "that differ only in upper and lower case need the setting ignore_case: false."
            )

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the only label that the answer names is a target."""
        found = self.find(output)
        label, *others = found or ("",)
        if found and not others and self._is_right(label, example):
            return RIGHT
        expected = quote(example.target)
        if not found:
            known = ", ".join(map(quote, self.labels[:20]))
            return Score(0.0, False, f"Expected {expected}, the answer names none of {known}.")
        if others:
            named = " and ".join(map(quote, found[:5]))
            return Score(0.0, False, f"Expected only {expected}, the answer names {named}.")
        return Score(0.0, True, f"Expected {expected}, the answer said {quote(label)}.")

    def _is_right(self, label: str, example: Example) -> bool:
        return label in example.targets or self._key(label) in map(self._key, example.targets)

    def find(self, output: str) -> tuple[str, ...]:
        """Give the labels that the answer names: exactly one when it is well formed."""
        # To most examples of a classification a model gives one of few answers.
        return _found(self, output) if len(output) <= SHORT else self.read(output)

    def read(self, output: str) -> tuple[str, ...]:
        """Do what `find` does, without its memory."""
        key = plain(output, ignore_case=self.ignore_case, strip_punctuation=False)
        whole = self._by_key.get(key)
        if whole is not None:
            return (whole,)
        # Composed, so that Hangul typed on a Mac is found.
        text = plain(output, ignore_case=False, collapse_space=False, strip_punctuation=False)
        for part in (*marked(text), *bare_lines(text, self._pattern), text):
            found = labels_in(part, self._pattern)
            if found:
                return tuple(self.labels[place] for place in found)
        return ()

    def _key(self, text: str) -> str:
        return _key_of(text, self.ignore_case)

    @cached_property
    def _by_key(self) -> dict[str, str]:
        return {self._key(label): label for label in self.labels}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return label_pattern(self.labels, ignore_case=self.ignore_case)


@lru_cache(maxsize=4096)
def _found(choice: Choice, output: str) -> tuple[str, ...]:
    return choice.read(output)


@lru_cache(maxsize=4096)
def _key_of(text: str, ignore_case: bool) -> str:
    return plain(text, ignore_case=ignore_case, strip_punctuation=False)


RIGHT = Score(1.0)
SHORT = 500
"""Characters of an answer that is worth to be remembered."""
_ARTICLES = frozenset(("a", "an", "the"))


@dataclass(frozen=True, kw_only=True)
class TokenF1:
    """How much of the words of the answer and of the best-fitting target are the same.

    The F1 of precision and recall over words, as SQuAD has it: lower case, without punctuation and
    English articles. A word in Hangul, kana or Chinese characters counts by its pairs of
    neighbouring characters, so that a particle more or less costs little.
    """

    def __call__(self, output: str, example: Example) -> Score:
        """Score the overlap, from 0 to 1."""
        said = _tokens(output)
        value = max(_f1(said, _tokens(target)) for target in example.targets)
        if value == 1:
            return Score(1.0)
        wrong = _wrong(output, example)
        feedback = f"{wrong.feedback} Overlap of words: {value:.0%}."
        return Score(value, wrong.well_formed, feedback)


def _tokens(text: str) -> Counter[str]:
    words = WORD.findall(plain(text, strip_punctuation=False))
    kept = [word for word in words if word not in _ARTICLES] or words
    if not kept:  # Nothing but signs: they are all that there is to compare.
        return Counter("".join(text.split()))
    return Counter(token for word in kept for token in pieces(word))


def _f1(said: Counter[str], wanted: Counter[str]) -> float:
    if said == wanted:
        return 1.0
    same = (said & wanted).total()
    return 2 * same / (said.total() + wanted.total()) if same else 0.0
