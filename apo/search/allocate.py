"""Which of many prompts is best, for so many rollouts."""

from collections.abc import Sequence
from dataclasses import replace

from apo.errors import SettingsError, near
from apo.prompts.prompt import Prompt
from apo.search.allocators import ALLOCATORS, Settings
from apo.search.arms import MeasuredPool
from apo.search.search import Search
from apo.task import Example

__all__ = ["ALLOCATORS", "allocate"]


async def allocate(
    search: Search,
    pool: Sequence[Prompt],
    n: int,
    *,
    rollouts: int,
    allocator: str = "ucb",
    examples: Sequence[Example] | None = None,
    paired: bool = True,
    exploration: float = 1.0,
    batch_size: int = 5,
    share: float = 1 / 3,
    alpha: float = 0.2,
) -> list[Prompt]:
    """Find the best prompts of a pool with a limited number of measurements of one example.

    No prompt sees an example twice in one call, which would teach nothing; a prompt that has
    seen them all is known and not pulled any more. So fewer rollouts are spent when the examples
    run out, and when the answers are in the journal already, which costs nothing.

    Args:
        search: the search that pays.
        pool: the prompts, those you believe in first: these are sampled first when there are
            fewer rollouts than prompts, and win ties. Repetitions count once.
        n: how many to give back; at least 1.
        rollouts: measurements of one prompt on one example in all; never more.
        allocator: the rule, a name in ALLOCATORS.
        examples: what to measure on; the train split when left out.
        paired: let all prompts see the same examples in the same order, so that luck with the
            examples is the same for all. False: each prompt has an order of its own, as in the
            papers.
        exploration: weight of the uncertainty in "ucb", the constant of "ucb-e"; at least 0.
        batch_size: examples that a prompt of a round sees in "ucb", "ucb-e" and "race"; fewer
            when not every prompt could be seen twice.
        share: share of the pool that a round of "ucb" and "ucb-e" pulls, above 0, up to 1.
        alpha: level of "race", shared evenly among the rounds that are planned when it begins.

    Returns:
        The best n, the best first. Those never sampled are unknown, not bad: they come last, in
        the order of the pool.

    Raises:
        SettingsError: an unknown allocator, or a setting out of its range.
        BudgetExhausted: the search's budget is over.
    """
    if allocator not in ALLOCATORS:
        raise SettingsError(f"There is no allocator {allocator!r}.{near(allocator, [*ALLOCATORS])}")
    if n < 1 or rollouts < 0:
        raise SettingsError(
            f"allocate was given n={n}, rollouts={rollouts}; n must be at least 1, rollouts at "
            "least 0."
        )
    if allocator == "race" and not paired:
        raise SettingsError("A race compares prompts on the same examples: paired must be True.")
    settings = Settings(exploration, batch_size, share, alpha)
    distinct = list(dict.fromkeys(pool))
    if not distinct:
        return []
    chosen = search.task.train if examples is None else examples
    arms = MeasuredPool(search, distinct, chosen, rollouts, paired)
    settings = replace(settings, batch_size=arms.batch(batch_size))
    ranked = await ALLOCATORS[allocator](arms, n, settings)
    return [distinct[arm] for arm in ranked[:n]]
