"""apo's own parts as YAML; chat messages as YAML are read, too."""

from typing import Any

from apo.errors import PromptError
from apo.prompts.foreign import refuse_mapping
from apo.prompts.forms.found import Found, chat_turns, found, kept_in, mapping
from apo.prompts.forms.own_json import of_values, values_of
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.yaml_text import dump, load
from apo.prompts.prompt import Prompt
from apo.prompts.turns import pieces_of


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write all parts."""
    return dump(values_of(prompt, provenance))


def read(text: str) -> Found:
    """Read apo's parts, a list of chat messages, or an object with messages.

    Raises:
        PromptError: none of these.
    """
    value: Any = load(text)
    if isinstance(value, list):
        return found(chat_turns(value, pieces_of))
    if isinstance(value, str):
        raise PromptError("The YAML holds only a text; give it as a file that ends in .txt.")
    values = mapping(value, "The prompt")
    if "messages" not in values:
        refuse_mapping(values)
        return of_values(values)
    left = set(values) - {"messages", "decoding", "provenance"}
    return found(chat_turns(values["messages"], pieces_of), kept_in(values), sorted(left))
