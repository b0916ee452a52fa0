"""What is within a reply of status 200: the choice to read, or a failure passed on."""

import re
from typing import Any

from apo.models.body import as_dict, as_list, as_text, as_word
from apo.models.failures import MAX_WORDS, WORDS

_STATUS_OF = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
    "server_error": 502,
    "internal_error": 502,
    "internal_server_error": 502,
    "api_error": 502,
    "overloaded_error": 529,
    "timeout": 504,
    "upstream_error": 502,
}
"""What the codes and types of an error stand for where no number does."""
_STATUS_SAID = (
    (429, re.compile(r"rate.?limit|too many requests|quota|throttl", re.IGNORECASE)),
    (401, re.compile(r"unauthori[sz]ed|authenticat|(api.?key|token)\b.*invalid|"
                     r"invalid (api.?key|(access )?token)", re.IGNORECASE)),
    (402, re.compile(r"insufficient (account )?(balance|credits?|funds)|(no|out of) credits?\b|"
                     r"payment required", re.IGNORECASE)),
    (404, re.compile(r"(model|route|endpoint|url)\b.*(not (found|exist)|unknown)|"
                     r"unexpected (endpoint|method|path)|"
                     r"(no such|unknown) (model|route|endpoint)", re.IGNORECASE)),
    (503, re.compile(r"overload|unavailable|maintenance|try again|timed? ?out|time-out|busy|"
                     r"internal (server )?error|bad gateway", re.IGNORECASE)),
)  # fmt: skip
"""What the words of an error stand for where no code does; the first that fits."""
_FAILED = ("error", "err", "fail", "failed", "failure")


def first_choice(body: Any) -> dict[str, Any]:
    """The choice of index 0, wherever it stands; {} where there is none."""
    choices = [as_dict(choice) for choice in as_list(as_dict(body).get("choices"))]
    indexed = [choice for choice in choices if choice.get("index") == 0]
    return (indexed or choices or [{}])[0]


def error_within(body: Any) -> dict[str, Any]:
    """The part of a reply that says what went wrong; {} for nothing."""
    fields = as_dict(body)
    for part in (fields, first_choice(body)):
        error = part.get("error")
        if error:
            return as_dict(error) or {"message": as_text(error)}
    if fields.get("choices"):
        return {}
    # Some put the error's own fields at the top.
    code, said = fields.get("code"), _said(fields)
    stated = as_word(fields.get("status")) in _FAILED or fields.get("success") is False
    failed = isinstance(code, int) and 400 <= code < 600
    return fields if failed or (said and (stated or status_within(fields) != 200)) else {}


def status_within(error: dict[str, Any]) -> int:
    """The status that an error within a reply stands for; 200 when it does not say."""
    for field in ("code", "status", "type"):
        code = error.get(field)
        if isinstance(code, int) and 400 <= code < 600:
            return code
        if as_word(code) in _STATUS_OF:
            return _STATUS_OF[as_word(code)]
    said = _said(error)
    return next((status for status, words in _STATUS_SAID if words.search(said)), 200)


def _said(error: dict[str, Any]) -> str:
    """The words of an error; "" where there are none."""
    said: object = next((error[field] for field in WORDS if error.get(field)), "")
    said = as_text(as_list(said)) if as_list(said) else said
    return said[:MAX_WORDS] if isinstance(said, str) else ""


def prompt_filtered(body: Any) -> bool:
    """Whether Azure's filter, or Gemini's, held the request itself back."""
    fields = as_dict(body)
    filtered = any(
        as_dict(result).get("filtered") is True
        for prompt in as_list(fields.get("prompt_filter_results"))
        for result in as_dict(as_dict(prompt).get("content_filter_results")).values()
    )
    return filtered or bool(as_dict(fields.get("promptFeedback")).get("blockReason"))
