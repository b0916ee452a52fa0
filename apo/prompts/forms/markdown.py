"""A prompt as a page: front matter, and each message in a fence under its role."""

import re

from apo.errors import PromptError
from apo.model import Decoding
from apo.prompts.forms.found import Found, chat_turns, found, mapping
from apo.prompts.forms.messages import chat_of
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.yaml_text import dump, parted
from apo.prompts.prompt import Prompt
from apo.prompts.turns import pieces_of

_TURN = re.compile(r"^## (\w+)\n\n(`{3,})text\n(.*?)\n\2(?:\n|\Z)", re.DOTALL | re.MULTILINE)


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write a page."""
    head = {"apo_prompt": "markdown", "decoding": prompt.decoding.to_dict(), **_known(provenance)}
    pages = [f"---\n{dump(head)}---\n# Prompt {prompt.id}\n"]
    for message in chat_of(prompt):
        runs = re.findall("`+", message["content"])
        fence = "`" * max([3, *(len(run) + 1 for run in runs)])
        pages.append(f"## {message['role']}\n\n{fence}text\n{message['content']}\n{fence}\n")
    return "\n".join(pages)


def _known(provenance: Provenance) -> dict[str, object]:
    known = provenance.to_dict()
    return {"provenance": known} if known else {}


def read(text: str) -> Found:
    """Read a page that apo wrote; what was written around the fences is left out.

    Raises:
        PromptError: there is no message in it.
    """
    head, body = parted(text)
    turns = [{"role": role, "content": content} for role, _, content in _TURN.findall(body)]
    if not turns:
        raise PromptError(
            "The page holds no message: apo reads '## system', '## user' and '## assistant', each "
            "with a fence of ```text below it."
        )
    notes = re.sub(r"^# .*$", "", _TURN.sub("", body), flags=re.MULTILINE).strip()
    decoding = Decoding.from_dict(mapping(head.get("decoding"), "decoding"))
    return found(
        chat_turns(turns, pieces_of), decoding, ["text around the fences"] if notes else []
    )
