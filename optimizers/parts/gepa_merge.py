"""GEPA's merge: what two relatives have changed in different parts, in one prompt (algorithm 4)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from apo import Evaluation, Example, Prompt, Search
from apo.optimizers.parts.gepa_pool import Pool
from apo.optimizers.parts.paired import difference

MERGE_TRIES = 100


def merges(pool: Pool, rng: Random) -> Iterator[tuple[Prompt, int, int]]:
    """Draw pairs of the front, and give the merge of each that has one, with their places."""
    front, _ = pool.front()
    for _ in range(MERGE_TRIES if len(front) > 1 else 0):
        i, j = sorted(rng.sample(front, 2))
        ancestor = pool.common_ancestor(i, j)
        if ancestor is None:
            continue
        pool.merged.add((i, j, ancestor))
        base, *sides = (pool.evaluations[k].prompt for k in (ancestor, i, j))
        ahead = pool.evaluations[i].value - pool.evaluations[j].value
        first_leads = ahead > 0 or (ahead == 0 and rng.random() < 0.5)
        yield merged(base, *(sides if first_leads else sides[::-1])), i, j


def merged(base: Prompt, better: Prompt, other: Prompt) -> Prompt:
    """Take each part of each step from who changed it; from the better one where both did."""
    old, less = base.steps, other.steps
    return better.with_steps(
        {
            name: replace(
                step,
                instruction=(
                    less[name] if step.instruction == old[name].instruction else step
                ).instruction,
                demos=(less[name] if step.demos == old[name].demos else step).demos,
            )
            for name, step in better.steps.items()
        }
    )


async def no_worse(
    search: Search, prompt: Prompt, sides: tuple[Evaluation, Evaluation], size: int
) -> bool:
    """Whether a merge does as well as either side on a few examples where these differ."""
    examples = contrast(search.rng, *sides, size)
    after = await search.evaluate(prompt, examples)
    return all(difference(part(side, examples), after) >= 0 for side in sides)


def part(evaluation: Evaluation, examples: Sequence[Example]) -> Evaluation:
    """Some examples of an evaluation, in their order."""
    found = {rollout.example: rollout for rollout in evaluation.rollouts}
    return Evaluation(evaluation.prompt, tuple(found[example] for example in examples))


def contrast(rng: Random, one: Evaluation, other: Evaluation, size: int) -> list[Example]:
    """Draw examples, about a third each: one is better, the other is, they are alike."""
    better: list[Example] = []
    worse: list[Example] = []
    alike: list[Example] = []
    for a, b in zip(one.rollouts, other.rollouts, strict=True):
        if a.score and b.score:
            gap = a.score.value - b.score.value
            (better if gap > 0 else worse if gap < 0 else alike).append(a.example)
    chosen: list[Example] = []
    for group in (better, worse, alike):
        n = min(len(group), math.ceil(size / 3), size - len(chosen))
        chosen += rng.sample(group, n)
    rest = [example for example in (*better, *worse, *alike) if example not in chosen]
    return chosen + rng.sample(rest, min(len(rest), size - len(chosen)))
