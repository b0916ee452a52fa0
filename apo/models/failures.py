"""Which `ModelError` a server's refusal is, from its status, headers and body.

Servers differ in how they word the same refusal; the codes and wordings of OpenAI, Azure, Gemini,
Anthropic, OpenRouter, DeepSeek, Zhipu, vLLM, llama.cpp, LM Studio, Ollama and TGI are known here.
"""

import re
import time
from collections.abc import Mapping
from typing import Any

from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    LoadingError,
    MalformedReplyError,
    ModelError,
    OptionRefusedError,
    QuotaError,
    RateLimitError,
    TransportError,
)
from apo.models.address import Address
from apo.models.advice import about_key, about_option, about_request, holder
from apo.models.allowances import retry_after, wait_for_reset
from apo.models.body import as_dict, as_list, as_text, as_word
from apo.models.listing import UNKNOWN_MODEL
from apo.models.moderation import filtered_for
from apo.models.refusals import OUT_OF_RANGE, refused_option

CODE_FIELDS = ("code", "type", "status")
WORDS = ("message", "detail", "error", "error_description", "error_msg", "msg", "errors")
"""Where servers put the words of an error."""
MAX_WORDS = 4000
"""Characters of a server's words that are looked at; the rest says nothing new."""
QUOTA_CODES = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
    "insufficient_credits",
}
QUOTA_WORDS = re.compile(
    r"credit balance is too low|insufficient (account )?(balance|credits?|funds)", re.IGNORECASE
)
FILTER_CODES = {
    "content_filter",
    "content_policy_violation",
    "contentfilter",
    "responsibleaipolicyviolation",
    "data_inspection_failed",
    "datainspectionfailed",
    "1301",
}
FILTER_WORDS = re.compile(
    r"(input|prompt|content|request|message)s? (was|were|is|are|has been|have been) flagged|"
    r"content management policy|safety_check_type|"
    r"violates? ([\w']+ ){0,2}(usage|content) (guidelines|polic)|敏感内容",
    re.IGNORECASE,
)
"""As OpenRouter, Azure, xAI and Zhipu word it, under 400 and 403."""
SAFETY_WORDS = re.compile(
    r"\b(safety|moderat(ion|ed)|guardrails?|content (policy|filter\w*))\b", re.IGNORECASE
)
"""As gateways word the refusal of one request, under 403 and 422."""
WHOLE_WORDS = re.compile(
    r"\b(account|organi[sz]ation|project|key|country|region|location)\b", re.IGNORECASE
)
"""What is refused then is not one request: the others are refused as well."""
CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error"}
CONTEXT_WORDS = re.compile(
    r"maximum context length|model's context length|maximum model length|context size|"
    r"exceeds? (the )?(model's )?(maximum )?context|context (length|window)[^.]{0,40}exceed|"
    r"tokens when (the )?context (the )?overflows|context length of only|"
    r"greater than the context length|"
    r"input token count|(prompt|input|request) (is )?too (long|large)|reduce the length of|"
    r"`inputs` (tokens|must have less)|max_tokens must be at least 1, got -",
    re.IGNORECASE,
)
LIMIT_WORDS = re.compile(
    r"max_(completion_|new_|output_)?tokens|in the completion|completion tokens|output tokens",
    re.IGNORECASE,
)
"""The limit of an answer, which takes part in what is too long."""
MEMORY_WORDS = re.compile(r"requires more (system |available |GPU )*memory", re.IGNORECASE)
"""As Ollama refuses a model too large for its machine, under 500; to ask again is no help."""
LOADING_WORDS = re.compile(
    r"\bloading\b[^.]{0,40}\bmodel|\bmodel\b[^.]{0,80}\bloading\b|warming up|starting up",
    re.IGNORECASE,
)
"""As llama.cpp ("Loading model") and Hugging Face ("Model x is currently loading") say it."""


def failure(
    address: Address,
    status: int,
    headers: Mapping[str, str],
    body: Any,
    *,
    under: int | None = None,
) -> ModelError:
    """Say which error a reply with another status than 200 is.

    Args:
        address: the model that was asked.
        status: HTTP status, or what an error under status 200 stands for.
        headers: HTTP headers; names are looked up in lower case.
        body: what was said.
        under: the HTTP status where the one given is what the words stand for.
    """
    codes, said = _codes(error_part(body)), _message(body)
    shown = address.shown(said, 400)
    answered = f"{status}" if under is None else f"{under} with an error"
    text = f"{address.name}: the server answered {answered}: {shown or '(nothing)'}"
    sentence = text if text.endswith((".", "!", "?", "…")) else f"{text}."
    asked_wait = retry_after(headers, time.time())
    if asked_wait is None:
        asked_wait = wait_for_reset(headers)
    if status == 402 or codes & QUOTA_CODES or QUOTA_WORDS.search(said):
        return QuotaError(f"{sentence} The account behind {holder(address)} has no credit left.")
    if codes & FILTER_CODES or _filters(status, said):
        why = address.shown(filtered_for(error_part(body)), 100)
        return ContentFilterError(f"{text} (held back for {why})" if why else text)
    if status in (401, 403):
        return AuthenticationError(f"{sentence} {about_key(address, status)}")
    if status == 413 or codes & CONTEXT_CODES or CONTEXT_WORDS.search(said):
        return _of_limit(ContextLengthError(text), said)
    if status == 429:
        return RateLimitError(text, retry_after=asked_wait)
    option = refused_option(status, error_part(body), said)
    if option:
        way = about_option(option)
        return OptionRefusedError(sentence + way if way else text, option)
    if status == 503 and LOADING_WORDS.search(said):
        return LoadingError(text, retry_after=asked_wait)
    if status in (408, 409, 425) or (status >= 500 and not MEMORY_WORDS.search(said)):
        return TransportError(text, retry_after=asked_wait)
    if status < 300:
        return MalformedReplyError(text)
    hint = about_request(address, status, headers, said)
    error = _of_limit(BadRequestError(sentence + hint if hint else text), said)
    error.of_model = status == 404 or UNKNOWN_MODEL.search(said) is not None
    return error


def _of_limit(error: ModelError, said: str) -> ModelError:
    error.of_limit = bool(LIMIT_WORDS.search(said) and OUT_OF_RANGE.search(said))
    return error


def _filters(status: int, said: str) -> bool:
    """Whether a server refuses what this request says, and not who asks, by its words."""
    if status in (400, 403) and FILTER_WORDS.search(said):
        return True
    if status not in (403, 422, 451) or WHOLE_WORDS.search(said):
        return False
    return status == 451 or SAFETY_WORDS.search(said) is not None


def error_part(body: Any) -> dict[str, Any]:
    """The part of an error's body that says what is wrong; {} when there is none."""
    listed = as_list(body) or [body]  # Gemini wraps it in a list.
    outer = as_dict(listed[0])
    return as_dict(outer.get("error")) or outer


def _codes(error: dict[str, Any]) -> set[str]:
    inner = as_dict(error.get("innererror"))  # Azure's.
    return {as_word(part.get(name)) for part in (error, inner) for name in CODE_FIELDS}


def _message(body: Any) -> str:
    """The server's own words, wherever it puts them; their beginning when there are many."""
    if isinstance(body, str):
        start = body[:MAX_WORDS]
        title = re.search(r"<title>(.*?)</title>", start, re.IGNORECASE | re.DOTALL)
        return title[1] if title else start
    error = error_part(body)
    for field in WORDS:
        if error.get(field):
            return as_text(error[field])[:MAX_WORDS]
    return ""
