"""A prompt as one text: all turns, one below the other."""

from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write the text of all turns; a text holds no provenance."""
    return prompt.text() + "\n"
