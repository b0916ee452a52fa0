"""A row of a Hugging Face data set of conversations: JSON Lines with the column messages."""

import json

from apo.errors import PromptError
from apo.prompts.forms.found import Found, chat_turns, found, kept_in, load_json, mapping
from apo.prompts.forms.messages import chat_of
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt
from apo.prompts.turns import pieces_of


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write one row; decoding and provenance are columns of their own."""
    row = {"messages": chat_of(prompt), "decoding": prompt.decoding.to_dict()}
    known = provenance.to_dict()
    return json.dumps(row | ({"provenance": known} if known else {}), ensure_ascii=False) + "\n"


def read(text: str) -> Found:
    """Read the only row.

    Raises:
        PromptError: several rows, or one without messages.
    """
    rows = [load_json(line) for line in text.split("\n") if line.strip()]
    if len(rows) != 1:
        raise PromptError(
            f"The file holds {len(rows)} conversations, and a prompt is one. Save the one to start "
            "from as a file; as data, name the file in the task's data."
        )
    row = mapping(rows[0], "The row")
    left = sorted(set(row) - {"messages", "decoding", "provenance"})
    return found(chat_turns(row.get("messages"), pieces_of), kept_in(row), left)
