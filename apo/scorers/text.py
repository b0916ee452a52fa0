"""Scorers that compare texts: `exact`, `contains` and `f1`."""

from collections import Counter
from dataclasses import dataclass

from apo.reading.answers import label_pattern, plain, quote
from apo.reading.words import WORD, pieces
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
        ignore_typography: curly and straight quotes, dashes and hyphens, full and half width are
            the same, and signs of no width do not count.
    """

    ignore_case: bool = True
    collapse_space: bool = True
    unicode_nfc: bool = True
    strip_punctuation: bool = True
    ignore_typography: bool = False

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the answer is a target."""
        said = self.plain(output)
        if any(said == self.plain(target) for target in example.targets):
            return Score(1.0)
        return _wrong(output, example)

    def plain(self, text: str) -> str:
        """Bring a text to the form that is compared; see `apo.reading.answers.plain`."""
        return plain(
            text,
            ignore_case=self.ignore_case,
            collapse_space=self.collapse_space,
            unicode_nfc=self.unicode_nfc,
            strip_punctuation=self.strip_punctuation,
            ignore_typography=self.ignore_typography,
        )


@dataclass(frozen=True, kw_only=True)
class Contains(Exact):
    """One of the accepted targets must stand in the answer, as a whole word or phrase.

    Attributes:
        ignore_case: upper and lower case are the same.
        collapse_space: white space counts as one space.
        unicode_nfc: composed and decomposed characters are the same.
        strip_punctuation: punctuation at the ends of a target does not count.
        ignore_typography: as for `exact`.
    """

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the answer holds a target."""
        said = self.plain(output)
        targets = tuple(self.plain(target) for target in example.targets)
        pattern = label_pattern(targets, ignore_case=self.ignore_case)
        if said in targets or pattern.search(said):
            return Score(1.0)
        return _wrong(output, example)


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
