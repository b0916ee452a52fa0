"""A shell script that sends the prompt with curl; jq puts the inputs into the body."""

import json
import re
from collections.abc import Iterable

from apo.prompts.forms.found import options_of
from apo.prompts.forms.openai import CHAT
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Pieces, Variable, turns_of


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write a script whose arguments are the inputs, in the prompt's order."""
    names = {name: f"$in{i}" for i, name in enumerate(prompt.variables, 1)}
    turns = ",\n".join(
        f'    {{role: "{role}", content: ({_sum(pieces, names)})}}'
        for role, pieces, _ in turns_of(prompt)
    )
    body = f"  model: {_quoted(provenance.model_name)},\n  messages: [\n{turns}\n  ]"
    for name, value in options_of(prompt.decoding, CHAT).items():
        body += f",\n  {_quoted(name)}: {_quoted(value)}"
    arguments = " ".join(f'--arg in{i} "${{{i}?}}"' for i in range(1, len(names) + 1))
    told = "".join(f"# {line}\n" for line in _safe(provenance.lines()))
    usage = " ".join(f'"{name.upper()}"' for name in _safe(names))
    return (
        f"#!/bin/sh\n# Prompt {prompt.id}, exported by apo. Needs curl and jq.\n"
        f"# sh FILE {usage}\n{told}"
        f"jq -n {arguments} '{{\n{body}\n}}' |\n"
        'curl -sS "${OPENAI_BASE_URL:-https://api.openai.com/v1}/chat/completions" \\\n'
        '  -H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: application/json" -d @-\n'
    )


def _sum(pieces: Pieces, names: dict[str, str]) -> str:
    terms = [names[p] if isinstance(p, Variable) else _quoted(p) for p in pieces]
    return " + ".join(terms) or '""'


def _quoted(value: object) -> str:
    """JSON that is a literal of jq, too, and ends no text in single quotes."""
    return json.dumps(value).replace("'", "\\u0027")


def _safe(lines: Iterable[str]) -> list[str]:
    """Lines of a comment: nothing in them ends it."""
    return [re.sub(r"[^\w .:;,%()\[\]{}/\"#+-]", "?", line) for line in lines]
