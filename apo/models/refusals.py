"""Which option a server refuses by name, told from its error.

A value that is out of range is another matter: the user stated it, and mends it.
"""

import re
from typing import Any

from apo.models.body import as_word

_STATUSES = (400, 404, 415, 422, 500)
"""500, as a chat template's own error is one with llama.cpp."""
_SYSTEM = re.compile(
    r"system[ _-]?(role|message|prompt|instruction)s?\W.{0,40}?(not support|unsupported|not allow)|"
    r"not support(ed)? ['\"`]system['\"`]|"
    r"not support (a )?system (role|message|prompt|instruction)|"
    r"developer instruction is not enabled|"
    r"only user and assistant roles|conversation roles must alternate",
    re.IGNORECASE | re.DOTALL,
)
_REFUSES = re.compile(
    r"unsupported|not? support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|"
    r"deprecated|extra (inputs|fields)|only the default|not accept|cannot be (used|set)|"
    r"not available|invalid (parameter|argument|option|field|key)",
    re.IGNORECASE,
)
_ONE_VALUE = re.compile(
    r"\b(must|only|should)( be)?( set to| equal to| exactly)? 1(\.0)?\b(?!\.\d)"
)
"""As of a reasoning model, whose temperature is 1 and nothing else."""
OUT_OF_RANGE = re.compile(
    r"\b(between|range|at (most|least)|greater|less|more than|too (large|high|long|small|low)|"
    r"maximum|minimum|exceeds?|up to)\b|[<>]=|[≤≥]",
    re.IGNORECASE,
)
_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
_NAMES = {
    "max_completion_tokens": "max_completion_tokens",
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "frequency_penalty": "frequency_penalty",
    "frequencyPenalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "presencePenalty": "presence_penalty",
    "stop": "stop",
    "seed": "seed",
    "random_seed": "seed",
    "response_format": "response_format",
    "reasoning_effort": "reasoning_effort",
    "reasoning.effort": "reasoning_effort",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
}
"""What servers call an option, and what `apo.models.dialect` does."""
_OTHER_VALUES = re.compile(r"supported (values|efforts)|must be one of|one of", re.IGNORECASE)
"""As of an effort that is none: the user stated the value, and mends it."""
_LOWER = {name.lower(): option for name, option in _NAMES.items()}
_NAMED = re.compile(rf"\b({'|'.join(_NAMES)})\b")
_QUOTED = re.compile(rf"[`'\"]({'|'.join(_NAMES)})[`'\"]")


def refused_option(status: int, error: dict[str, Any], said: str) -> str:
    """The option of a request that an error refuses by name; "" for none.

    Args:
        status: HTTP status.
        error: the part of the body that says what is wrong.
        said: the server's words.
    """
    if status not in _STATUSES:
        return ""
    if _SYSTEM.search(said):
        return "system"
    stated = as_word(error.get("code")) in _CODES
    refuses = stated or _ONE_VALUE.search(said)
    if not refuses and (status == 500 or not _REFUSES.search(said) or OUT_OF_RANGE.search(said)):
        return ""
    named = _LOWER.get(as_word(error.get("param")), "")
    found = _QUOTED.search(said) or _NAMED.search(said)
    named = named or ("" if found is None else _NAMES[found[1]])
    return "" if named == "reasoning_effort" and _OTHER_VALUES.search(said) else named
