"""Prompty: front matter and turns of a Jinja template. Its older forms are read, too."""

import re
from typing import Any

from apo.errors import PromptError
from apo.prompts.forms.found import Found, decoding_of, found, mapping, options_of
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.templates import from_jinja, from_mustache, jinja
from apo.prompts.forms.yaml_text import dump, parted
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Turn, turns_of

DECODING = {
    "temperature": "temperature", "top_p": "topP", "max_tokens": "maxOutputTokens",
    "frequency_penalty": "frequencyPenalty", "presence_penalty": "presencePenalty",
    "stop": "stopSequences",
}  # fmt: skip
OLDER = {**{name: name for name in DECODING}, "extra": ""}
"""What options are called in its present form, and in its first."""
_ROLE = re.compile(
    r"^[ \t]*#?[ \t]*(system|user|assistant|developer|tool)(?:\[[^\]\n]*\])?[ \t]*:[ \t]*$",
    re.IGNORECASE,
)


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write the present form (2).

    Raises:
        PromptError: an input's name is none in Jinja.
    """
    provider = provenance.model.partition("/")[0]
    options = options_of(prompt.decoding, DECODING)
    extra = dict(prompt.decoding.extra)
    options |= {"additionalProperties": extra} if extra else {}
    model: dict[str, Any] = {"id": provenance.model_name, "options": options}
    if provider == "openai":
        key = {"kind": "key", "apiKey": "${env:OPENAI_API_KEY}"}
        model |= {"provider": "openai", "apiType": "chat", "connection": key}
    head = {
        "name": provenance.task or f"prompt-{prompt.id}",
        "metadata": provenance.to_dict(),
        "model": {k: v for k, v in model.items() if v},
        "inputs": [{"name": name, "kind": "string"} for name in prompt.variables],
        "template": {"format": {"kind": "jinja2"}, "parser": {"kind": "prompty"}},
    }
    turns = [f"{role}:\n{jinja(pieces)}\n" for role, pieces, _ in turns_of(prompt)]
    return f"---\n{dump({k: v for k, v in head.items() if v})}---\n" + "\n".join(turns)


def read(text: str) -> Found:
    """Read any form of Prompty.

    Raises:
        PromptError: a template that does more than fill inputs, or a part that is no text.
    """
    head, body = parted(text)
    model = mapping(head.get("model"), "model")
    older = mapping(model.get("parameters"), "model.parameters")
    options = mapping(model.get("options"), "model.options")
    further = mapping(options.pop("additionalProperties", None), "additionalProperties")
    if older:
        decoding, left = decoding_of(older, OLDER, "model.parameters.")
    else:
        decoding, left = decoding_of(options, DECODING, "model.options.")
        decoding = decoding.with_extra(further)
    known = {"name", "description", "authors", "tags", "version", "metadata", "model", "inputs",
             "template", "inputSchema", "sample", "displayName"}  # fmt: skip
    read_pieces = from_mustache if "mustache" in str(head.get("template")) else from_jinja
    turns = [Turn(role, read_pieces(content)) for role, content in _turns(body)]
    beside = [key for key in head if key not in known]
    return found(turns, decoding, [*(["model"] if "id" in model else []), *beside, *left])


def _turns(body: str) -> list[tuple[Any, str]]:
    """Part the body at its lines of roles, as Prompty does: blank lines around are no text."""
    found, role = list[tuple[Any, str]](), "system"
    lines = list[str]()
    for line in body.splitlines():
        match = _ROLE.match(line)
        if match is None:
            lines.append(line)
            continue
        if lines:
            found.append((role, "\n".join(lines).strip("\n")))
        role, lines = match[1].lower(), []
    found += [(role, "\n".join(lines).strip("\n"))] if lines else []
    found = [(r, t) for r, t in found if t or r != "system"]
    for role, _ in found:
        if role == "tool":
            raise PromptError("It holds a turn of a tool, which apo's prompts do not.")
    return [("system" if role == "developer" else role, text) for role, text in found]
