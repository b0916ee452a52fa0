"""Prompts measured on the same few examples, and how much one does better than another there."""

import math
from collections.abc import Iterable, Sequence

from apo import Evaluation, Example, Prompt, Search


async def each(
    search: Search, pairs: Iterable[tuple[Prompt, Sequence[Example]]]
) -> list[Evaluation]:
    """Measure each prompt on its own examples, all at once."""
    return await search.map(lambda pair: search.evaluate(*pair), pairs)


def difference(before: Evaluation, after: Evaluation) -> float:
    """How much more the second scores in all, where both have an answer; NaN where none has."""
    pairs = zip(before.rollouts, after.rollouts, strict=True)
    gains = [b.score.value - a.score.value for a, b in pairs if a.score and b.score]
    return math.fsum(gains) if gains else math.nan
