"""What GEPA writes from answers: one reflection, or Combee's, on groups that are then joined."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TypeVar

from apo import Evaluation, MetaPrompt, Search

MODULE = str(Path(__file__).parents[1] / "gepa.py")
"""Beside which the meta-prompts lie."""
T = TypeVar("T")


async def reflected(
    search: Search,
    befores: Sequence[Evaluation],
    pages: Sequence[str],
    *,
    n_copies: int,
    temperature: float,
) -> list[list[str]]:
    """New instructions from answers, right ones as well (GEPA, §3.2), of all parents at once.

    Args:
        search: who asks.
        befores: parents on their minibatches.
        pages: what is told beside the answers of each.
        n_copies: how often each answer is dealt to the groups; 0 for one reflection on all.
        temperature: of the optimizer model.

    Returns:
        For each parent the new instruction; none where nothing could be read.
    """
    maps: list[MetaPrompt] = []
    owners: list[int] = []
    for k, (before, page) in enumerate(zip(befores, pages, strict=True)):
        for group in dealt(search.rng, before.answered, n_copies):
            meta = search.meta_prompt(
                MODULE, "gepa_reflect", parents=[before.prompt], prompt=before.prompt,
                rollouts=group, page=page,
            )  # fmt: skip
            maps.append(meta)
            owners.append(k)
    drafts: list[list[str]] = [[] for _ in befores]
    written = await search.generate(maps, temperature=temperature)
    for k, found in zip(owners, written, strict=True):
        drafts[k] += found
    several = [k for k, texts in enumerate(drafts) if len(texts) > 1]
    joins = [_join(search, befores[k], drafts[k]) for k in several]
    joined = await search.generate(joins, temperature=temperature) if joins else []
    for k, found in zip(several, joined, strict=True):
        drafts[k] = found
    return drafts


def _join(search: Search, before: Evaluation, texts: Sequence[str]) -> MetaPrompt:
    prompt = before.prompt
    drafts = [prompt.with_instruction(text) for text in texts]
    return search.meta_prompt(
        MODULE, "combee_reduce", parents=[prompt], prompt=prompt, prompts=drafts
    )


def dealt(rng: Random, items: Sequence[T], n_copies: int) -> list[list[T]]:
    """Copy and shuffle the items, and cut them into groups as even as can be: the root of n.

    Fewer than four items, or no copies, are one group as it is (Combee, §3.1 and §3.2).
    """
    n_groups = math.isqrt(len(items))
    if n_groups < 2 or not n_copies:
        return [list(items)] if items else []
    deck = [*items] * n_copies
    rng.shuffle(deck)
    size, more = divmod(len(deck), n_groups)
    cuts = [k * size + min(k, more) for k in range(n_groups + 1)]
    return [deck[start:end] for start, end in pairwise(cuts)]
