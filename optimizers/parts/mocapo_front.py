"""MO-CAPO's two sets of prompts: incumbents, whom none dominates, and all others."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from apo import Evaluation, Prompt, nondominated_sort

Vector = tuple[float, float]
"""Score and negative cost: both are better when they are higher."""
CHARS = 4
"""Characters that are taken for a token where a server does not count."""


def cost(evaluation: Evaluation) -> float:
    """Tokens of a call, read and written: what the prompt costs in use, answers included."""
    counted = [rollout.tokens for rollout in evaluation.rollouts if rollout.tokens]
    if counted:
        return sum(counted) / len(counted)
    written = sum(len(rollout.output) for rollout in evaluation.rollouts)
    return (len(evaluation.prompt.text()) + written / max(1, len(evaluation.rollouts))) / CHARS


def dominates(one: Vector, other: Vector) -> bool:
    """Whether the first is nowhere worse and somewhere better."""
    return one != other and one[0] >= other[0] and one[1] >= other[1]


def crowding(vectors: Sequence[Vector]) -> list[float]:
    """How much room each has on its front (NSGA-II; Deb et al., 2002); infinite at the ends."""
    room = [0.0 if len(vectors) > 2 else math.inf for _ in vectors]
    for k in (0, 1) if len(vectors) > 2 else ():
        order = sorted(range(len(vectors)), key=lambda i: vectors[i][k])
        room[order[0]] = room[order[-1]] = math.inf
        width = vectors[order[-1]][k] - vectors[order[0]][k]
        for before, i, after in zip(order, order[1:], order[2:], strict=False):
            room[i] += (vectors[after][k] - vectors[before][k]) / width if width else 0.0
    return room


@dataclass
class Front:
    """Both sets, and what each prompt did on each block.

    Attributes:
        rng: for draws among equals.
        size: places of both sets together.
        known: vectors of every prompt, by block.
        incumbents: whom none dominates.
        rest: the others.
    """

    rng: Random
    size: int
    known: dict[Prompt, dict[int, Vector]] = field(default_factory=dict[Prompt, dict[int, Vector]])
    incumbents: list[Prompt] = field(default_factory=list[Prompt])
    rest: list[Prompt] = field(default_factory=list[Prompt])

    def add(self, block: int, evaluation: Evaluation) -> None:
        """Keep what a prompt did on a block."""
        self.known.setdefault(evaluation.prompt, {})[block] = (evaluation.value, -cost(evaluation))

    def blocks(self, prompt: Prompt) -> set[int]:
        """The blocks that a prompt has seen."""
        return set(self.known.get(prompt, ()))

    def common(self) -> set[int]:
        """The blocks that all incumbents have seen."""
        return set[int].intersection(*map(self.blocks, self.incumbents))

    def vector(self, prompt: Prompt, blocks: Collection[int] | None = None) -> Vector:
        """Mean vector on some blocks, by default on all that the prompt has seen."""
        seen: Mapping[int, Vector] = self.known[prompt]
        found = [seen[block] for block in sorted(seen if blocks is None else blocks)]
        return (
            math.fsum(score for score, _ in found) / len(found),
            math.fsum(cost for _, cost in found) / len(found),
        )

    def sort(self, prompts: Sequence[Prompt], blocks: Collection[int]) -> None:
        """Make the first layer of the prompts the incumbents; the others join the rest."""
        first, *others = nondominated_sort([self.vector(prompt, blocks) for prompt in prompts])
        self.incumbents = [prompts[i] for i in first]
        self.rest += [prompts[i] for layer in others for i in layer]

    def closest(self, vector: Vector) -> Prompt:
        """The incumbent nearest to a vector, where each objective goes from 0 to 1."""
        known = [v for found in self.known.values() for v in found.values()]
        low, high = (tuple(map(pick, zip(*known, strict=True))) for pick in (min, max))
        width = [top - bottom or 1.0 for bottom, top in zip(low, high, strict=True)]

        def distance(prompt: Prompt) -> float:
            gaps = zip(self.vector(prompt), vector, width, strict=True)
            return math.hypot(*((a - b) / w for a, b, w in gaps))

        return min(self.incumbents, key=distance)

    def parents(self) -> tuple[Prompt, Prompt]:
        """Two different winners of tournaments."""
        both = [*self.incumbents, *self.rest]
        first = self.winner(both)
        others = [prompt for prompt in both if prompt != first]
        return first, self.winner(others) if others else first

    def winner(self, among: Sequence[Prompt]) -> Prompt:
        """Of two drawn prompts the incumbent, the one with more room, or the one that is better."""
        a, b = self.rng.sample(among, 2) if len(among) > 1 else (among[0], among[0])
        if (a in self.incumbents) != (b in self.incumbents):
            return a if a in self.incumbents else b
        if a in self.incumbents:
            return self._roomier(a, b, self.incumbents, self.common())
        if self.blocks(a) == self.blocks(b):
            return self._ranked(a, b)
        return self._weakly_better(a, b) or self.rng.choice((a, b))

    def _roomier(
        self, a: Prompt, b: Prompt, front: Sequence[Prompt], blocks: Collection[int]
    ) -> Prompt:
        room = dict(zip(front, crowding([self.vector(p, blocks) for p in front]), strict=True))
        if room[a] == room[b]:
            return self.rng.choice((a, b))
        return max(a, b, key=lambda prompt: room[prompt])

    def _ranked(self, a: Prompt, b: Prompt) -> Prompt:
        """Of two that saw the same blocks the one on the better layer, or with more room there."""
        blocks = self.blocks(a)
        alike = [prompt for prompt in self.rest if self.blocks(prompt) == blocks]
        for layer in nondominated_sort([self.vector(prompt) for prompt in alike]):
            here = [alike[i] for i in layer]
            if (a in here) != (b in here):
                return a if a in here else b
            if a in here:
                return self._roomier(a, b, here, blocks)
        return a

    def _weakly_better(self, a: Prompt, b: Prompt) -> Prompt | None:
        """Who saw all blocks that the other saw, and dominates it there, if any."""
        for one, other in ((a, b), (b, a)):
            blocks = self.blocks(other)
            if blocks <= self.blocks(one) and dominates(
                self.vector(one, blocks), self.vector(other, blocks)
            ):
                return one
        return None

    def prune(self) -> None:
        """Take out who is worst, until there are no more prompts than places."""
        while len(self.incumbents) + len(self.rest) > self.size:
            if not self.rest:
                self._drop(self.incumbents, self.incumbents, self.common())
                continue
            seen = [self.blocks(prompt) for prompt in self.rest]
            if any(blocks != seen[0] for blocks in seen):  # Not to be compared: the least known.
                fewest = min(map(len, seen))
                least = [p for p, s in zip(self.rest, seen, strict=True) if len(s) == fewest]
                self.rest.remove(self.rng.choice(least))
                continue
            layers = nondominated_sort([self.vector(prompt) for prompt in self.rest])
            self._drop(self.rest, [self.rest[i] for i in layers[-1]], seen[0])

    def _drop(
        self, prompts: list[Prompt], layer: Sequence[Prompt], blocks: Collection[int]
    ) -> None:
        room = crowding([self.vector(prompt, blocks) for prompt in layer])
        least = [prompt for prompt, r in zip(layer, room, strict=True) if r == min(room)]
        prompts.remove(self.rng.choice(least))
