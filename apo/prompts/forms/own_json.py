"""apo's own JSON: all parts of a prompt, lossless, and where it comes from."""

from typing import Any

from apo.prompts.forms.found import Found, load_json, mapping, pretty
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import STEPS, Prompt


def values_of(prompt: Prompt, provenance: Provenance) -> dict[str, Any]:
    """A prompt's parts, and where it comes from."""
    known = provenance.to_dict()
    return {**prompt.to_dict(), **({"provenance": known} if known else {})}


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write all parts."""
    return pretty(values_of(prompt, provenance))


def read(text: str) -> Found:
    """Read apo's own JSON."""
    return of_values(mapping(load_json(text), "The prompt"))


def of_values(values: dict[str, Any]) -> Found:
    """A prompt of its parts; one that leaves the user turn out gets the task's."""
    return Found(Prompt.from_dict(values if STEPS in values else {"template": "", **values}))
