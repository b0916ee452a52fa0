"""Combee: GEPA that reflects on many answers at once, in groups, and joins what the groups wrote
(Li et al., 2026).

https://arxiv.org/abs/2604.04247

A writer who sees many reflections at once keeps what is general and drops what is special. So the
n answers of a minibatch are each taken `n_copies` times, shuffled, and cut into as many groups as
the root of n, rounded down (§3.1 and §3.2); each group is reflected on apart, all at once; and one
more request joins the new instructions into one. All else is GEPA's, whose setting `n_copies` this
is; this name takes a larger minibatch.

Differs from the authors' code: what could not be read of the groups is left out; where GEPA works
on several parents at once, so do both levels. The paper's controller, which chooses the size of a
minibatch by how long requests take (§3.3), is not here: a search of apo makes the same calls
whatever the timing. Nor is its form of ACE, whose `batch_size` adds what single reflections teach
and has nothing to join.
"""

import math
from dataclasses import asdict, dataclass
from typing import ClassVar

from apo import Search, check_ranges, make_optimizer


@dataclass(frozen=True, kw_only=True)
class Combee:
    """GEPA with map, shuffle and reduce.

    Attributes:
        minibatch_size: train examples of a reflection (n); below 4 it is GEPA's own.
        n_copies: how often each answer is dealt to the groups (p).
        n_proposals: parents that an iteration works on at once.
        n_mutations: children of each of them.
        max_iterations: iterations; the budget usually ends the search before.
        max_stale_iterations: iterations in a row without a new child after which the search ends.
        temperature: of the optimizer model.
    """

    minibatch_size: int = 20
    n_copies: int = 2
    n_proposals: int = 1
    n_mutations: int = 1
    max_iterations: int = 1000
    max_stale_iterations: int = 30
    temperature: float = 1.0
    knows_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, minibatch_size=some, n_copies=some, n_proposals=some, n_mutations=some,
            max_iterations=some, max_stale_iterations=some, temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """GEPA's iterations, each reflection in two levels."""
        await make_optimizer("gepa", asdict(self)).run(search)
