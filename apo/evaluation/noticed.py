"""What a prompt's score hides: answers that nobody graded, and one text for many inputs."""

import re
from collections import Counter
from collections.abc import Container

from apo.calls.tally import shorten
from apo.evaluation.evaluation import Evaluation, Rollout

MANY, SHARE, PHRASE = 5, 0.1, 3
"""One text is told from so many answers and such a share of them on, if it has so many words or
the scorer can make nothing of it: a short wrong answer may well be given often."""


def noticed(evaluation: Evaluation, to: str = "") -> tuple[str, ...]:
    """Say what is noticed of the answers; nothing when each was graded, and inputs got their own.

    Args:
        evaluation: the answers.
        to: what was asked, as " to the seed prompt", where there is more than one.
    """
    return (*_ungraded(evaluation, to), *alike(evaluation, to))


def _ungraded(evaluation: Evaluation, to: str) -> list[str]:
    failed = [rollout.error for rollout in evaluation.rollouts if rollout.score is None]
    if not failed:
        return []
    n = len(evaluation.rollouts)
    reason, times = Counter(failed).most_common(1)[0]
    text = f"{len(failed):,} of {n:,} answers{to} could not be graded"
    often = f"{times:,} times: " if 1 < times < len(failed) else ""
    left = "They count by the metric" if evaluation.metric else "The figure is of the others"
    return [f"{text} ({often}{shorten(reason)}). {left}."]


def alike(evaluation: Evaluation, to: str = "", known: Container[str] = ()) -> list[str]:
    """Say which text many inputs got that is no answer, unless it is known."""
    n = len(evaluation.rollouts)
    return [
        f"{times:,} of {n:,} answers{to} are the same text, which is no example's right "
        f'answer: "{shorten(text)}". Is that the model, or a notice of its server?'
        for text, times in repeated(evaluation).items()
        if text not in known
    ]


def repeated(evaluation: Evaluation) -> dict[str, int]:
    """The texts that many inputs got and that are no answers, with the number of these inputs."""
    rightly = {_plain(t) for r in evaluation.rollouts for t in r.example.targets}
    inputs: dict[str, set[str]] = {}
    for rollout in evaluation.answered:
        said = f" {_plain(rollout.output)} "
        # An answer in which a target stands is the model's own, though a wrong one.
        if _says_nothing(rollout) and not any(f" {target} " in said for target in rightly):
            inputs.setdefault(rollout.output.strip(), set()).add(repr(rollout.example.inputs))
    least = max(MANY, SHARE * len(evaluation.rollouts))
    return {text: len(asked) for text, asked in inputs.items() if len(asked) >= least}


def _says_nothing(rollout: Rollout) -> bool:
    """Whether an answer scores 0, and is no short answer of the task's form."""
    score, text = rollout.score, rollout.output.strip()
    if score is None or score.value > 0 or not text:
        return False
    return not score.well_formed or len(text.split()) >= PHRASE


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()
