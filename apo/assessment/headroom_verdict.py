"""From the scores of a look to one verdict with its reason: pure figures, no calls."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from apo.language.catalogue import message
from apo.statistics.planning import rows_needed, visible_gain

BAD_FORM = 0.25
"""Share of malformed answers from which the form comes first."""
NEARLY_ALL = 0.92
"""Mean score of the seed prompt from which there is hardly anything to gain."""
ABOVE_CONSTANT = 0.1
"""By how much all prompts together must be above always saying the same."""
FLIPS = 0.3
"""Share of the rows on which two answers to one prompt differ, from which they are noise first."""
MATTERS = 1.9
"""How many times as far answers to two prompts must lie apart as two answers to one."""
USUAL, SPREAD = 0.14, 0.1
"""What a search may bring where nothing is known, in shares: mean and standard deviation."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """The scores of a few prompts on the same rows.

    Attributes:
        scores: by prompt, the seed first, the score of each row, in [0, 1].
        again: of the first prompts, the seed first, on the first rows, drawn once more.
        malformed: share of malformed answers of each prompt, and then of those drawn again.
        constant: what the best constant answer scores; 0 where there is none.
        n_test: test rows that a verdict would have.
    """

    scores: tuple[tuple[float, ...], ...]
    again: tuple[tuple[float, ...], ...]
    malformed: tuple[float, ...]
    constant: float
    n_test: int


@dataclass(frozen=True, kw_only=True)
class LookVerdict:
    """Whether a search is worth it.

    Attributes:
        kind: "worth it", "more rows first", "fix the form first", "this model cannot",
            "temperature or model first", or "nothing to gain".
        reason: why, in words with figures.
        between_prompts: variance of a row's score between prompts, in squared scores.
        between_answers: the same between two answers to one prompt.
        malformed: share of malformed answers.
        gain: what a search may bring, in [0, 1], the look and what is usual taken together.
        visible: the smallest gain that the test rows would prove; None for none.
    """

    kind: str
    reason: str
    between_prompts: float
    between_answers: float
    malformed: float
    gain: float
    visible: float | None

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return asdict(self)


def judge_look(look: Look) -> LookVerdict:
    """Judge a look: what stands in the way of a gain comes first, then whether it could be seen."""
    prompts = _apart(look.scores)
    answers = fmean(_apart((one[: len(other)], other)) for one, other in _repeated(look))
    gain, different = _gain(look)
    visible = visible_gain(look.n_test, different) if look.n_test else None
    kind, reason = _verdict(look, prompts, answers, gain, visible, different)
    return LookVerdict(
        kind=kind,
        reason=reason,
        between_prompts=prompts,
        between_answers=answers,
        malformed=fmean(look.malformed),
        gain=gain,
        visible=visible,
    )


def _verdict(
    look: Look,
    prompts: float,
    answers: float,
    gain: float,
    visible: float | None,
    different: float,
) -> tuple[str, str]:
    seed = fmean((*look.scores[0], *look.again[0]))
    bad = fmean((look.malformed[0], look.malformed[len(look.scores)]))
    n = len(look.scores[0])
    if bad >= BAD_FORM:
        return "fix the form first", (
            f"{100 * bad:.0f} % of the answers to the seed prompt lack the form, which a sentence, "
            "a response format or a milder scorer mends for nothing."
        )
    if seed >= NEARLY_ALL:
        return (
            "nothing to gain",
            f"The seed prompt is right on {100 * seed:.0f} % of {2 * n} answers.",
        )
    flips = fmean(
        a != b for one, other in _repeated(look) for a, b in zip(one, other, strict=False)
    )
    if flips >= FLIPS and prompts < MATTERS * answers:
        return "temperature or model first", (
            f"The same prompt asked twice scores differently on {100 * flips:.0f} % of the rows, "
            "about as often as two prompts do: choosing between prompts would be choosing noise."
        )
    every = fmean(fmean(row) for row in look.scores)
    best = max(map(fmean, look.scores))
    if look.constant and every <= look.constant + ABOVE_CONSTANT and best < look.constant + 0.3:
        return "this model cannot", (
            f"All prompts together score {100 * every:.0f} %; always saying the same, "
            f"{100 * look.constant:.0f} %."
        )
    changed = fmean(len(set(row)) > 1 for row in zip(*look.scores, strict=True))
    if changed * n < 2:
        return "this model cannot", (
            f"Four prompts of different kinds are right on the same rows ({100 * seed:.0f} %): "
            "what it gets wrong it gets wrong however it is asked."
        )
    if visible is None or gain < visible:
        return "more rows first", _too_few(look, gain, visible, different)
    return "worth it", (
        f"A gain of about {100 * gain:.0f} points may be there, and {look.n_test} test rows show "
        f"{100 * visible:.0f} points or more."
    )


def _too_few(look: Look, gain: float, visible: float | None, different: float) -> str:
    shown = "no gain" if visible is None else f"gains of {100 * visible:.0f} points or more"
    needed = rows_needed(max(gain, 0.02), different)
    told = message(f"; about {needed:,} would") if needed else ""
    return (
        f"A gain of about {100 * gain:.0f} points may be there, but {look.n_test} test rows show "
        f"{shown}{told}. apo optimize --folds 5 tests all rows."
    )


def _repeated(look: Look) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """The scores of prompts that were asked twice: of more rows once, and of some once more."""
    return list(zip(look.scores, look.again, strict=False))


def _apart(scores: Sequence[Sequence[float]]) -> float:
    """Half the mean squared distance of two scores of a row: the variance between its columns."""
    pairs = combinations(scores, 2)
    return fmean((a - b) ** 2 / 2 for one, other in pairs for a, b in zip(one, other, strict=True))


def _gain(look: Look) -> tuple[float, float]:
    """What a search may bring, and the share of rows on which the best prompt differs.

    The best of a few prompts looks better than it is, and few rows say little: what was seen is
    drawn towards what searches usually bring, each by how much it is known (a normal prior).
    """
    first, second = look.scores[0], look.again[0]
    seed = [(a + b) / 2 for a, b in zip(first, second, strict=False)] + list(first[len(second) :])
    best = max(look.scores[1:], key=fmean)
    gaps = [b - a for a, b in zip(seed, best, strict=True)]
    n, seen = len(gaps), fmean(gaps)
    variance = (fmean((gap - seen) ** 2 for gap in gaps) + 1 / n) / n
    weight = SPREAD**2 / (SPREAD**2 + variance)
    gain = min(weight * seen + (1 - weight) * USUAL, 1 - fmean(seed))
    different = fmean(abs(gap) for gap in gaps)
    return max(0.0, gain), min(1.0, max(different, gain, math.ulp(1.0), 0.05))
