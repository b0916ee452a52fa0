"""Pairs of an instruction and an answer prefix, and COPRO's climb over them."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from apo import Evaluation, Example, MetaPrompt, Prompt, Search

_PREFIX = re.compile(r"<prefix>(.*?)(?:</prefix>|$)", re.DOTALL | re.IGNORECASE)
Propose = Callable[[Search, int, list[Evaluation]], Awaitable[list[Prompt]]]
"""From the depth, 1 for the first proposals, and the attempts so far to new pairs."""


async def climb(
    search: Search,
    depth: int,
    propose: Propose,
    *,
    examples: Sequence[Example] | None = None,
    n_leaders: int = 0,
) -> None:
    """Score the seed prompt and, depth by depth, what is proposed from all attempts before.

    Args:
        search: the search.
        depth: rounds of proposals.
        propose: makes the new pairs of a round.
        examples: what pairs are scored on; None for the validation split.
        n_leaders: attempts that are measured on the validation split after each round.
    """
    pool, attempts = list(search.seed_prompts[:1]), list[Evaluation]()
    for level in range(depth + 1):
        if level:
            pool = await propose(search, level, attempts)
        attempts += await search.map(lambda p: search.evaluate(p, examples), pool)
        if n_leaders:
            await search.map(search.evaluate, [e.prompt for e in best_last(attempts)[-n_leaders:]])
        if search.solved:
            return


async def propose_pairs(
    search: Search,
    metas: Sequence[MetaPrompt],
    n: int = 1,
    *,
    temperature: float,
    quotes: str = "",
) -> list[Prompt]:
    """Sample pairs from meta-prompts with the same parents; the new ones are candidates."""
    found = await search.generate(metas, n, temperature=temperature)
    parents = metas[0].parents
    pairs = [pair(parents[0], text, quotes) for texts in found for text in texts]
    return search.accept(pairs, operator=metas[0].name, parents=parents)


def best_last(attempts: Sequence[Evaluation]) -> list[Evaluation]:
    """Sort by score, the newest of equal ones last."""
    return sorted(attempts, key=lambda e: e.value)


def pair(parent: Prompt, text: str, quotes: str = "") -> Prompt:
    """Take the answer prefix out of a proposal; without one the parent's stays.

    Args:
        parent: lends the other parts.
        text: the instruction, with the prefix in <prefix> tags.
        quotes: signs that are taken off from around both.
    """

    def bare(part: str) -> str:
        return part.strip().strip(quotes).strip()

    found = _PREFIX.findall(text)
    cue = bare(found[-1]) if found else parent.cue
    return replace(parent, instruction=bare(_PREFIX.sub("", text)), cue=cue)
