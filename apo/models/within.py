"""Failures within a reply of status 200, as gateways pass on those of their upstream."""

from typing import Any

from apo.models.failures import as_dict, as_list

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


def error_within(body: Any) -> dict[str, Any]:
    """The part of a reply that says what went wrong; {} for nothing."""
    fields = as_dict(body)
    choices = as_list(fields.get("choices"))
    for part in (fields, as_dict(choices[0]) if choices else {}):
        error = part.get("error")
        if error:
            return as_dict(error) or {"message": str(error)}
    if not choices:  # Some put the error's own fields at the top.
        code = fields.get("code")
        return fields if isinstance(code, int) and 400 <= code < 600 else {}
    return {}


def status_within(error: dict[str, Any]) -> int:
    """The status that an error within a reply stands for; 200 when it does not say."""
    for field in ("code", "status", "type"):
        code = error.get(field)
        if isinstance(code, int) and 400 <= code < 600:
            return code
        if str(code).lower() in _STATUS_OF:
            return _STATUS_OF[str(code).lower()]
    return 200


def prompt_filtered(body: Any) -> bool:
    """Whether Azure's filter, or Gemini's, held the request itself back."""
    fields = as_dict(body)
    filtered = any(
        as_dict(result).get("filtered") is True
        for prompt in as_list(fields.get("prompt_filter_results"))
        for result in as_dict(as_dict(prompt).get("content_filter_results")).values()
    )
    return filtered or bool(as_dict(fields.get("promptFeedback")).get("blockReason"))
