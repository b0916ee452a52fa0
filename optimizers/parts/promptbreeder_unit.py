"""Promptbreeder's unit of evolution, and how units meet."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from apo import Example, Prompt, Rollout, Search
from apo.optimizers.parts.draw import some


@dataclass(eq=False)
class Unit:
    """A unit of evolution.

    Attributes:
        prompt: the task-prompt, with the demos that it shows.
        mutation: the mutation-prompt that changes it.
        elites: the prompts of its lineage that were the best of a generation, oldest first.
        demos: right answers that the prompt shows.
        met: answered training examples.
    """

    prompt: Prompt
    mutation: str
    elites: tuple[Prompt, ...] = ()
    demos: tuple[Rollout, ...] = ()
    met: dict[Example, Rollout] = field(default_factory=dict[Example, Rollout])

    @property
    def mean(self) -> float | None:
        """Fitness: mean score of all examples met so far; None when none has a score."""
        scores = [rollout.score.value for rollout in self.met.values() if rollout.score]
        return sum(scores) / len(scores) if scores else None

    @property
    def right(self) -> list[Rollout]:
        """Worked solutions: the answers that were right."""
        return [rollout for rollout in self.met.values() if rollout.outcome == "right"]

    def shuffled(self, rng: random.Random, n: int, chance: float) -> tuple[Rollout, ...]:
        """§3.2.5: a new worked solution joins or replaces one; by chance all n are drawn anew."""
        if rng.random() < chance:
            return tuple(some(rng, self.right, n))
        demos, known = list(self.demos), {rollout.example for rollout in self.demos}
        new = [rollout for rollout in self.right if rollout.example not in known]
        if not n or not new:
            return self.demos
        if len(demos) == n:
            del demos[rng.randrange(len(demos))]
        return (*demos, rng.choice(new))

    def child(self, instruction: str, mutation: str, demos: tuple[Rollout, ...]) -> "Unit":
        """A mutated copy with demos of its own, which has met no example yet."""
        prompt = self.prompt.with_instruction(instruction)
        if demos:
            shown = [rollout.demo(prompt) for rollout in demos]
            prompt = prompt.with_demos(tuple(shown))
        return Unit(prompt, mutation, self.elites, demos)


async def score(
    search: Search, pairs: Sequence[Sequence[Unit]], batch_size: int, *, paired: bool
) -> None:
    """Add to what units have met fresh training examples, their own demos left out."""
    drawn: list[tuple[Unit, list[Example]]] = []
    for pair in pairs:
        same = search.minibatch(batch_size)
        for unit in pair:
            batch = same if paired else search.minibatch(batch_size)
            own = [rollout.example for rollout in unit.demos]
            drawn.append((unit, [example for example in batch if example not in own]))

    async def meet(work: tuple[Unit, list[Example]]) -> None:
        unit, batch = work
        evaluation = await search.evaluate(unit.prompt, batch)
        unit.met.update((rollout.example, rollout) for rollout in evaluation.scored)

    await search.map(meet, drawn)


def draw_pairs(rng: random.Random, units: Sequence[Unit]) -> list[tuple[Unit, Unit]]:
    """Random pairs of all units; of an odd number one is left out."""
    drawn = rng.sample(units, len(units))
    return list(zip(drawn[::2], drawn[1::2], strict=False))


def best_first(units: Sequence[Unit]) -> list[Unit]:
    """Sort by fitness, the first of equal ones first; without those of unknown fitness."""
    return sorted((u for u in units if u.mean is not None), key=lambda u: u.mean or 0, reverse=True)


def duel(pair: Sequence[Unit]) -> list[Unit]:
    """The two of a duel; one of unknown fitness loses."""
    return best_first(pair) + [unit for unit in pair if unit.mean is None]
