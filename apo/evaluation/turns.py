"""In which order rows and prompts are asked, so that all prompts meet the same servers."""

from collections.abc import Sequence
from typing import NamedTuple

from apo.prompts.prompt import Prompt
from apo.task import Example, text_hash


class Turn(NamedTuple):
    """A prompt on an example.

    Attributes:
        prompt: the prompt.
        example: the example.
        row: its place among the examples.
    """

    prompt: Prompt
    example: Example
    row: int


def in_turns(prompts: Sequence[Prompt], examples: Sequence[Example]) -> list[Turn]:
    """Each example by all prompts before the next; which of them comes first, the example draws.

    Two servers behind one address often take calls in turn. With the prompts always in one order
    each prompt would meet a server of its own, and the servers' difference would pass for theirs.
    """
    return [
        Turn(prompt, example, row)
        for row, example in enumerate(examples)
        for prompt in drawn_order(prompts, example)
    ]


def drawn_order(prompts: Sequence[Prompt], example: Example) -> Sequence[Prompt]:
    """The prompts in an order that is an example's own, and the same each time."""
    if len(prompts) == 1:
        return prompts
    return sorted(prompts, key=lambda prompt: text_hash([example.id, prompt.id]))


def prompts_of(turns: Sequence[Turn]) -> list[Prompt]:
    """Each prompt that is asked, once."""
    return list({turn.prompt.id: turn.prompt for turn in turns}.values())
