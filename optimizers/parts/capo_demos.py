"""CAPO's demos: made with the task model's own answers, crossed and mutated."""

import random
from collections.abc import Sequence

from apo import Demo, Example, Prompt, Rollout, Search

Family = tuple[Prompt, Sequence[Prompt]]
"""A child and its parents."""


async def demonstrate(
    search: Search, wanted: Sequence[tuple[Prompt, Sequence[Example]]]
) -> list[tuple[Demo, ...]]:
    """Make demos of examples, with the model's own answer where it is right and says more."""

    async def answers(pair: tuple[Prompt, Sequence[Example]]) -> tuple[Demo, ...]:
        prompt, examples = pair
        if not examples:
            return ()
        drawn = await search.sample(prompt, examples)
        return tuple(demo(prompt, rollout) for rollout in drawn.rollouts)

    return await search.map(answers, wanted)


async def mutate_demos(
    search: Search, crossed: Sequence[Family], pool: Sequence[Example], max_demos: int
) -> list[tuple[Demo, ...]]:
    """The demos of each child with one more, one less, or neither; in a drawn order."""
    changes = [change(child, pool, max_demos, search.rng) for child, _ in crossed]
    wanted = [(p[0], new) for (_, p), (_, new) in zip(crossed, changes, strict=True)]
    added = await demonstrate(search, wanted)
    together = [[*kept, *new] for (kept, _), new in zip(changes, added, strict=True)]
    for demos in together:
        search.rng.shuffle(demos)
    return [tuple(demos) for demos in together]


def demo(prompt: Prompt, rollout: Rollout) -> Demo:
    """Show a right answer that says more than the target, such as reasoning; else the target.

    Of a program's prompts, what the step in focus did where the program was right.
    """
    if prompt.focus and rollout.outcome == "right":
        return rollout.demo(prompt)
    target, output = rollout.example.target, rollout.output.strip()
    more = rollout.outcome == "right" and len(output) > len(target)
    return prompt.demo(rollout.example.inputs, output if more else target)


def half(mother: Prompt, father: Prompt, rng: random.Random) -> tuple[Demo, ...]:
    """Draw half as many demos as the parents have together from those that either has."""
    union = list({demo.user: demo for demo in (*mother.demos, *father.demos)}.values())
    n = (len(mother.demos) + len(father.demos)) // 2
    return tuple(rng.sample(union, min(n, len(union))))


def change(
    child: Prompt, pool: Sequence[Example], max_demos: int, rng: random.Random
) -> tuple[tuple[Demo, ...], list[Example]]:
    """Add, remove or keep, a third each: the demos that stay, and the example for another one."""
    demos, turn = child.demos, rng.randrange(3)
    if turn == 0 and len(demos) < max_demos:
        users = {demo.user for demo in demos}
        unused = [example for example in pool if child.demo(example.inputs, "").user not in users]
        return demos, rng.sample(unused, min(1, len(unused)))
    if turn == 1 and demos:
        return tuple(rng.sample(demos, len(demos) - 1)), []
    return demos, []
