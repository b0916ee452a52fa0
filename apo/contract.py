"""What a candidate must be before a token is spent on it. Refused, never repaired."""

import re
from collections.abc import Iterable

from apo.prompt import VARIABLE, Prompt
from apo.task import Example

COPIED_LENGTH = 30
"""Characters from which an input that stands in an instruction counts as copied."""


class Contract:
    """The rules for candidates of one search.

    Args:
        seeds: the prompts whose template and context are not a candidate's to change.
        examples: rows that must not be copied into an instruction (they belong in demos).
        max_chars: longest instruction, in characters.
    """

    def __init__(
        self, seeds: Iterable[Prompt], examples: Iterable[Example], *, max_chars: int
    ) -> None:
        seeds = tuple(seeds)
        self._frozen = {(seed.template, seed.context) for seed in seeds}
        self._given = {seed.instruction for seed in seeds}
        self._variables = {name for seed in seeds for name in seed.variables}
        self._max_chars = max_chars
        texts = (plain(text) for example in examples for text in example.inputs.values())
        self._rows = tuple(dict.fromkeys(t for t in texts if len(t) >= COPIED_LENGTH))

    def refusal(self, prompt: Prompt) -> str:
        """Say why a candidate must not be measured; "" when it may."""
        if (prompt.template, prompt.context) not in self._frozen:
            return "the user turn or the context was changed"
        if prompt.instruction in self._given and not prompt.cue:
            return ""  # The user's own words, with other demos or another layout.
        if not prompt.instruction.strip():
            return "the instruction is empty"
        if len(prompt.instruction) > self._max_chars:
            return f"the instruction has {len(prompt.instruction)} characters, over the " + (
                f"limit of {self._max_chars}"
            )
        for text in (prompt.instruction, prompt.cue):
            for variable in VARIABLE.finditer(text):
                if variable[1] in self._variables:
                    return f"the instruction holds the variable {variable[0]} of the user turn"
        copied = self._copied(prompt.instruction)
        return f"the instruction copies a row of the data: {copied!r}" if copied else ""

    def _copied(self, instruction: str) -> str:
        text = plain(instruction)
        return next((row[:60] for row in self._rows if row in text), "")


def plain(text: str) -> str:
    """Fold case and white space, so that a copy is found however it was wrapped."""
    return re.sub(r"\s+", " ", text).strip().casefold()
