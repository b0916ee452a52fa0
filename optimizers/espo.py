"""ESPO: one diagnosis of all failures, proposals with a bias each, and acceptance by bootstrap
(2026).

https://arxiv.org/abs/2609.04197

Each round counts all answers of the prompt to some training examples and shows a few failures with
that page for one diagnosis. From it instructions are written, each with another bias: a smallest
change, the form of the answer, how to decide between answers, the steps to it. All are measured on
the validation split, and the best takes the prompt's place only where it does better in `level` of
the resamples of the paired rows.

We could not read the paper's text: known to us are these three parts, and that they are meant for
small budgets. All else is ours: the page of counts, the biases, all sizes, and the level. A round
that is not accepted is followed by one on other training examples; after `patience` of these the
search ends.
"""

import math
from dataclasses import dataclass

from apo import Evaluation, Prompt, Search, check_ranges, share_of_wins
from apo.optimizers.parts.draw import some


@dataclass(frozen=True, kw_only=True)
class ESPO:
    """Diagnose once, propose with biases, accept by resamples.

    Attributes:
        n_rounds: rounds; the budget may end the search before.
        n_studied: training examples whose answers are counted in a round.
        n_shown: failures that the diagnosis sees.
        level: share of the resamples in which a proposal must do better, above 0.5.
        patience: rounds in a row without an accepted proposal, after which the search ends.
        temperature: of the optimizer model.
    """

    n_rounds: int = 10
    n_studied: int = 40
    n_shown: int = 6
    level: float = 0.9
    patience: int = 3
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_rounds=some, n_studied=some, n_shown=some, level=(0.5, 1), patience=some,
            temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Diagnose, propose, and accept what stands."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        best, stale = max(seeds, key=lambda seed: seed.value), 0
        for _ in range(self.n_rounds):
            if search.solved or stale == self.patience:
                return
            stale += 1
            reason = await self.diagnose(search, best.prompt)
            children = await self.propose(search, best.prompt, reason) if reason else []
            tried = await search.map(search.evaluate, children)
            first = max(tried, key=lambda child: child.value, default=best)
            if stands(best, first, self.level):
                best, stale = first, 0

    async def diagnose(self, search: Search, prompt: Prompt) -> str:
        """One diagnosis of all failures on some training examples; "" where there is none."""
        studied = await search.evaluate(prompt, search.minibatch(self.n_studied))
        if not studied.failures:
            return ""
        meta = search.meta_prompt(
            __file__, "espo_diagnose", parents=[prompt], prompt=prompt,
            page=search.failure_page(studied.rollouts),
            failures=some(search.rng, studied.failures, self.n_shown),
        )  # fmt: skip
        found = await search.generate([meta], tag="reason", temperature=self.temperature)
        return found[0][0] if found[0] else ""

    async def propose(self, search: Search, prompt: Prompt, reason: str) -> list[Prompt]:
        """An instruction for each bias, all from the same diagnosis."""
        biases = search.meta_prompt(__file__, "espo_styles").text.strip().splitlines()
        metas = [
            search.meta_prompt(
                __file__, "espo_propose", parents=[prompt], prompt=prompt, reason=reason,
                style=bias,
            )
            for bias in biases
        ]  # fmt: skip
        return await search.propose(metas, temperature=self.temperature)


def stands(before: Evaluation, after: Evaluation, level: float) -> bool:
    """Whether a prompt does better than another in so many resamples of the rows that both have."""
    pairs = zip(before.rollouts, after.rollouts, strict=True)
    both = [
        (b.score.value - a.score.value, a.example.group) for a, b in pairs if a.score and b.score
    ]
    if not both:
        return False
    gains, groups = zip(*both, strict=True)
    return share_of_wins(gains, groups) >= level
