"""A prompt as Python source that needs nothing but Python."""

from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Variable, turns_of


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write a function of the input fields that returns the prompt's messages.

    The messages are sums of literals and inputs, so that nothing but the variables is filled:
    braces in an instruction or a demo stay text.
    """
    decoding = {k: v for k, v in prompt.decoding.to_dict().items() if v is not None}
    extra = decoding.pop("extra", None)
    further = f"EXTRA_BODY = {extra!r}\n" if extra else ""
    known = provenance.to_dict()
    further += f"PROVENANCE = {known!r}\n" if known else ""
    messages = "".join(
        f'        {{\n            "role": "{role}",\n            "content": (\n'
        f"{_sum(pieces)}            ),\n        }},\n"
        for role, pieces, _ in turns_of(prompt)
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


def _sum(pieces: tuple[str, ...]) -> str:
    """Write a text as a Python expression, a line of it a line of code."""
    terms: list[str] = []
    for piece in pieces:
        if isinstance(piece, Variable):
            terms.append(f"inputs[{str(piece)!r}]")
        else:
            terms += [repr(line) for line in piece.splitlines(keepends=True)]
    first, *rest = terms or ["''"]
    return "".join(f"                {term}\n" for term in [first, *(f"+ {r}" for r in rest)])
