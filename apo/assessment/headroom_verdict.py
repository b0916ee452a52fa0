"""From the scores of a look to one verdict with its reason: pure figures, no calls."""

from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from apo.assessment.look import SAME, USUAL, Gain, Look, apart, gain_of
from apo.language.catalogue import message
from apo.statistics.counts import proportion_interval
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


@dataclass(frozen=True, kw_only=True)
class LookVerdict:
    """Whether a search is worth it.

    Attributes:
        kind: "worth it", "more rows first", "fix the form first", "no gain in sight",
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
    prompts = apart(look.scores)
    answers = fmean(apart((one[: len(other)], other)) for one, other in look.repeated)
    gain = gain_of(look)
    visible = visible_gain(look.n_test, gain.different) if look.n_test else None
    kind, reason = _verdict(look, prompts, answers, gain, visible)
    return LookVerdict(
        kind=kind,
        reason=reason,
        between_prompts=prompts,
        between_answers=answers,
        malformed=fmean(look.malformed),
        gain=gain.expected,
        visible=visible,
    )


def _verdict(
    look: Look, prompts: float, answers: float, gain: Gain, visible: float | None
) -> tuple[str, str]:
    seed = look.means[0]
    bad = fmean((look.malformed[0], look.malformed[len(look.scores)]))
    n, answered = len(look.scores[0]), len(look.scores[0]) + len(look.again[0])
    if bad >= BAD_FORM:
        return "fix the form first", (
            f"{100 * bad:.0f} % of the answers to the seed prompt lack the form, which a sentence, "
            "a response format or a milder scorer mends for nothing."
        )
    if seed >= NEARLY_ALL:
        return "nothing to gain", (
            f"The seed prompt scores {100 * seed:.0f} % on {n} rows, with {answered} answers."
        )
    if look.flips >= FLIPS and prompts < MATTERS * answers:
        return "temperature or model first", (
            f"The same prompt asked twice scores differently on {100 * look.flips:.0f} % of the "
            "rows, about as often as two prompts do: a choice between prompts is one of noise."
        )
    every, best = fmean(look.means), max(look.means)
    if look.constant and every <= look.constant + ABOVE_CONSTANT and best < look.constant + 0.3:
        return "no gain in sight", (
            f"All prompts together score {100 * every:.0f} % on {n} rows; always saying the same, "
            f"{100 * look.constant:.0f} %."
        )
    if look.changed < 2:
        return "no gain in sight", _level(look)
    if visible is None or gain.expected < visible:
        return "more rows first", _too_few(look, gain, visible)
    shown = f"With {look.n_test} test rows, {100 * visible:.0f} points or more can be seen."
    return "worth it", " ".join((_expected(gain), shown))


def _level(look: Look) -> str:
    """Say what prompts that score alike exclude: a gain of these very prompts, and no other."""
    n, low, high = len(look.scores[0]), *(f"{100 * of(look.means):.0f}" for of in (min, max))
    scores = f"{low} %" if low == high else message(f"{low} to {high} %")
    most = proportion_interval(look.changed, n)[1]
    if any(0 < score < 1 for row in look.scores for score in row):
        most += (1 - most) * SAME  # Rows that score the same may lie so far apart.
    which = (
        message("Your instruction and another one, each with and without demos, score alike")
        if look.written
        else message(
            "Your instruction and apo's own rewording of it, as no other was written, score alike"
        )
    )
    sentences = (
        f"{which} ({scores}; {look.changed} of {n} rows change).",
        f"That excludes that these prompts gain more than {100 * most:.0f} points (at 95 %), and "
        "says nothing of others.",
    )
    return " ".join(sentences)


def _expected(gain: Gain) -> str:
    """Tell what was seen, what is assumed, and what both make together."""
    sentences = (
        f"The best other prompt came to {round(100 * gain.seen):+d} points here; searches usually "
        f"bring {100 * USUAL:.0f}.",
        f"Together, a gain of about {100 * gain.expected:.0f} points may be there.",
    )
    return " ".join(sentences)


def _too_few(look: Look, gain: Gain, visible: float | None) -> str:
    shown = "no gain" if visible is None else f"gains of {100 * visible:.0f} points or more"
    needed = rows_needed(max(gain.expected, 0.02), gain.different)
    told = message(f"; about {needed:,} would") if needed else ""
    return " ".join((_expected(gain), f"But {look.n_test} test rows show {shown}{told}."))
