"""GEPA's demos: no model writes them, they are drawn anew."""

from collections.abc import Iterable

from apo import Evaluation, Example, Prompt, Search
from apo.optimizers.parts.draw import some


def redrawn_demos(
    search: Search, before: Evaluation, missed: Iterable[Example], n: int
) -> list[Prompt]:
    """Draw demos from examples that were got wrong, but not now; a child with them, if it is new.

    Args:
        search: where the child becomes a candidate.
        before: the parent on its minibatch, whose examples would be given away as demos.
        missed: train examples that some candidate got wrong.
        n: demos at most.
    """
    prompt, now = before.prompt, {rollout.example for rollout in before.rollouts}
    chosen = some(search.rng, [example for example in missed if example not in now], n)
    child = prompt.with_demos(tuple(prompt.demo(e.inputs, e.target) for e in chosen))
    return search.accept([child], operator="gepa_demos", parents=[prompt]) if chosen else []
