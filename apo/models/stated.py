"""What a server states that a call took: tokens, and dollars."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from apo.models.body import as_dict
from apo.usage import Usage

MAX_COUNT = 10**30
"""What is larger is no count of tokens, and no number to show."""
COST_HEADER = "x-litellm-response-cost"


def read_usage(usage: Any) -> Usage:
    """Read the tokens that a server says it counted; -1 stands for what is no count.

    Some leave thoughts out of the tokens of the answer, and cached ones out of those of the
    request, though all are paid: of what the fields say, the larger counts. Gateways to Anthropic
    count what is read from the cache, and what is written to it, beside the request.
    """
    fields = as_dict(usage)
    read, written = _count(fields.get("prompt_tokens")), _count(fields.get("completion_tokens"))
    total = _count(fields.get("total_tokens"))
    from_cache = max(0, _count(fields.get("cache_read_input_tokens")) or 0)
    beside = from_cache + max(0, _count(fields.get("cache_creation_input_tokens")) or 0)
    cached = max(from_cache, _part(fields, "prompt_tokens_details", "cached_tokens"))
    if read is not None and 0 <= read < beside:
        read += beside
    thought = _part(fields, "completion_tokens_details", "reasoning_tokens")
    thought = max(thought, _count(fields.get("reasoning_tokens")) or 0)
    if min(read or 0, written or 0) < 0:
        return Usage(read, written, cached, thought)
    if read is not None and read < cached:
        read += cached
    rest = max(0, (total or 0) - (read or 0) - (written or 0))
    if read is None:
        read = None if written is None or total is None else rest
    elif written is None:
        written = None if total is None else rest
    else:
        unseen = max(rest, thought if thought > written else 0)
        written, thought = written + unseen, max(thought, unseen)
    return Usage(read, written, cached, thought)


def stated_cost(body: Any, headers: Mapping[str, str]) -> float:
    """US dollars that a call cost, as the server states them (OpenRouter, LiteLLM); 0 for nothing.

    Args:
        body: the reply as JSON values.
        headers: HTTP headers; names are looked up in lower case.
    """
    found = [as_dict(as_dict(body).get("usage")).get("cost"), headers.get(COST_HEADER)]
    written = (f"{cost}" for cost in found)
    numbers = [float(cost) for cost in written if re.fullmatch(r"\d+(\.\d+)?(e-\d+)?", cost)]
    return max(filter(isfinite, numbers), default=0.0)


def _count(value: Any) -> int | None:
    if value is None:
        return None
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    return int(value) if whole and abs(value) < MAX_COUNT else -1


def _part(fields: dict[str, Any], whole: str, name: str) -> int:
    return max(0, _count(as_dict(fields.get(whole)).get(name)) or 0)
