"""What a chat-completions server answered. Both transports end here."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from apo.errors import (
    BadRequestError,
    ContentFilterError,
    MalformedReplyError,
    ModelError,
    TransportError,
)
from apo.model import Completion
from apo.models.address import Address
from apo.models.allowances import read_allowances
from apo.models.body import as_dict, as_list, as_text, as_word, read_body, whole
from apo.models.failures import error_part, failure
from apo.models.moderation import filtered_for
from apo.models.stated import read_usage, stated_cost
from apo.models.stream import read_stream
from apo.models.thinking import read_parts, thinking_beside
from apo.models.within import error_within, first_choice, prompt_filtered, status_within
from apo.tools import calls_as_text

MAX_REPLY = 16 * 2**20
"""The longest reply that is read, in bytes; no chat completion comes near."""

MOST = 0.01
"""No log-probability is above 0 by more than rounding."""
_CUT = (
    *("length", "max_tokens", "model_length", "max_output_tokens"),
    "model_context_window_exceeded",
)
_HELD_BACK = (
    "content_filter",
    "content-filter",
    "safety",
    "prohibited_content",
    "blocklist",
    "recitation",
    "guardrail",
    "sensitive",
)
_BROKEN_OFF = ("error", "abort", "network_error", "insufficient_system_resource")
"""How servers word that an answer was cut, that a filter held it back (by its beginning), and that
a failure of their own ended it (by its beginning): vLLM, SGLang, GLM and DeepSeek."""
_CALLS = ("tool_calls", "function_call")
"""Fields of a message, and reasons of its end, where a model calls a tool."""
Reply = tuple[int, Mapping[str, str], bytes]
"""HTTP status, headers (looked up in lower case) and the whole body."""


def read_reply(
    address: Address,
    status: int,
    headers: Mapping[str, str],
    data: bytes,
    *,
    tools: bool = False,
) -> Completion:
    """Read a reply to a chat-completions request.

    Args:
        address: the model that was asked.
        status: HTTP status.
        headers: HTTP headers; names are looked up in lower case.
        data: the whole body.
        tools: whether the request declared tools, so that a call of one is an answer.

    Raises:
        ModelError: it is no answer; the subclass says why.
    """
    return read_parsed(address, status, headers, read_body(data), tools=tools)


def read_parsed(
    address: Address, status: int, headers: Mapping[str, str], body: Any, *, tools: bool = False
) -> Completion:
    """Read a reply whose body `read_body` has read; the rest as for `read_reply`."""
    body = parse_reply(address, status, headers, body)
    try:
        found = completion(address, body, tools=tools)
    except ModelError as error:
        raise _stating(error, body)  # noqa: B904 - it is the same error.
    allowances, usd = read_allowances(headers), stated_cost(body, headers)
    return found._replace(allowances=allowances, usd=usd) if allowances or usd else found


def parse_reply(address: Address, status: int, headers: Mapping[str, str], body: Any) -> Any:
    """Make sure that a reply is a success; the arguments are those of `read_parsed`.

    Returns:
        The body, put together where it was streamed.

    Raises:
        ModelError: it is none; the subclass says why.
    """
    kind = headers.get("content-type", "json")
    if status == 200 and isinstance(body, str):
        streamed = read_stream(body)
        body, kind = (streamed, "json") if streamed is not None else (body, kind)
    failed = error_within(body) if status == 200 else {}
    if failed:
        meant = status_within(failed)
        raise _stating(failure(address, meant, headers, {"error": failed}, under=status), body)
    if status != 200:
        raise _stating(failure(address, status, headers, body), body)
    if isinstance(body, str) or "json" not in kind.lower():
        kind = address.shown(kind.partition(";")[0], 80)
        raise MalformedReplyError(
            f"{address.name}: the server answered 200 with {kind} that is no chat completion. "
            f"Is the base URL {address.url} right? It begins: "
            f"{address.shown(as_text(body), 80)!r}"
        )
    return body


def completion(address: Address, body: Any, *, tools: bool = False) -> Completion:
    """Read the parsed body of a chat completion.

    Args:
        address: the model that was asked.
        body: as JSON values.
        tools: whether the request declared tools; calls of them are the answer then, as JSON.

    Raises:
        BadRequestError: in place of an answer the model calls a tool that nobody declared.
        ContentFilterError: the provider held the answer back.
        TransportError: the provider's own failure ended the answer.
        MalformedReplyError: it is no chat completion, or one without an answer.
    """
    choices, choice = as_dict(body).get("choices"), first_choice(body)
    said = choice.get("message")
    if said is None and "text" in choice:  # As /completions answers, behind some gateways.
        said = {"content": choice["text"]}
    if not isinstance(choices, list) or (choices and not isinstance(said, dict)):
        begins = address.shown(as_text(body), 80)
        raise MalformedReplyError(
            f"{address.name}: the server answered 200 with JSON that is no chat completion. "
            f"Is the base URL {address.url} right? It begins: {begins!r}"
        )
    message, reason = as_dict(said), as_word(choice.get("finish_reason"))
    content, refusal = message.get("content"), message.get("refusal")
    if reason.startswith(_HELD_BACK) or (not choices and prompt_filtered(body)):
        why = filtered_for(body)
        raise ContentFilterError(
            f"{address.name}: the provider's filter held the answer back"
            f"{f' for {address.shown(why, 100)}' if why else ''}."
        )
    if reason.startswith(_BROKEN_OFF):
        raise TransportError(
            f"{address.name}: the server answered 200 with finish_reason {reason[:40]!r}, which "
            "is a failure of its own and no answer.",
            billed=True,
        )
    if isinstance(content, (int, float)):  # A label or a grade, written as JSON: 5, true.
        content = as_text(content)
    called = calls_as_text(message.get("tool_calls")) if tools else None
    content = content if called is None else called
    silent = not (content.strip() if isinstance(content, str) else content)
    if silent and (reason in _CALLS or any(message.get(name) for name in _CALLS)):
        raise _tool_called(address)
    truncated = reason in _CUT
    thinking = thinking_beside(message)
    if isinstance(content, list):
        content, thought = read_parts(as_list(content))
        thinking = "\n".join(filter(None, (thinking, thought)))
    if not content and isinstance(refusal, str):
        content = refusal or content
    if content is None and (truncated or thinking):
        content = ""
    if not isinstance(content, str):
        missing = "any text" if choices else "any choice"
        if as_dict(body).get("unended") is True:
            missing = "the end of its stream: neither a finish_reason nor [DONE] came"
        raise MalformedReplyError(f"{address.name}: the server answered 200 without {missing}.")
    usage = read_usage(body.get("usage"))
    named, fingerprint = (as_dict(body).get(name) for name in ("model", "system_fingerprint"))
    return Completion(
        text=whole(content),  # Asked again it would be as broken, and it is paid.
        usage=usage,
        truncated=truncated,
        thinking=whole(thinking),
        logprobs=_logprobs(choice.get("logprobs")),
        model=address.shown(named, 100) if isinstance(named, str) else "",
        fingerprint=address.shown(fingerprint, 100) if isinstance(fingerprint, str) else "",
    )


def _logprobs(given: Any) -> tuple[float, ...]:
    """The log-probabilities of an answer's tokens; () where one is none."""
    values = [as_dict(token).get("logprob") for token in as_list(as_dict(given).get("content"))]
    found = [float(v) for v in values if isinstance(v, int | float) and isfinite(v) and v <= MOST]
    return tuple(found) if len(found) == len(values) else ()


def _tool_called(address: Address) -> BadRequestError:
    error = BadRequestError(
        f"{address.name}: the model called a tool in place of answering, and the prompt declares "
        "none: switch tools off in the gateway or server, or declare them (tools in the task)."
    )
    error.billed = True
    return error


def too_long(address: Address) -> MalformedReplyError:
    """Make the error of a reply that is longer than any answer."""
    return MalformedReplyError(
        f"{address.name}: the reply is over {MAX_REPLY // 2**20} MB, which no answer is."
    )


def _stating(error: ModelError, body: Any) -> ModelError:
    """The error with the tokens that its reply states, if it does."""
    error.usage = read_usage(as_dict(body).get("usage") or error_part(body).get("usage"))
    return error
