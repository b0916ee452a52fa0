"""The server's side of OpenAI's chat-completions format: requests read, answers written."""

from typing import Any, cast

import orjson

from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    ModelError,
    PromptError,
    QuotaError,
    RateLimitError,
)
from apo.model import Completion, Decoding, Message, Request

STATUS: dict[type[ModelError], tuple[int, str]] = {
    AuthenticationError: (401, "invalid_api_key"),
    QuotaError: (429, "insufficient_quota"),
    BadRequestError: (400, "invalid_value"),
    RateLimitError: (429, "rate_limit_exceeded"),
    ContextLengthError: (400, "context_length_exceeded"),
    ContentFilterError: (400, "content_filter"),
}
"""How the server says what its model raises; anything else is a 500."""


def parse_body(raw: bytes) -> dict[str, Any]:
    """Read the JSON of a request.

    Raises:
        BadRequestError: it is none, or asks for what this server does not do.
    """
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"The body is no JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise BadRequestError("The body is no JSON object.")
    body = cast("dict[str, Any]", parsed)
    if body.get("stream") or body.get("n", 1) != 1:
        raise BadRequestError("This server knows no 'stream', and no 'n' but 1.")
    return body


def read_request(body: dict[str, Any]) -> Request:
    """Read a request as the model in process would have got it.

    Raises:
        BadRequestError: a field is missing, or out of range.
    """
    options = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "max_tokens")
    values = {name: body.get(name) for name in options}
    stop = body.get("stop") or ()
    try:
        if "max_completion_tokens" in body:
            values["max_tokens"] = body["max_completion_tokens"]
        return Request(
            messages=tuple(Message(m["role"], _text(m["content"])) for m in body["messages"]),
            decoding=Decoding(**values, stop=(stop,) if isinstance(stop, str) else tuple(stop)),
            seed=int(body.get("seed") or 0),
        )
    except (KeyError, TypeError, ValueError, PromptError) as error:
        raise BadRequestError(f"Invalid request: {type(error).__name__}: {error}") from None


def _text(content: Any) -> str:
    """A message's content: text, or parts of text."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def chat_completion(body: dict[str, Any], completion: Completion) -> dict[str, Any]:
    """Write an answer as the body of a reply; usage only where the model counted it."""
    usage, message = completion.usage, {"role": "assistant", "content": completion.text}
    finish_reason = "length" if completion.truncated else "stop"
    data: dict[str, Any] = {
        "id": "chatcmpl-local",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
    }
    if usage.input_tokens is not None and usage.output_tokens is not None:
        data["usage"] = {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        }
    return data


def status_of(error: ModelError) -> tuple[int, str]:
    """The HTTP status and the code that say an error on the wire."""
    return STATUS.get(type(error), (500, "server_error"))
