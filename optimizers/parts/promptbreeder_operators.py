"""Promptbreeder's operators: which is drawn, and which prompts its request shows."""

import random
from collections.abc import Sequence

from apo import Prompt
from apo.optimizers.parts.likeness import likeness
from apo.optimizers.parts.promptbreeder_unit import Unit, best_first

HYPER = ("hyper_zero", "hyper_first")
"""Operators that write a new mutation-prompt, and then apply it."""
OPERATORS = ("zero", "first", "eda", "eda_rank", "lineage", *HYPER, "working")


def draw_operator(rng: random.Random, unit: Unit, operators: Sequence[str]) -> str:
    """Evenly among those that the unit has the material for."""
    lacking = {"lineage": not unit.elites, "working": not unit.right}
    return rng.choice([o for o in operators if not lacking.get(o)] or ["first"])


def listed(
    operator: str,
    unit: Unit,
    units: Sequence[Unit],
    rng: random.Random,
    max_similarity: float,
) -> tuple[Prompt, ...]:
    """The prompts of the population, or of the unit's lineage, that an operator's request lists."""
    if operator == "eda":
        return distinct(rng.sample(units, len(units)), max_similarity)
    if operator == "eda_rank":  # Ascending, though the request says descending (§3.2.2).
        return distinct(best_first(units), max_similarity)[::-1]
    return unit.elites if operator == "lineage" else ()


def distinct(units: Sequence[Unit], max_similarity: float) -> tuple[Prompt, ...]:
    """Leave out prompts that are too much like one before them."""
    kept: list[Prompt] = []
    for prompt in [unit.prompt for unit in units]:
        alike = [likeness(prompt.instruction, other.instruction) for other in kept]
        if max(alike, default=0.0) <= max_similarity:
            kept.append(prompt)
    return tuple(kept)
