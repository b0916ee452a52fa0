"""Which examples tell something: those that some prompts answer rightly and others do not."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import pvariance

from apo import Evaluation, Example, Prompt

Scores = dict[Prompt, dict[Example, float]]
"""The scores of prompts on single examples."""


def remember(scores: Scores, evaluation: Evaluation) -> None:
    """Keep the scores of an evaluation; answers that nobody could grade are left out."""
    kept = scores.setdefault(evaluation.prompt, {})
    kept.update((r.example, r.score.value) for r in evaluation.rollouts if r.score)


def mixed(
    scores: Mapping[Prompt, Mapping[Example, float]],
    prompts: Iterable[Prompt],
    examples: Sequence[Example],
) -> list[Example]:
    """The examples that some of the prompts answer rightly and others do not (APEX's Mixed tier).

    Those that all answer rightly are its Easy tier, and those that none does its Hard one.
    """
    seen = [scores[prompt] for prompt in prompts if prompt in scores]
    found: list[Example] = []
    for example in examples:
        right = {known[example] >= 1 for known in seen if example in known}
        if len(right) == 2:
            found.append(example)
    return found


def most_telling(
    evaluations: Collection[Evaluation], examples: Sequence[Example], n: int
) -> list[Example]:
    """The n examples whose scores vary most among prompts (p1); of equals, the first.

    Args:
        evaluations: of each prompt on these examples.
        examples: to choose from.
        n: how many.
    """
    scores: Scores = {}
    for evaluation in evaluations:
        remember(scores, evaluation)

    def spread(example: Example) -> float:
        found = [known[example] for known in scores.values() if example in known]
        return pvariance(found) if len(found) > 1 else 0.0

    return sorted(examples, key=spread, reverse=True)[:n]
