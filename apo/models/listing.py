"""Which models a server has, told where it does not know the one that it was asked for."""

import re
from difflib import SequenceMatcher
from typing import Any

from apo.language.catalogue import message
from apo.models.address import Address
from apo.models.body import as_dict, as_list, as_text

UNKNOWN_MODEL = re.compile(
    r"\bmodels?\b.{0,200}?(not (be )?(found|exist)|unknown)|"
    r"(no such|unknown|invalid|not a valid) model\b|model:? not exist",
    re.IGNORECASE | re.DOTALL,
)
"""As llama.cpp, Mistral, DeepSeek and OpenRouter say it, under 400."""
MOST = 4
"""Models that are named; hosted servers have hundreds."""


def told_there(address: Address, body: Any) -> str:
    """Say which models a server has, those first whose names are nearest to the one asked for.

    Args:
        address: the model that was asked for.
        body: what the server answered to GET /models, as JSON values.

    Returns:
        " The server has 'a', 'b'."; "" where it names none, or the one asked for among them.
    """
    listed = [as_dict(one) for one in as_list(as_dict(body).get("data"))]
    names = {as_text(one["id"]) for one in listed if one.get("id")}
    if not names or address.model in names:
        return ""
    found = sorted(names, key=lambda name: (-_alike(name, address.model), name))
    shown = ", ".join(repr(address.shown(name, 80)) for name in found[:MOST])
    more = len(found) - MOST
    if more > 0:
        return f" {message(f'The server has {shown} and {more:,} more.')}"
    return f" {message(f'The server has {shown}.')}"


def _alike(name: str, asked: str) -> float:
    return SequenceMatcher(None, name.lower(), asked.lower()).ratio()
