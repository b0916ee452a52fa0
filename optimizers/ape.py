"""APE: instructions induced from examples, the best found by bandit, varied by resampling
(Zhou et al., 2022).

https://arxiv.org/abs/2211.01910

Several queries (§3.1), each with its own demonstrations, each sampled several times, give the
pool: what instruction leads to these outputs ("forward"), or what stood in the blank above them
("insert")? The pool is scored (§3.2) on random training examples, by the model's answers or by
how likely it finds the right ones; all prompts alike ("flat"), or by an upper-confidence-bound
bandit ("ucb"). Iterative Monte-Carlo search (§3.4): the best are kept, a variation of each is
sampled, and the pool is scored again. The leaders of every round are measured on the validation
split.

Differs from the authors' code: the queries tell the task's description and labels (the authors show
demonstrations alone); the iterative search, which the paper describes and the code leaves out, is
on; within a flat scoring all prompts see the same examples (the code draws new ones for each;
`paired=False` does so); an arm never sampled is unknown, not 0; under likelihood the bandit sees
the ranks of the arms, in [0, 1] as its bound supposes, and not the log-probabilities; the insert
mode, made for models that fill gaps, asks a chat model for the text of the blank; the final choice
is made by answers on the validation split, so that runs of all optimizers can be compared. Defaults
are smaller: 5 queries of 20 demonstrations, sampled 5 times each, where the library takes 5 queries
of 5, sampled 50 times; and 10 rounds of the bandit where it takes 20, so that a run of 2,000 calls
gets as far as resampling.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from apo import Prompt, Search, SettingsError, check_ranges, highest_upper_bound
from apo.optimizers.parts.arms import Arms

CHOICES = {
    "mode": ("forward", "insert"),
    "score": ("execution", "likelihood"),
    "evaluation": ("ucb", "flat"),
}


@dataclass(frozen=True, kw_only=True)
class APE:
    """Automatic Prompt Engineer.

    Attributes:
        mode: what a query asks for: "forward", the instruction behind the demonstrations, or
            "insert", the blank above them.
        score: what an example adds to a prompt's score: "execution", the score of the answer, or
            "likelihood", the mean log-probability of the right answer's tokens, which takes a
            task model that gives it (see `Search.likelihood`).
        n_queries: queries, each with demonstrations of its own.
        n_demos: demonstrations in a query.
        n_samples: instructions sampled from each query.
        evaluation: "ucb", or "flat".
        n_examples: examples for each prompt of a flat scoring.
        ucb_rounds: rounds of the bandit.
        ucb_share: share of the pool that a round of the bandit scores.
        ucb_examples: examples for each prompt that a round scores.
        exploration: weight of the bandit's uncertainty.
        paired: in a flat scoring, show all prompts the same examples.
        n_leaders: prompts of each pool that are measured on the validation split.
        n_iterations: rounds of resampling after the first pool (the paper: gains end by three).
        keep_share: share of the pool that is kept and varied in each iteration.
        temperature: of the optimizer model.
    """

    mode: Literal["forward", "insert"] = "forward"
    score: Literal["execution", "likelihood"] = "execution"
    n_queries: int = 5
    n_demos: int = 20
    n_samples: int = 5
    evaluation: Literal["ucb", "flat"] = "ucb"
    n_examples: int = 20
    ucb_rounds: int = 10
    ucb_share: float = 0.334
    ucb_examples: int = 5
    exploration: float = 1.0
    paired: bool = True
    n_leaders: int = 3
    n_iterations: int = 3
    keep_share: float = 0.3
    temperature: float = 0.9

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                one, other = map(repr, known)
                raise SettingsError(
                    f"APE.{name} is {getattr(self, name)!r}; it is {one} or {other}."
                )
        some, share = (1, math.inf), (0, 1)
        check_ranges(
            self, n_queries=some, n_demos=some, n_samples=some, n_examples=some, n_leaders=some,
            ucb_rounds=some, ucb_examples=some, ucb_share=share, keep_share=share,
            exploration=(0, math.inf), n_iterations=(0, math.inf), temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Algorithm 1, with §3.4: propose, score, then keep and vary."""
        pool = [*search.seed_prompts, *await self.induce(search)]
        for iteration in range(self.n_iterations + 1):
            if iteration:
                kept = pool[: max(1, round(self.keep_share * len(pool)))]
                pool = [*kept, *await self.resample(search, kept)]
            pool = await self.sort(search, pool)
            await search.map(search.evaluate, pool[: self.n_leaders])
            if search.solved or not pool:  # Empty when no example was answered.
                return

    async def induce(self, search: Search) -> list[Prompt]:
        """§3.1: what instruction would make these inputs give these outputs?"""
        name = "induce" if self.mode == "forward" else "ape_insert"
        batches = [search.minibatch(self.n_demos) for _ in range(self.n_queries)]
        texts = [search.meta_prompt(__file__, name, examples=batch) for batch in batches]
        return await search.propose(texts, self.n_samples, temperature=self.temperature)

    async def resample(self, search: Search, kept: Sequence[Prompt]) -> list[Prompt]:
        """Iterative search: a variation of each prompt that keeps its meaning."""
        texts = [
            search.meta_prompt(__file__, "reword", parents=[prompt], prompt=prompt)
            for prompt in kept
        ]
        return await search.propose(texts, temperature=self.temperature)

    async def sort(self, search: Search, pool: Sequence[Prompt]) -> list[Prompt]:
        """Sort the pool by its estimated score, the best first; the unsampled are left out."""
        arms = Arms(search, pool, self.score)
        if self.evaluation == "flat":
            same = search.minibatch(self.n_examples)
            batches = [same if self.paired else search.minibatch(self.n_examples) for _ in pool]
            await arms.pull(range(len(pool)), batches)
            return arms.sorted()
        size = max(1, round(self.ucb_share * len(pool)))
        for turn in range(self.ucb_rounds):
            if turn == 0:
                picked = search.rng.sample(range(len(pool)), size)
            else:
                picked = highest_upper_bound(
                    arms.rewards(), arms.counts, size, exploration=self.exploration
                )
            await arms.pull(picked, [search.minibatch(self.ucb_examples) for _ in picked])
        return arms.sorted()
