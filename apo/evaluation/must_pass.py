"""Examples that must never be got wrong: what the seed prompt gets right, a better one does too."""

from apo.evaluation.evaluation import Evaluation
from apo.task import Example


def missed(evaluation: Evaluation) -> list[Example]:
    """The examples marked as ones that must pass and not answered rightly, in their order.

    What was not answered (refused, or too long) is not passed either.
    """
    return [r.example for r in evaluation.rollouts if r.example.must_pass and r.outcome != "right"]


def broken(seed: Evaluation, other: Evaluation) -> list[Example]:
    """The examples that must pass, and that the seed prompt gets right and the other one does not.

    Args:
        seed: the seed prompt.
        other: another prompt on the same examples.
    """
    kept = {r.example for r in seed.rollouts if r.example.must_pass and r.outcome == "right"}
    return [example for example in missed(other) if example in kept]
