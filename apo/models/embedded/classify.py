"""Chooses among allowed answers by counting the evidence for each."""

import math
from collections.abc import Sequence
from functools import lru_cache
from random import Random

from apo.models.embedded.rules import Rules
from apo.models.embedded.text import NEGATIONS, stem, stems, words

LABEL_WEIGHT = 2.0
"""How much a word of the label itself counts in the input, against 1 for the first cue."""
LAST_CUE = 0.5
"""How much the last cue of a list counts; those between lie on a line."""

Weights = dict[str, float]
Phrases = dict[tuple[str, ...], Weights]


def choose(
    names: Sequence[str],
    rules: Rules,
    text: str,
    temperature: float,
    rng: Random,
) -> str:
    """Choose the answer with the most evidence.

    Without any evidence the answer is the one that the prompt names for this case, else the first
    allowed one. Above temperature 0, an answer is drawn by its evidence.
    """
    score = weighed(names, rules, text)
    if temperature > 0:
        weights = [math.exp(min(50.0, score[name] / temperature)) for name in names]
        return rng.choices(list(names), weights)[0]
    return max(names, key=lambda name: score[name])


def weighed(names: Sequence[str], rules: Rules, text: str) -> dict[str, float]:
    """The evidence for each answer; without any it is for what the prompt names for this case."""
    score = evidence(names, rules, text)
    if not any(score.values()) and rules.otherwise in names:
        score[rules.otherwise] = 1.0
    return score


def evidence(names: Sequence[str], rules: Rules, text: str) -> dict[str, float]:
    """Add up, per answer, the cues and the words of the label itself that the text holds."""
    said = words(text)
    found = [stem(word) for word in said]
    present = set(found)
    denied = _denied(said, found) if rules.negation else set[str]()
    score = dict.fromkeys(names, 0.0)
    singles, phrases = _index(rules, tuple(names))
    for part in dict.fromkeys(found):  # In the text's order: sums of floats depend on it.
        sign = -1.0 if part in denied else 1.0
        for name, weight in singles.get(part, {}).items():
            score[name] += sign * weight
    for phrase, weights in phrases.items():
        share = sum(part in present for part in phrase) / len(phrase)
        for name, weight in weights.items():
            score[name] += weight * share * share
    return score


@lru_cache(maxsize=1024)
def _index(rules: Rules, names: tuple[str, ...]) -> tuple[dict[str, Weights], Phrases]:
    """Weights of single stems, and of phrases; a cue of several answers is shared among them."""
    index: Phrases = {}
    for name in names:
        cues = rules.cues.get(name, ())
        for rank, cue in enumerate(cues):
            weight = 1 - (1 - LAST_CUE) * rank / max(1, len(cues))
            if parts := tuple(map(stem, words(cue))):
                known = index.setdefault(parts, {})
                known[name] = max(weight, known.get(name, 0.0))
    shared = {
        cue: {name: weight / len(weights) for name, weight in weights.items()}
        for cue, weights in index.items()
    }
    singles = {cue[0]: weights for cue, weights in shared.items() if len(cue) == 1}
    for name in names:
        own = stems(name)
        for part in own:
            weights = singles.setdefault(part, {})
            weights[name] = weights.get(name, 0.0) + LABEL_WEIGHT / len(own)
    return singles, {cue: weights for cue, weights in shared.items() if len(cue) > 1}


def _denied(said: list[str], found: list[str]) -> set[str]:
    """Stems that stand within three words after a negation, or before a Korean "-지 않/못"."""
    denied: set[str] = set()
    for i, word in enumerate(said):
        if word.lower().split("'")[0].split("’")[0] in NEGATIONS:
            denied.update(found[i + 1 : i + 4])
        if word[:1] in {"않", "못"} and i and said[i - 1].endswith("지"):
            denied.add(found[i - 1])
    return denied
