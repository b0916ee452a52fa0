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
Population and batches are smaller than the paper's 50 and 100, so that a run of 2,000 calls sees
several generations.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from apo import Example, MetaPrompt, Prompt, Rollout, Search, SettingsError, check_ranges, roulette

HYPER = ("hyper_zero", "hyper_first")
"""Operators that write a new mutation-prompt, and then apply it."""
OPERATORS = ("zero", "first", "eda", "eda_rank", "lineage", *HYPER, "working")


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
            await self.score(search, pairs)
            ranked = best_first(units)
            for elite in ranked[:1]:
                elite.elites = tuple(dict.fromkeys([*elite.elites, elite.prompt]))
            await search.map(search.evaluate, [unit.prompt for unit in ranked[: self.n_leaders]])
            duels = [best_first(pair) + [u for u in pair if u.mean is None] for pair in pairs]
            over = generation == self.n_generations or stale == self.max_stale_generations
            if over or search.solved or not ranked or not duels:
                return
            before = search.n_candidates
            children = await self.replicate(search, [winner for winner, _ in duels], units)
            for (_, loser), child in zip(duels, children, strict=True):
                units[units.index(loser)] = child or loser
            stale = 0 if search.n_candidates > before else stale + 1

    async def initialize(self, search: Search) -> list["Unit"]:
        """§3.1: random mutation-prompts and thinking-styles turn the description into prompts."""
        mutations = lines(search, "mutations")
        units = [Unit(prompt, search.rng.choice(mutations)) for prompt in search.seed_prompts]
        seed = search.seed_prompts[0]
        drafts = [
            Unit(seed, search.rng.choice(mutations))
            for _ in range(self.population_size - len(units))
        ]
        asked = [self.ask(search, "init", draft, drafts) for draft in drafts]
        found = await search.generate(asked, temperature=self.temperature)
        for draft, texts in zip(drafts, found, strict=True):
            prompts = [seed.with_instruction(text) for text in texts]
            new = search.accept(prompts, operator="promptbreeder_init")
            units += [Unit(prompt, draft.mutation) for prompt in new]
        return units

    async def score(self, search: Search, pairs: Sequence[Sequence["Unit"]]) -> None:
        """Fitness: fresh training examples for each unit, added to what it has met before."""
        drawn: list[tuple[Unit, list[Example]]] = []
        for pair in pairs:
            same = search.minibatch(self.batch_size)
            for unit in pair:
                batch = same if self.paired else search.minibatch(self.batch_size)
                own = [rollout.example for rollout in unit.demos]
                drawn.append((unit, [example for example in batch if example not in own]))

        async def meet(work: tuple[Unit, list[Example]]) -> None:
            evaluation = await search.evaluate(work[0].prompt, work[1])
            work[0].met.update((rollout.example, rollout) for rollout in evaluation.answered)

        await search.map(meet, drawn)

    async def replicate(
        self, search: Search, winners: Sequence["Unit"], units: Sequence["Unit"]
    ) -> list["Unit | None"]:
        """§3.2: one operator for each winner, all requests of a kind at once."""
        operators = [self.draw_operator(search.rng, unit) for unit in winners]
        mutations = await self.hypermutate(search, winners, units, operators)
        asked = [
            self.ask(search, "first" if operator in HYPER else operator, unit, units, mutation)
            for unit, operator, mutation in zip(winners, operators, mutations, strict=True)
        ]
        found = await search.generate(asked, temperature=self.temperature)
        return [
            self.grow(search, units, *parts)
            for parts in zip(winners, operators, mutations, found, strict=True)
        ]

    async def hypermutate(
        self,
        search: Search,
        winners: Sequence["Unit"],
        units: Sequence["Unit"],
        operators: Sequence[str],
    ) -> list[str]:
        """§3.2.3: the mutation-prompt of each winner, a new one where the operator says so."""
        picked = [i for i, operator in enumerate(operators) if operator in HYPER]
        asked = [self.ask(search, operators[i], winners[i], units) for i in picked]
        found = await search.generate(asked, temperature=self.temperature)
        new = {i: texts[0] for i, texts in zip(picked, found, strict=True) if texts}
        return [new.get(i, unit.mutation) for i, unit in enumerate(winners)]

    def grow(
        self,
        search: Search,
        units: Sequence["Unit"],
        parent: "Unit",
        operator: str,
        mutation: str,
        texts: Sequence[str],
    ) -> "Unit | None":
        """§3.2.5: crossover and context shuffling by chance; None when nothing new came of it."""
        instruction, parents, other = (texts or [""])[0], [parent.prompt], None
        if search.rng.random() < self.crossover_chance:
            others = [unit for unit in units if unit is not parent]
            other = others[roulette([unit.mean for unit in others], search.rng)[0]].prompt
            instruction, parents, operator = other.instruction, [*parents, other], "crossover"
        demos = self.shuffle(search.rng, parent)
        prompt = parent.prompt.with_instruction(instruction)
        if demos:
            shown = [prompt.demo(rollout.example.inputs, rollout.output) for rollout in demos]
            prompt = prompt.with_demos(tuple(shown))
        name = f"promptbreeder_{operator}"
        if prompt != other and not search.accept([prompt], operator=name, parents=parents):
            return None
        return Unit(prompt, mutation, parent.elites, demos)

    def shuffle(self, rng: random.Random, unit: "Unit") -> tuple[Rollout, ...]:
        """§3.2.5: a new worked solution joins or replaces one; by chance all are drawn anew."""
        if rng.random() < self.shuffle_chance:
            return tuple(rng.sample(unit.right, min(self.n_demos, len(unit.right))))
        demos, known = list(unit.demos), {rollout.example for rollout in unit.demos}
        new = [rollout for rollout in unit.right if rollout.example not in known]
        if not self.n_demos or not new:
            return unit.demos
        if len(demos) == self.n_demos:
            del demos[rng.randrange(len(demos))]
        return (*demos, rng.choice(new))

    def draw_operator(self, rng: random.Random, unit: "Unit") -> str:
        """Evenly among those that the unit has the material for."""
        lacking = {"lineage": not unit.elites, "working": not unit.right}
        return rng.choice([o for o in self.operators if not lacking.get(o)] or ["first"])

    def ask(
        self,
        search: Search,
        operator: str,
        unit: "Unit",
        units: Sequence["Unit"],
        mutation: str = "",
    ) -> MetaPrompt:
        """Fill an operator's request with all that one of them may show."""
        rng, prompts = search.rng, tuple[Prompt, ...]()
        if operator == "eda":
            prompts = self.distinct(rng.sample(units, len(units)))
        elif operator == "eda_rank":  # Ascending, though the request says descending (§3.2.2).
            prompts = self.distinct(best_first(units))[::-1]
        elif operator == "lineage":
            prompts = unit.elites
        return search.meta_prompt(
            __file__,
            f"promptbreeder_{operator}",
            parents=[unit.prompt],
            prompt=unit.prompt,
            prompts=prompts,
            mutation=mutation or unit.mutation,
            style=rng.choice(lines(search, "styles")),
            examples=search.minibatch(self.n_examples),
            rollouts=rng.sample(unit.right, min(max(1, self.n_examples), len(unit.right))),
        )

    def distinct(self, units: Sequence["Unit"]) -> tuple[Prompt, ...]:
        """Leave out prompts that are too much like one before them."""
        kept: list[Prompt] = []
        for prompt in [unit.prompt for unit in units]:
            alike = [similarity(prompt.instruction, other.instruction) for other in kept]
            if max(alike, default=0.0) <= self.max_similarity:
                kept.append(prompt)
        return tuple(kept)


@dataclass(eq=False)
class Unit:
    """A unit of evolution.

    Attributes:
        prompt: the task-prompt, with the demos that it shows.
        mutation: the mutation-prompt that changes it.
        elites: the prompts of its lineage that were the best of a generation, oldest first.
        demos: right answers that the prompt shows.
        met: answered training examples.
    """

    prompt: Prompt
    mutation: str
    elites: tuple[Prompt, ...] = ()
    demos: tuple[Rollout, ...] = ()
    met: dict[Example, Rollout] = field(default_factory=dict[Example, Rollout])

    @property
    def mean(self) -> float | None:
        """Fitness: mean score of all examples met so far; None when none was answered."""
        scores = [rollout.score.value for rollout in self.met.values() if rollout.score]
        return sum(scores) / len(scores) if scores else None

    @property
    def right(self) -> list[Rollout]:
        """Worked solutions: the answers that were right."""
        return [rollout for rollout in self.met.values() if rollout.outcome == "right"]


def lines(search: Search, name: str) -> list[str]:
    """Read a list of thinking-styles or mutation-prompts, one a line, in the task's language."""
    text = search.meta_prompt(__file__, f"promptbreeder_{name}").text
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if not found:
        raise SettingsError(f"The meta-prompt 'promptbreeder_{name}' is empty; write one a line.")
    return found


def draw_pairs(rng: random.Random, units: Sequence[Unit]) -> list[tuple[Unit, Unit]]:
    """Random pairs of all units; of an odd number one is left out."""
    drawn = rng.sample(units, len(units))
    return list(zip(drawn[::2], drawn[1::2], strict=False))


def best_first(units: Sequence[Unit]) -> list[Unit]:
    """Sort by fitness, the first of equal ones first; without those of unknown fitness."""
    return sorted((u for u in units if u.mean is not None), key=lambda u: u.mean or 0, reverse=True)


def similarity(text: str, other: str) -> float:
    """Cosine of the counts of character trigrams, 0 to 1."""
    a, b = (Counter(t[i : i + 3] for i in range(max(1, len(t) - 2))) for t in (text, other))
    product = sum(count * b[part] for part, count in a.items())
    return product / math.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
