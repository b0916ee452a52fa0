"""What the calls of a search brought, by the step of the optimizer that they went to."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from apo.evaluation.evaluation import Evaluation
from apo.prompts.prompt import Prompt
from apo.task import Example

SEED = "seed"


def gains(
    operators: Mapping[Prompt, str],
    asked: Counter[str],
    whole: Mapping[Prompt, Evaluation],
    parts: Mapping[Prompt, Mapping[Example, float]],
    calls_each: int,
) -> list[str]:
    """Say of each step how many calls it took, and what it gained for them, the most first.

    Its calls are those that asked for its candidates, and those that measured them; answers drawn
    to learn from are not among them. It is credited with the points by which its candidates raised
    the best score on the whole validation split, taken in the order in which they were proposed.

    Args:
        operators: all candidates in their order, each with its step.
        asked: how often the optimizer model was asked by each step.
        whole: what was measured on the whole validation split.
        parts: scores on single examples from all other measurements.
        calls_each: calls that an example takes.
    """
    calls, points, best = Counter(asked), defaultdict[str, float](float), 0.0
    for prompt, name in operators.items():
        found = whole.get(prompt)
        rows = {r.example for r in found.rollouts} if found else set[Example]()
        calls[name] += len(rows | parts.get(prompt, {}).keys()) * calls_each
        if found and found.at_least > best:
            points[name] += 100 * (found.at_least - best)
            best = found.at_least
    steps = [name for name, n in calls.items() if n and name != SEED]
    told = [
        f"By {name} the search gained {points[name]:.1f} points on validation in {calls[name]:,} "
        f"call{'s' * (calls[name] != 1)}, {points[name] / calls[name]:.2f} a call."
        for name in sorted(steps, key=lambda name: -points[name])
        if points[name]
    ]
    vain = ", ".join(f"{name} ({calls[name]:,})" for name in steps if not points[name])
    return [*told, f"Calls that gained nothing: {vain}."] if vain else told
