"""How CAPO makes prompts: a first population, children by cross-over, and their mutations."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from apo import Example, Prompt, Search
from apo.optimizers.parts.capo_demos import Family, demonstrate, half, mutate_demos

Blocks = list[list[Example]]
"""The examples of a race, in the order in which it sees them."""
Pair = tuple[Prompt, Prompt]
MODULE = str(Path(__file__).parents[1] / "capo.py")
"""Beside which the meta-prompts lie."""


def split(
    train: Sequence[Example], rng: Random, *, demo_share: float, max_demos: int, block_size: int
) -> tuple[list[Example], Blocks]:
    """Part the train split into examples for demos, and blocks; the last block may be small."""
    drawn = rng.sample(train, len(train))
    n = max(round(demo_share * len(drawn)), min(max_demos, len(drawn) // 2))
    starts = range(n, len(drawn), block_size)
    return drawn[:n], [drawn[start : start + block_size] for start in starts]


async def first_population(
    search: Search,
    pool: Sequence[Example],
    *,
    size: int,
    n_examples: int,
    max_demos: int,
    temperature: float,
) -> list[Prompt]:
    """The seeds, and induced instructions with some demos or none."""
    population = list(search.seed_prompts)[:size]
    batches = [search.minibatch(n_examples) for _ in range(size - len(population))]
    metas = [search.meta_prompt(MODULE, "induce", examples=batch) for batch in batches]
    bare = await search.propose(metas, temperature=temperature)
    most = min(max_demos, len(pool))
    drawn = [search.rng.sample(pool, search.rng.randint(0, most)) for _ in bare]
    found = await demonstrate(search, list(zip(bare, drawn, strict=True)))
    for prompt, demos in zip(bare, found, strict=True):
        shown = prompt.with_demos(demos)
        new = search.accept([shown], operator="demos", parents=[prompt]) if demos else [prompt]
        population += new
    return population


async def cross(search: Search, pairs: Sequence[Pair], temperature: float) -> list[Family]:
    """Merge the instructions of each pair, and give the child half of their demos."""
    metas = [search.meta_prompt(MODULE, "capo_cross", parents=p, prompts=p) for p in pairs]
    texts = await search.generate(metas, temperature=temperature)
    return [
        (
            mother.with_instruction(text).with_demos(half(mother, father, search.rng)),
            (mother, father),
        )
        for (mother, father), found in zip(pairs, texts, strict=True)
        for text in found
    ]


async def mutate(
    search: Search,
    crossed: Sequence[Family],
    pool: Sequence[Example],
    max_demos: int,
    temperature: float,
) -> list[Prompt]:
    """Another wording, and one demo more, one less, or neither; in a drawn order."""
    name = "capo_mutate"
    metas = [search.meta_prompt(MODULE, name, parents=p, prompt=c) for c, p in crossed]
    texts = await search.generate(metas, temperature=temperature)
    demos = await mutate_demos(search, crossed, pool, max_demos)
    children: list[Prompt] = []
    for (child, parents), shown, found in zip(crossed, demos, texts, strict=True):
        mutants = [child.with_instruction(text).with_demos(shown) for text in found]
        children += search.accept(mutants, operator=name, parents=parents)
    return children
