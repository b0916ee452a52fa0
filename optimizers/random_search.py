"""Random search: write instructions from random examples, measure them all, keep the best.

The baseline that every other method must beat (Bergstra and Bengio, 2012, for the idea in
hyper-parameter search). Each round draws a few training examples for every proposal, asks for an
instruction that explains them, and measures each proposal on the whole validation split. No
proposal learns from another's score.
"""

import math
from dataclasses import dataclass

from apo import Search, check_ranges

MAX_EMPTY_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class RandomSearch:
    """Independent proposals, uniform evaluation, until the budget ends.

    Attributes:
        n_demos: training examples shown for each proposal.
        n_proposals: proposals written and measured at once.
        max_rounds: rounds of proposals; the budget usually ends the search before.
    """

    n_demos: int = 20
    n_proposals: int = 8
    max_rounds: int = 1000

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(self, n_demos=some, n_proposals=some, max_rounds=some)

    async def run(self, search: Search) -> None:
        """Propose and measure, round by round."""
        empty = 0
        for _ in range(self.max_rounds):
            batches = [search.minibatch(self.n_demos) for _ in range(self.n_proposals)]
            texts = [search.meta_prompt(__file__, "induce", examples=batch) for batch in batches]
            proposals = await search.propose(texts)
            await search.map(search.evaluate, proposals)
            empty = 0 if proposals else empty + 1
            if search.solved or empty == MAX_EMPTY_ROUNDS:
                return
