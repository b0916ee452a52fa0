"""Scorers that grade how near an answer comes to a target: `rouge`, `bleu`, `chrf` and `edit`.

An answer that is a target to the letter scores 1 whatever the measure says, such as of texts
without a word. An empty answer is not well formed.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from apo.errors import TaskError, near
from apo.reading.answers import quote
from apo.reading.words import WORD, spaced, tokens
from apo.task import Example, Score

_MAX_SHOWN = 6
_MAX_TOKENS = 3000  # The time of ROUGE-L grows with the product of the lengths.


@dataclass(frozen=True, kw_only=True)
class Rouge:
    """ROUGE, the F1 of common word sequences, by the package rouge-score (Lin 2004, §2 and §3).

    Words are lower-case runs of letters and digits, so English text scores as by the package's
    own tokenizer, without stemming. That one drops all but a-z and 0-9; here letters of any
    script count, and a word in Hangul, kana or Chinese characters counts by its pairs of
    neighbouring characters, as for `f1`. Published Korean figures often count morphemes, and so
    are others. Of a text of more than 3,000 words only those count.

    Attributes:
        variant: "rouge1" and "rouge2" count single words and pairs, "rougeL" the longest common
            subsequence, "rougeLsum" the same line by line, for summaries of several lines.
    """

    variant: str = "rougeL"

    def __post_init__(self) -> None:
        known = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
        _require_known("variant", self.variant, known)

    def __call__(self, output: str, example: Example) -> Score:
        """Score the F1 with the target that fits best."""
        return _graded(output, example, self._measure, self.variant.replace("rouge", "ROUGE-"))

    def _measure(self, output: str, target: str) -> float:
        return float(_rouge(self.variant).score(target, output)[self.variant].fmeasure)


@cache
def _rouge(variant: str) -> Any:
    from rouge_score.rouge_scorer import (  # type: ignore[import-untyped]  # has no types
        RougeScorer,
    )

    return RougeScorer([variant], tokenizer=_Tokenizer())


class _Tokenizer:
    """What rouge-score asks for."""

    def tokenize(self, text: str) -> list[str]:
        return tokens(text)[:_MAX_TOKENS]


@dataclass(frozen=True, kw_only=True)
class Bleu:
    """Sentence BLEU by sacrebleu, from 0 to 1 (Papineni et al. 2002, §2; Post 2018).

    Signature: case:mixed|eff:yes|tok:13a|smooth:exp; all targets are its references at once.
    Hangul, kana and Chinese characters count as a word each, as no analyser of morphemes is
    needed so; other text scores just as by sacrebleu. A sentence is little to count sequences of
    four words in: for the BLEU that papers report, score the whole data at once.
    """

    def __call__(self, output: str, example: Example) -> Score:
        """Score against all targets."""

        def measure(output: str, _: str) -> float:
            targets = [spaced(target) for target in example.targets]
            return float(_sacrebleu("BLEU").sentence_score(spaced(output), targets).score) / 100

        return _graded(output, example, measure, "BLEU")


@dataclass(frozen=True, kw_only=True)
class ChrF:
    """Sentence chrF by sacrebleu, from 0 to 1: common character sequences (Popović 2015, §2).

    Signature: case:mixed|eff:yes|nc:6|nw:0|space:no. Suits Korean as it is.
    """

    def __call__(self, output: str, example: Example) -> Score:
        """Score with the target that fits best."""
        return _graded(output, example, self._measure, "chrF")

    def _measure(self, output: str, target: str) -> float:
        said, wanted = (unicodedata.normalize("NFC", text) for text in (output, target))
        return float(_sacrebleu("CHRF").sentence_score(said, [wanted]).score) / 100


@cache
def _sacrebleu(name: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return BLEU(effective_order=True) if name == "BLEU" else CHRF()


@dataclass(frozen=True, kw_only=True)
class Edit:
    """How few edits turn the answer into the target: 1 - distance / length of the longer one.

    The Levenshtein distance by rapidfuzz: insertions, deletions and substitutions cost 1. Case,
    punctuation and blanks count, but for blanks at the ends; a Hangul syllable is one character.
    For the correction of spelling, and the like.

    Attributes:
        unit: what an edit changes, "characters" or "words".
    """

    unit: str = "characters"

    def __post_init__(self) -> None:
        _require_known("unit", self.unit, ["characters", "words"])

    def __call__(self, output: str, example: Example) -> Score:
        """Score the similarity to the target that fits best, and say what differs."""
        return _graded(output, example, self._measure, "Similarity", _edits)

    def _measure(self, output: str, target: str) -> float:
        from rapidfuzz.distance import Levenshtein

        said, wanted = (unicodedata.normalize("NFC", text).strip() for text in (output, target))
        if self.unit == "words":
            return Levenshtein.normalized_similarity(said.split(), wanted.split())
        return Levenshtein.normalized_similarity(said, wanted)


def _require_known(setting: str, value: str, known: list[str]) -> None:
    if value not in known:
        raise TaskError(f"The {setting} is {value!r:.80}.{near(str(value), known)}")


def _missing(output: str, target: str) -> str:
    """Say which words of the target the answer does not have."""
    output, target = (unicodedata.normalize("NFC", text) for text in (output, target))
    said = set(WORD.findall(output.lower()))
    lacking = [word for word in WORD.findall(target) if word.lower() not in said]
    shown = ", ".join(quote(word) for word in [*dict.fromkeys(lacking)][:_MAX_SHOWN])
    return f" Not in the answer: {shown}." if shown else ""


def _edits(output: str, target: str) -> str:
    """Say what to write in place of what, word by word."""
    from rapidfuzz.distance import Levenshtein

    said, wanted = (unicodedata.normalize("NFC", text).split() for text in (output, target))
    told = list[str]()
    for equal, run in groupby(Levenshtein.opcodes(said, wanted), lambda edit: edit.tag == "equal"):
        edits = list(run)  # Neighbours make one: "안 돼요" for "안되요".
        if equal:
            continue
        wrong = " ".join(said[edits[0].src_start : edits[-1].src_end])
        right = " ".join(wanted[edits[0].dest_start : edits[-1].dest_end])
        if wrong and right:
            told.append(f"{quote(right)}, not {quote(wrong)}")
        else:
            told.append(f"{quote(right)} is missing" if right else f"{quote(wrong)} is too much")
    return f" {'; '.join(told[:_MAX_SHOWN])}." if told else ""


def _graded(
    output: str,
    example: Example,
    measure: Callable[[str, str], float],
    name: str,
    explain: Callable[[str, str], str] = _missing,
) -> Score:
    """Score with the target that fits best, and say what is wanting."""
    if output in example.targets:
        return Score(1.0)
    if not output.strip():
        return Score(0.0, False, f"Expected {quote(example.target)}, the answer is empty.")
    values = [measure(output, target) for target in example.targets]
    value = min(1.0, max(values))  # Rounding may take it just above 1.
    if value == 1:
        return Score(1.0)
    target = example.targets[values.index(max(values))]
    feedback = f"Expected {quote(target)}, the answer said {quote(output)}. {name} {value:.2f}."
    return Score(value, True, feedback + explain(output, target))
