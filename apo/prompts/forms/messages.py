"""Chat messages as JSON, with inputs as {{variables}}."""

from typing import Any

from apo.media import with_parts
from apo.prompts.forms.found import pretty
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt


def chat_of(prompt: Prompt) -> list[dict[str, Any]]:
    """The messages, with inputs in double braces; one that shows images holds parts."""
    return [{"role": m.role, "content": with_parts(m.content, m.images)} for m in prompt.messages()]


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write the list alone, which holds no provenance."""
    return pretty(chat_of(prompt))
