"""Which `ModelError` a server's refusal is, from its status, headers and body.

Servers differ in how they word the same refusal; the codes and wordings of OpenAI, Azure, Gemini,
Anthropic, OpenRouter, DeepSeek, Zhipu, vLLM, llama.cpp, LM Studio, Ollama and TGI are known here.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

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
from apo.models.allowances import read_number, wait_for_reset
from apo.models.body import as_dict, as_list, as_text, as_word
from apo.models.dialect import DECODED
from apo.models.moderation import filtered_for
from apo.models.refusals import OUT_OF_RANGE, refused_option
from apo.trust import HOSTS, is_here

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
    r"`inputs` (tokens|must have less)",
    re.IGNORECASE,
)
LIMIT_WORDS = re.compile(
    r"max_(completion_|new_|output_)?tokens|in the completion|completion tokens|output tokens",
    re.IGNORECASE,
)
"""The limit of an answer, which takes part in what is too long."""
LOADING_WORDS = re.compile(
    r"\bloading\b[^.]{0,40}\bmodel|\bmodel\b[^.]{0,80}\bloading\b|warming up|starting up",
    re.IGNORECASE,
)
"""As llama.cpp ("Loading model") and Hugging Face ("Model x is currently loading") say it."""
UNSUPPORTED = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|not permitted|not allowed|deprecated|"
    r"invalid|does not|extra inputs|only",
    re.IGNORECASE,
)


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
    shown = words(address, said, 400)
    answered = f"{status}" if under is None else f"{under} with an error"
    text = f"{address.name}: the server answered {answered}: {shown or '(nothing)'}"
    sentence = text if text.endswith((".", "!", "?", "…")) else f"{text}."
    asked_wait = retry_after(headers, time.time())
    if asked_wait is None:
        asked_wait = wait_for_reset(headers)
    if status == 402 or codes & QUOTA_CODES or QUOTA_WORDS.search(said):
        return QuotaError(f"{sentence} The account behind {_key(address)} has no credit left.")
    if codes & FILTER_CODES or _filters(status, said):
        why = words(address, filtered_for(error_part(body)), 100)
        return ContentFilterError(f"{text} (held back for {why})" if why else text)
    if status in (401, 403):
        return AuthenticationError(f"{sentence} {_refused(address, status)}")
    if status == 413 or codes & CONTEXT_CODES or CONTEXT_WORDS.search(said):
        return _of_limit(ContextLengthError(text), said)
    if status == 429:
        return RateLimitError(text, retry_after=asked_wait)
    option = refused_option(status, error_part(body), said)
    if option:
        way = _without(option)
        return OptionRefusedError(sentence + way if way else text, option)
    if status == 503 and LOADING_WORDS.search(said):
        return LoadingError(text, retry_after=asked_wait)
    if status in (408, 409, 425) or status >= 500:
        return TransportError(text, retry_after=asked_wait)
    if status < 300:
        return MalformedReplyError(text)
    hint = _hint(address, status, headers, said)
    return _of_limit(BadRequestError(sentence + hint if hint else text), said)


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


def words(address: Address, text: str, size: int) -> str:
    """Foreign text, made safe to show: no key, no control characters, not long."""
    shown = "".join(c if c.isprintable() else " " for c in address.redact(text[:2000]))
    shown = " ".join(shown.split())
    return shown if len(shown) <= size else shown[:size] + "…"


def _key(address: Address) -> str:
    return f"the key in {address.key_variable}" if address.key_variable else address.url


def _refused(address: Address, status: int) -> str:
    """What the user can do about a key, or a missing one."""
    if address.scheme == "basic":
        return f"It refuses the user and password in the URL, or in {address.key_variable}."
    variable = address.key_variable
    if not variable:
        return (
            "No key was sent, as none is taken under this name. If it wants one, name the model "
            f"{address.url}#{address.model} and set APO_API_KEY."
        )
    if variable == HOSTS:
        url = urlsplit(address.url)
        plain = url.scheme == "http" and not is_here(url.hostname or "")
        host = f"http://{url.netloc}" if plain else url.netloc
        unsafe = " Others in the network can read it there, as it is no https." * plain
        return (
            f"No key was sent, as a file named {url.netloc}. To send yours there, name it "
            f"yourself: export {HOSTS}={host}.{unsafe}"
        )
    if not address.key:
        told = f"No key was sent. Set one: export {variable}=YOUR_KEY."
        return (
            told
            if status != 403
            else (
                f"{told} What a gateway wants in other headers is set in APO_HEADERS. If it "
                "answers other requests without a key, it refuses what this one says: look at the "
                "row."
            )
        )
    if status == 403:  # Who is not known gets a 401.
        return (
            f"It knows the key in {variable}, or asks for none, and does not let it do this: look "
            f"whether it may use the model {address.model!r}, from this country and network. What "
            "a gateway wants in other headers is set in APO_HEADERS."
        )
    return f"It refuses the key in {variable}. Set another: export {variable}=YOUR_KEY."


def _without(option: str) -> str:
    """What can be done where an option is refused that cannot be left out."""
    if option in ("max_tokens", "max_completion_tokens"):
        return (
            " It takes no limit of an answer under either name, so no limit of tokens or money can "
            "be kept: use --max-calls, and set decoding.max_tokens: null."
        )
    return ""


def _hint(address: Address, status: int, headers: Mapping[str, str], said: str) -> str:
    """What the user can do about a request that is refused for good."""
    if status < 400:
        target = words(address, headers.get("location", "nowhere"), 200)
        return f" It redirects to {target}; write the model's URL so that nothing redirects."
    if status == 404:
        pull = f" Is it there? ollama pull {address.model}." * address.name.startswith("ollama/")
        versioned = re.search(r"/v\d|/openai\b", address.url)
        end = "" if versioned else f" Most servers' base URL ends in /v1: {address.url}/v1."
        return f" Check the model {address.model!r} and the base URL {address.url}.{end}{pull}"
    named = re.search(rf"\b({'|'.join(DECODED)})\b", said)
    if not named:
        return ""
    option = "max_tokens" if named[1] == "max_completion_tokens" else named[1]
    unset = "[]" if option == "stop" else "null"
    if re.search(r"must be (strictly )?(positive|greater)", said) and option != "max_tokens":
        way = f"such as decoding.{option}: 0.01, or leave it to the server: {unset}"
        return f" Give another value, {way}."
    if not UNSUPPORTED.search(said):
        return ""
    return f" To leave the option to the server, set decoding.{option}: {unset}."


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a server asks to wait; None when it does not say, or not legibly.

    Args:
        headers: HTTP headers; names are looked up in lower case.
        now: seconds since the epoch.
    """
    milliseconds = read_number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after", "")
    seconds = read_number(asked)
    if seconds is not None:
        return seconds
    try:
        date = parsedate_to_datetime(asked)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return None
