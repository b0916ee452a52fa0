"""A prompt as Python source that needs nothing but Python."""

import re
from collections.abc import Mapping

from apo.prompts.prompt import Prompt


def python_source(prompt: Prompt) -> str:
    """Write a function of the input fields that returns the prompt's messages.

    The messages are sums of literals and inputs, so that nothing but the variables is filled:
    braces in an instruction or a demo stay text.
    """
    text = prompt.text()
    unused = (mark for mark in map(chr, range(0xE000, 0x110000)) if mark not in text)
    marks = dict(zip(prompt.variables, unused, strict=False))
    decoding = {k: v for k, v in prompt.decoding.to_dict().items() if v is not None}
    extra = decoding.pop("extra", None)
    further = f"EXTRA_BODY = {extra!r}\n" if extra else ""
    messages = "".join(
        f'        {{\n            "role": "{message.role}",\n            "content": (\n'
        f"{_sum(message.content, marks)}            ),\n        }},\n"
        for message in prompt.messages(marks)
    )
    return f'''"""Prompt {prompt.id}, exported by apo. Needs nothing but Python."""

DECODING = {decoding!r}
{further}VARIABLES = {list(prompt.variables)!r}


def messages(inputs: dict[str, str]) -> list[dict[str, str]]:
    """Fill the prompt's variables and return the chat messages to send."""
    missing = [name for name in VARIABLES if name not in inputs]
    if missing:
        raise ValueError(f"missing inputs: {{missing}}")
    return [
{messages}    ]
'''


def _sum(content: str, marks: Mapping[str, str]) -> str:
    """Write a text with marks for inputs as a Python expression, a line of it a line of code."""
    names = {mark: name for name, mark in marks.items()}
    pieces = re.split(f"([{''.join(names)}])", content) if names else [content]
    terms: list[str] = []
    for piece in pieces:
        if piece in names:
            terms.append(f"inputs[{names[piece]!r}]")
        else:
            terms += [repr(line) for line in piece.splitlines(keepends=True)]
    first, *rest = terms or ["''"]
    return "".join(f"                {term}\n" for term in [first, *(f"+ {r}" for r in rest)])
