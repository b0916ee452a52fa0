"""Synthetic prompt landscapes with a known optimum, to measure search itself.

A landscape has slots ("birch", "cedar", …). A prompt gives each slot an option, by a line of its
instruction ("Set birch to blue."), or by a demo that shows one where the instruction says
nothing. How well a slot is served depends on its own option, and less on those of its
neighbours, by a table drawn from the seed (after the NK model; Kauffman and Levin, 1987). The
quality of a prompt is the mean over slots. Every example belongs to one slot, and is answered
rightly when its threshold lies below what the slot gets. So an evaluation is a noisy look at the
quality, failures tell which slots are served badly, and the outputs of examples hint at options
that are good on their own. Nothing here says how a method does with a language model: it says how
well it searches, since quality and optimum are known exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from random import Random

from apo.errors import SettingsError
from apo.prompts.prompt import Prompt
from apo.task import Example, Score, Task
from apo.testing.landscape_words import (
    OPTIONS,
    SLOTS,
    read_settings,
    slot_of,
)

Settings = Mapping[str, str]
"""The option of each slot that a prompt sets; others are left open."""


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """One landscape.

    Attributes:
        seed: of its tables and its examples.
        n_slots: slots, 2 to 10.
        n_options: options a slot can have beside being left open, 1 to 5.
        n_interactions: neighbours on which a slot's table depends, fewer than the slots.
        ruggedness: how much of what a slot gets depends on its neighbours, 0 to 1.
        traps: pairs of neighbours that are worth most together and little alone, up to half of
            the slots.
        clarity: the chance that an example's output hints at the best single option.
        noise: the chance that an answer is drawn anew from the whole wording of the prompt.
        size: examples in each of train, validation and test.
    """

    seed: int = 0
    n_slots: int = 10
    n_options: int = 3
    n_interactions: int = 1
    ruggedness: float = 0.3
    traps: int = 0
    clarity: float = 0.25
    noise: float = 0.02
    size: int = 60

    def __post_init__(self) -> None:
        if not 2 <= self.n_slots <= len(SLOTS) or not 1 <= self.n_options <= len(OPTIONS):
            raise SettingsError(
                f"A landscape has 2 to {len(SLOTS)} slots with 1 to {len(OPTIONS)} options; these "
                f"are {self.n_slots} and {self.n_options}."
            )
        if not 0 <= self.n_interactions < self.n_slots or not 0 <= 2 * self.traps <= self.n_slots:
            raise SettingsError(
                f"n_interactions is {self.n_interactions} and traps is {self.traps}; with "
                f"{self.n_slots} slots there may be at most {self.n_slots - 1} and "
                f"{self.n_slots // 2}."
            )

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots."""
        return SLOTS[: self.n_slots]

    @property
    def options(self) -> tuple[str, ...]:
        """What a slot can be set to; "" leaves it open."""
        return ("", *OPTIONS[: self.n_options])

    @cached_property
    def tables(self) -> list[dict[tuple[str, ...], float]]:
        """For each slot, what it gets by its own option and those of its neighbours, in [0, 1]."""
        rng = Random(f"landscape {self.seed}")
        tables: list[dict[tuple[str, ...], float]] = []
        for _ in self.slots:
            alone = {
                option: 0.2 + 0.7 * rng.random() if option else 0.05 for option in self.options
            }
            tables.append({})
            for key in product(self.options, repeat=1 + self.n_interactions):
                around = 0.2 + 0.7 * rng.random() if key[0] else 0.05
                mixed = (1 - self.ruggedness) * alone[key[0]] + self.ruggedness * around
                tables[-1][key] = mixed
        for pair in range(self.traps if self.n_interactions else 0):
            first, second, bait = (rng.choice(self.options[1:]) for _ in range(3))
            table = tables[2 * pair]
            for key in table:
                if key[0] == first:
                    table[key] = 0.95 if key[1] == second else 0.1
                elif key[0] == bait:
                    table[key] = 0.6
        return tables

    def quality(self, settings: Settings) -> float:
        """The expected share of right answers, in [0, 1]."""
        gets = [self.served(settings, place) for place in range(self.n_slots)]
        return sum(gets) / self.n_slots

    def quality_of(self, prompt: Prompt) -> float:
        """The quality of a prompt, by what its instruction and its demos set."""
        shown = [(demo.user, demo.assistant) for demo in prompt.demos]
        return self.quality(read_settings(prompt.instruction, shown, self.slots))

    def served(self, settings: Settings, place: int) -> float:
        """What the slot at the place gets."""
        around = [self.slots[(place + i) % self.n_slots] for i in range(1 + self.n_interactions)]
        return self.tables[place][tuple(settings.get(slot, "") for slot in around)]

    @cached_property
    def optimum(self) -> float:
        """The highest quality there is, by going round the ring of slots.

        For every start of the ring the best total is carried from slot to slot, for each choice
        of the last few options.
        """
        reach, best = self.n_interactions, 0.0
        for start in product(self.options, repeat=reach):
            totals = {start: 0.0}
            for place in range(self.n_slots):
                ahead = place + reach
                grown: dict[tuple[str, ...], float] = {}
                for window, total in totals.items():
                    known = start[ahead - self.n_slots] if ahead >= self.n_slots else None
                    for option in self.options if known is None else (known,):
                        key = (*window, option)
                        value = total + self.tables[place][key]
                        grown[key[1:]] = max(grown.get(key[1:], 0.0), value)
                totals = grown
            best = max(best, *totals.values())
        return best / self.n_slots

    @cached_property
    def hints(self) -> dict[str, str]:
        """For each slot the option that is best on average over its neighbours' options."""

        def mean(place: int, option: str) -> float:
            found = [v for key, v in self.tables[place].items() if key[0] == option]
            return sum(found) / len(found)

        return {
            slot: max(self.options[1:], key=lambda option: mean(place, option))
            for place, slot in enumerate(self.slots)
        }

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """By input, what the slot must get for a right answer.

        In every pool the thresholds of a slot are spread evenly over [0, 1], in drawn order: the
        whole validation split tells qualities well apart, and a part of it does not.
        """
        rng = Random(f"thresholds {self.seed}")
        found: dict[str, float] = {}
        for pool, place in product(range(3), range(self.n_slots)):
            numbers = range(pool * self.size, (pool + 1) * self.size)
            mine = [number for number in numbers if number % self.n_slots == place]
            order = rng.sample(range(len(mine)), len(mine))
            for number, rank in zip(mine, order, strict=True):
                found[f"{self.slots[place]} {number}"] = (rank + 0.5) / len(mine)
        return found

    def task(self) -> Task:
        """The task of finding the optimum, from a seed prompt that sets nothing."""
        rng = Random(f"examples {self.seed}")
        examples: list[Example] = []
        for number in range(3 * self.size):
            slot = self.slots[number % self.n_slots]
            clear = rng.random() < self.clarity
            shown = self.hints[slot] if clear else rng.choice(self.options[1:])
            examples.append(Example({"input": f"{slot} {number}"}, (shown,)))
        pools = [examples[i * self.size : (i + 1) * self.size] for i in range(3)]
        return Task(
            name=f"landscape-{self.seed}",
            scorer=exact,
            seed_prompts=(Prompt("Answer."),),
            train=pools[0],
            validation=pools[1],
            test=pools[2],
            description="Synthetic: give every slot its best option.",
        )


def exact(output: str, example: Example) -> Score:
    """Score 1 for the target; the feedback names the slot, never the option."""
    right = output == example.target
    missed = f"{slot_of(example.inputs['input'])} is served badly."
    return Score(float(right), output != "?", "" if right else missed)
