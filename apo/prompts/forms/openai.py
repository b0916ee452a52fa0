"""The body of a request to OpenAI's Responses API; those of chat completions are read, too."""

import json
from typing import Any

from apo.errors import PromptError
from apo.media import as_responses
from apo.prompts.forms.found import (  # fmt: skip
    Found,
    chat_turns,
    decoding_of,
    found,
    items,
    load_json,
    mapping,
    options_of,
    pretty,
)
from apo.prompts.forms.messages import chat_of
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Turn, pieces_of
from apo.tools import flat

DECODING = {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_output_tokens"}
CHAT = {
    name: name for name in ("temperature", "top_p", "frequency_penalty", "presence_penalty", "stop")
} | {"max_tokens": "max_tokens", "extra": ""}
"""What each API calls the options."""


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write a body for POST /v1/responses, with inputs as {{variables}} to be filled."""
    turns = [{**m, "content": as_responses(m["content"])} for m in chat_of(prompt)]
    body: dict[str, Any] = {"model": provenance.model_name, "input": turns}
    body |= options_of(prompt.decoding, DECODING)
    effort = prompt.decoding.extra.get("reasoning_effort")
    body |= {"reasoning": {"effort": effort}} if effort else {}
    tools = prompt.decoding.extra.get("tools")
    body |= {"tools": flat(tools)} if tools else {}
    known = {k: v if isinstance(v, str) else json.dumps(v) for k, v in provenance.to_dict().items()}
    return pretty(body | ({"metadata": known} if known else {}))


def read(text: str) -> Found:
    """Read a body of the Responses API or of chat completions.

    Raises:
        PromptError: it refers to a stored prompt or conversation, or holds more than text.
    """
    body = mapping(load_json(text), "The body")
    for key in ("prompt", "previous_response_id", "conversation"):
        if body.get(key):
            raise PromptError(f"The body's {key} is kept at OpenAI; apo cannot see what it holds.")
    dropped: list[str] = [key for key in ("model", "stream") if key in body]
    known = {"model", "metadata", "stream"}
    chat = "messages" in body
    rest = {k: v for k, v in body.items() if k not in known | {"messages", "input", "instructions"}}
    first = rest.pop("system", None) if chat else None  # As Anthropic's body has it.
    lead = [{"role": "system", "content": first}] if first else []
    if "max_completion_tokens" in rest:
        rest["max_tokens"] = rest.pop("max_completion_tokens")
    effort = mapping(rest.get("reasoning"), "reasoning").get("effort") if not chat else None
    if effort is not None:
        rest.pop("reasoning")
    tools = rest.pop("tools", None)
    options, left = decoding_of(rest, CHAT if chat else DECODING, "")
    try:
        options = options.with_extra({"tools": tools} if tools else {})
    except PromptError:  # One that the provider runs itself, such as a search.
        dropped.append("tools")
    turns = chat_turns([*lead, *items(body["messages"])], pieces_of) if chat else _input(body)
    return found(
        turns, options.with_extra({"reasoning_effort": effort} if effort else {}), [*dropped, *left]
    )


def _input(body: dict[str, Any]) -> list[Turn]:
    first = body.get("instructions")
    given = body.get("input", [])
    given = [{"role": "user", "content": given}] if isinstance(given, str) else given
    lead = [{"role": "system", "content": first}] if first else []
    return chat_turns([*lead, *items(given)], pieces_of)
