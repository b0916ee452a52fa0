"""Promptbreeder: instructions evolve, and so do the requests that mutate them
(Fernando et al., 2023).

https://arxiv.org/abs/2309.16797

A unit is a prompt, the mutation-prompt that changes it, its worked solutions that were right, and
the elites of its lineage. It starts from a random mutation-prompt, a random thinking-style and the
description of the task. Each generation pairs all units at random; both of a pair are scored on
random training examples; a mutated copy of the winner takes the loser's place. The mutation is
one of eight operators, drawn evenly: two direct ones, two that estimate the distribution of the
population, one from the lineage, two that change the mutation-prompt first, and one from worked
solutions (§3.2). Then crossover and context shuffling follow by chance.

Differs from the paper (there is no official code): a unit has one instruction, not two that are
applied in turn, so a crossover leaves nothing of the mutated one; the seed prompts are among the
first units; the description is completed by labels and a few examples; an operator without its
material (elites, right answers) is not drawn; the mutator itself picks the first of its hints,
and sees several worked solutions instead of one; fitness is a running mean over all examples that
a unit has met, its own demos left out; likeness is that of character trigrams, not of embeddings;
requests, thinking-styles and mutation-prompts are worded anew. A mutation that brings nothing new
leaves the loser in place. The best of each generation is measured on the validation split.
Population and batches (50 and 100 in the paper) suit runs of 2,000 calls.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import MetaPrompt, Search, SettingsError, check_ranges, roulette
from apo.optimizers.parts.draw import some
from apo.optimizers.parts.promptbreeder_operators import HYPER, OPERATORS, draw_operator, listed
from apo.optimizers.parts.promptbreeder_unit import Unit, best_first, draw_pairs, duel, score


@dataclass(frozen=True, kw_only=True)
class Promptbreeder:
    """Self-referential evolution of prompts.

    Attributes:
        population_size: units.
        n_generations: generations; the budget usually ends the search before.
        batch_size: training examples of one scoring of a unit.
        n_demos: worked solutions that a prompt shows as demos, at most; 0 for none (zero-shot).
        n_examples: training examples that complete the description, 0 as in the paper; and worked
            solutions shown for the mutation that starts from them, at least 1.
        operators: the mutations to draw from.
        crossover_chance: of taking another unit's instruction in place of the mutated one.
        shuffle_chance: of drawing all demos anew.
        max_similarity: prompts more alike than this are shown only once, 0 to 1.
        paired: score both of a pair on the same examples.
        n_leaders: units of each generation that are measured on the validation split.
        temperature: of the optimizer model.
        max_stale_generations: generations without any new prompt that end the search.
    """

    population_size: int = 10
    n_generations: int = 20
    batch_size: int = 20
    n_demos: int = 3
    n_examples: int = 10
    operators: tuple[str, ...] = OPERATORS
    crossover_chance: float = 0.1
    shuffle_chance: float = 0.1
    max_similarity: float = 0.95
    paired: bool = False
    n_leaders: int = 1
    temperature: float = 1.0
    max_stale_generations: int = 5

    def __post_init__(self) -> None:
        if not self.operators or set(self.operators) - set(OPERATORS):
            raise SettingsError(
                f"Promptbreeder.operators is {self.operators!r}; it must name some of {OPERATORS}."
            )
        some, chance = (1, math.inf), (0, 1)
        check_ranges(
            self, population_size=(2, math.inf), n_generations=some, batch_size=some,
            n_demos=(0, math.inf), n_examples=(0, math.inf), crossover_chance=chance,
            shuffle_chance=chance, max_similarity=chance, n_leaders=some, temperature=(0, 2),
            max_stale_generations=some,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """§3: initialize, then binary tournaments."""
        units, stale = await self.initialize(search), 0
        for generation in range(self.n_generations + 1):
            pairs = draw_pairs(search.rng, units)
            await score(search, pairs, self.batch_size, paired=self.paired)
            ranked = best_first(units)
            for elite in ranked[:1]:
                elite.elites = tuple(dict.fromkeys([*elite.elites, elite.prompt]))
            await search.map(search.evaluate, [unit.prompt for unit in ranked[: self.n_leaders]])
            duels = [duel(pair) for pair in pairs]
            over = generation == self.n_generations or stale == self.max_stale_generations
            if over or search.solved or not ranked or not duels:
                return
            before = search.n_candidates
            children = await self.replicate(search, [winner for winner, _ in duels], units)
            for (_, loser), child in zip(duels, children, strict=True):
                units[units.index(loser)] = child or loser
            stale = 0 if search.n_candidates > before else stale + 1

    async def initialize(self, search: Search) -> list[Unit]:
        """§3.1: random mutation-prompts and thinking-styles turn the description into prompts."""
        mutations, seed = lines(search, "mutations"), search.seed_prompts[0]
        units = [Unit(prompt, search.rng.choice(mutations)) for prompt in search.seed_prompts]
        n = self.population_size - len(units)
        drafts = [Unit(seed, search.rng.choice(mutations)) for _ in range(n)]
        asked = [self.ask(search, "init", draft, drafts) for draft in drafts]
        found = await search.generate(asked, temperature=self.temperature)
        for draft, texts in zip(drafts, found, strict=True):
            prompts = [seed.with_instruction(text) for text in texts]
            new = search.accept(prompts, operator="promptbreeder_init")
            units += [Unit(prompt, draft.mutation) for prompt in new]
        return units

    async def replicate(
        self, search: Search, winners: Sequence[Unit], units: Sequence[Unit]
    ) -> list[Unit | None]:
        """§3.2: one operator for each winner, all requests of a kind at once."""
        drawn = [draw_operator(search.rng, unit, self.operators) for unit in winners]
        mutations = await self.hypermutate(search, winners, drawn, units)
        asked = [
            self.ask(search, "first" if operator in HYPER else operator, unit, units, mutation)
            for unit, operator, mutation in zip(winners, drawn, mutations, strict=True)
        ]
        found = await search.generate(asked, temperature=self.temperature)
        works = zip(winners, drawn, mutations, found, strict=True)
        return [self.grow(search, units, *work) for work in works]

    async def hypermutate(
        self, search: Search, winners: Sequence[Unit], drawn: Sequence[str], units: Sequence[Unit]
    ) -> list[str]:
        """§3.2.3: the mutation-prompt of each winner, a new one where the operator says so."""
        picked = [i for i, operator in enumerate(drawn) if operator in HYPER]
        asked = [self.ask(search, drawn[i], winners[i], units) for i in picked]
        found = await search.generate(asked, temperature=self.temperature)
        new = {i: texts[0] for i, texts in zip(picked, found, strict=True) if texts}
        return [new.get(i, unit.mutation) for i, unit in enumerate(winners)]

    def grow(
        self, search: Search, units: Sequence[Unit], parent: Unit, operator: str, mutation: str,
        texts: Sequence[str],
    ) -> Unit | None:  # fmt: skip
        """§3.2.5: crossover and context shuffling by chance; None when nothing new came of it."""
        instruction, parents, other = (texts or [""])[0], [parent.prompt], None
        if search.rng.random() < self.crossover_chance:
            others = [unit for unit in units if unit is not parent]
            other = others[roulette([unit.mean for unit in others], search.rng)[0]].prompt
            instruction, parents, operator = other.instruction, [*parents, other], "crossover"
        demos = parent.shuffled(search.rng, self.n_demos, self.shuffle_chance)
        child, name = parent.child(instruction, mutation, demos), f"promptbreeder_{operator}"
        new = child.prompt == other or search.accept([child.prompt], operator=name, parents=parents)
        return child if new else None

    def ask(
        self, search: Search, operator: str, unit: Unit, units: Sequence[Unit], mutation: str = ""
    ) -> MetaPrompt:
        """Fill an operator's request with all that one of them may show."""
        rng = search.rng
        return search.meta_prompt(
            __file__, f"promptbreeder_{operator}", parents=[unit.prompt], prompt=unit.prompt,
            prompts=listed(operator, unit, units, rng, self.max_similarity),
            mutation=mutation or unit.mutation, style=rng.choice(lines(search, "styles")),
            examples=search.minibatch(self.n_examples),
            rollouts=some(rng, unit.right, max(1, self.n_examples)),
        )  # fmt: skip


def lines(search: Search, name: str) -> list[str]:
    """Read a list of thinking-styles or mutation-prompts, one a line, in the task's language."""
    text = search.meta_prompt(__file__, f"promptbreeder_{name}").text
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if not found:
        raise SettingsError(f"The meta-prompt 'promptbreeder_{name}' is empty; write one a line.")
    return found
