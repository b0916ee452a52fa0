"""GitHub Models: `.prompt.yml`."""

from typing import Any

from apo.prompts.forms.found import (
    Found,
    chat_turns,
    decoding_of,
    found,
    mapping,
    options_of,
)  # fmt: skip
from apo.prompts.forms.messages import chat_of
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.yaml_text import dump, load
from apo.prompts.prompt import Prompt
from apo.prompts.turns import pieces_of

DECODING = {"temperature": "temperature", "top_p": "topP", "max_tokens": "maxTokens"}


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write a file with the test examples as testData; provenance is its description."""
    head = {"name": provenance.task, "description": "; ".join(provenance.lines())}
    values: dict[str, Any] = {k: v for k, v in head.items() if v}
    values["model"] = provenance.model if "/" in provenance.model else provenance.model_name
    values["modelParameters"] = options_of(prompt.decoding, DECODING)
    values["messages"] = chat_of(prompt)
    if provenance.rows:
        values["testData"] = [{**row, "expected": wanted[0]} for row, wanted in provenance.rows]
        values["evaluators"] = [{"name": "expected", "string": {"contains": "{{expected}}"}}]
    return dump({k: v for k, v in values.items() if v})


def read(text: str) -> Found:
    """Read a file; every {{name}} in it is filled, as GitHub does."""
    values = mapping(load(text), "The prompt file")
    decoding, left = decoding_of(
        mapping(values.get("modelParameters"), "modelParameters"), DECODING, "modelParameters."
    )
    known = {"name", "description", "modelParameters", "messages"}
    further = [key for key in values if key not in known]
    return found(chat_turns(values.get("messages"), pieces_of), decoding, [*further, *left])
