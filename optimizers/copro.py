"""COPRO: coordinate ascent over the instruction and the first words of the answer
(Khattab et al., 2023).

https://arxiv.org/abs/2310.03714

The first depth asks for better pairs of instruction and answer prefix, given the present one
alone; every later depth shows the best pairs so far with their scores, worst first, and asks for
better ones. Each new pair is measured on the whole validation split. Our prompts call the answer
prefix their cue.

Differs from the authors' code: scores come from the validation split (the code has none, and scores
on all of train); the optimizer model is told the task's description and labels; each of the
`breadth` pairs is a call of its own (the code asks for n completions of one); a reply without a
prefix keeps the one it was made from; a pair that was tried is not measured again; with one prompt
there is one coordinate, so the re-scoring of several predictors does not arise. No training
examples are shown, unless `n_demos` says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Evaluation, MetaPrompt, Prompt, Search, check_ranges
from apo.optimizers.parts.prefix import climb, propose_pairs


@dataclass(frozen=True, kw_only=True)
class COPRO:
    """Coordinate prompt ascent.

    Attributes:
        breadth: pairs proposed at each depth (at the first, the seed is one of them), and past
            attempts shown.
        depth: rounds.
        init_temperature: of the optimizer model.
        n_demos: training examples shown to the optimizer model; the authors show none.
    """

    breadth: int = 10
    depth: int = 3
    init_temperature: float = 1.4
    n_demos: int = 0

    def __post_init__(self) -> None:
        check_ranges(
            self, breadth=(2, math.inf), depth=(1, math.inf), init_temperature=(0, 2),
            n_demos=(0, math.inf),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Propose from the seed, then from the attempts; measure every new pair."""
        await climb(search, self.depth, self.propose)

    async def propose(
        self, search: Search, depth: int, attempts: Sequence[Evaluation]
    ) -> list[Prompt]:
        """Sample pairs of an instruction and an answer prefix."""
        first = depth == 1
        meta = self.basic(search) if first else self.attempted(search, attempts)
        n, temperature = self.breadth - first, self.init_temperature
        return await propose_pairs(search, [meta], n, temperature=temperature, quotes='"')

    def basic(self, search: Search) -> MetaPrompt:
        """Ask for better than the seed."""
        seed = search.seed_prompts[0]
        examples = search.minibatch(self.n_demos)
        return search.meta_prompt(
            __file__, "copro_basic", parents=[seed], prompt=seed, examples=examples
        )

    def attempted(self, search: Search, attempts: Sequence[Evaluation]) -> MetaPrompt:
        """Ask for better than the best attempts, shown from the worst to the best."""
        shown = sorted(attempts, key=lambda e: -e.value)[: self.breadth][::-1]
        return search.meta_prompt(
            __file__, "copro_attempts", parents=[shown[-1].prompt], history=shown,
            examples=search.minibatch(self.n_demos),
        )  # fmt: skip
