"""The space of a joint search: every part of a prompt as a variable with a few values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from apo import Example, Prompt
from apo.optimizers.parts.demo_sets import DemoSet, Worked, with_demos

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DECODING: dict[str, tuple[float, ...]] = {
    "temperature": (0.0, 0.3, 0.7, 1.0),
    "top_p": (0.5, 0.9, 1.0),
    "none": (),
}
OWN = "own"
"""Decoding as the seed has it."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """What a joint search chooses from.

    Attributes:
        seed: lends all that is not chosen.
        instructions: the instructions; the first is the seed's.
        demo_sets: the demo sets; the first is empty and stands for the seed's own demos, if any.
        decoding: "temperature", "top_p" or "none".
    """

    seed: Prompt
    instructions: tuple[str, ...]
    demo_sets: tuple[DemoSet, ...]
    decoding: str

    def distributions(self) -> "dict[str, BaseDistribution]":
        """The variables for Optuna; all are always chosen, so that all trials are alike."""
        from optuna.distributions import CategoricalDistribution, IntDistribution

        refused = self.decoding == "temperature" and self.seed.decoding.temperature is None
        values = () if refused else DECODING[self.decoding]
        choices: dict[str, Sequence[Any]] = {
            "instruction": range(len(self.instructions)),
            "demo_set": range(len(self.demo_sets)),
            "demo_order": ("drawn", "reversed", "short first", "long first"),
            "demo_answers": ("whole", "target"),
            "demo_place": ("turns", "first", "last"),
            "role": ("system", "user"),
            "headings": ("none", "markdown", "xml"),
            "repeat_instruction": (False, True),
            "decoding": (OWN, *values),
        }
        most = max(1, *(len(demos) for demos in self.demo_sets))
        return {
            **{name: CategoricalDistribution(tuple(found)) for name, found in choices.items()},
            "n_demos": IntDistribution(1, most),
        }

    def seed_choice(self) -> dict[str, Any]:
        """The values that give the seed prompt."""
        layout = self.seed.layout
        written = "first" if layout.order[0] == "demos" else "last"
        return {
            "instruction": 0,
            "demo_set": 0,
            "demo_order": "drawn",
            "demo_answers": "whole",
            "demo_place": written if "demos" in layout.order else "turns",
            "role": layout.role,
            "headings": layout.headings,
            "repeat_instruction": layout.repeat_instruction,
            "decoding": OWN,
            "n_demos": 1,
        }

    def prompt(self, chosen: Mapping[str, Any]) -> Prompt:
        """Put a prompt together; what has no effect without demos is as the seed has it."""
        which, number, text = (int(chosen[n]) for n in ("demo_set", "n_demos", "instruction"))
        demos = self.demo_sets[which][:number]
        prompt = self.seed.with_instruction(self.instructions[text])
        layout = replace(
            self.seed.layout,
            role=chosen["role"],
            headings=chosen["headings"],
            repeat_instruction=chosen["repeat_instruction"],
        )
        if demos:
            if chosen["demo_answers"] == "target":
                demos = tuple(Worked(worked.example, worked.example.target) for worked in demos)
            prompt = with_demos(prompt, _ordered(demos, chosen["demo_order"]))
        if prompt.demos:
            rest = tuple(part for part in layout.order if part != "demos")
            if chosen["demo_place"] == "turns":
                layout = replace(layout, order=rest)
            elif chosen["demo_place"] == "first":
                layout = replace(layout, order=("demos", *rest))
            else:
                layout = replace(layout, order=(*rest, "demos"))
        decoding, value = prompt.decoding, chosen["decoding"]
        if value != OWN and self.decoding == "top_p":
            decoding = replace(decoding, temperature=1.0, top_p=value)
        elif value != OWN:
            decoding = replace(decoding, temperature=value)
        return replace(prompt, layout=layout, decoding=decoding)

    def to_dict(self) -> dict[str, Any]:
        """Give the pools as JSON values, examples by their ids."""
        return {
            "instructions": self.instructions,
            "demo_sets": [[[w.example.id, w.answer, w.own] for w in s] for s in self.demo_sets],
            "decoding": self.decoding,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any], seed: Prompt, train: Sequence[Example]) -> "Space":
        """Read what `to_dict` gives.

        Raises:
            KeyError: a demo's example is not among the training examples.
        """
        by_id = {example.id: example for example in train}
        return cls(
            seed=seed,
            instructions=tuple(kept["instructions"]),
            demo_sets=tuple(
                tuple(Worked(by_id[name], answer, own) for name, answer, own in demos)
                for demos in kept["demo_sets"]
            ),
            decoding=kept["decoding"],
        )


def _ordered(demos: DemoSet, order: str) -> DemoSet:
    if order == "drawn":
        return demos
    if order == "reversed":
        return demos[::-1]
    short_first = sorted(demos, key=lambda worked: sum(map(len, worked.example.inputs.values())))
    return tuple(short_first if order == "short first" else short_first[::-1])
