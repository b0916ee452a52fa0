"""Chat messages as JSON, with inputs as {{variables}}."""

from apo.prompts.forms.found import pretty
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt


def chat_of(prompt: Prompt) -> list[dict[str, str]]:
    """The messages, with inputs in double braces."""
    return [{"role": m.role, "content": m.content} for m in prompt.messages()]


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write the list alone, which holds no provenance."""
    return pretty(chat_of(prompt))
