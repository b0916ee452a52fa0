"""The server's side of OpenAI's chat-completions format: requests read, answers written."""

import re
from typing import Any, cast

import orjson

from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    ModelError,
    OptionRefusedError,
    PromptError,
    QuotaError,
    RateLimitError,
)
from apo.model import Completion, Decoding, Message, Request

STATUS: dict[type[ModelError], tuple[int, str]] = {
    AuthenticationError: (401, "invalid_api_key"),
    QuotaError: (429, "insufficient_quota"),
    BadRequestError: (400, "invalid_value"),
    OptionRefusedError: (400, "unsupported_parameter"),
    RateLimitError: (429, "rate_limit_exceeded"),
    ContextLengthError: (400, "context_length_exceeded"),
    ContentFilterError: (400, "content_filter"),
}
"""How the server says what its model raises; anything else is a 500."""

_ANSWERED = re.compile(
    r"(.+\n\n[^\n{:：]{1,80}[:：](?= )|.+(?=\n\n))\s+(\S(?:(?!\n\n).)*)", re.DOTALL
)
_ECHOED = re.compile(r"\s*(?:[^\W_]+|[^\w\s]|_)")


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
    values: dict[str, Any] = {name: body.get(name) for name in options}
    stop = body.get("stop") or ()
    try:
        if "max_completion_tokens" in body:
            values["max_tokens"] = body["max_completion_tokens"]
        return Request(
            messages=tuple(_message(m["role"], m["content"]) for m in body["messages"]),
            decoding=Decoding(**values, stop=(stop,) if isinstance(stop, str) else tuple(stop)),
            seed=int(body.get("seed") or 0),
        )
    except (KeyError, TypeError, ValueError, PromptError) as error:
        raise BadRequestError(f"Invalid request: {type(error).__name__}: {error}") from None


def read_scored_request(body: dict[str, Any]) -> Request:
    """Read a request to /completions as a chat of one turn, and the answer after it.

    The answer is the last paragraph, without the short cue up to a colon that it may begin with.

    Raises:
        BadRequestError: there is none, or something else than its log-probabilities is asked for.
    """
    prompt = body.get("prompt")
    if not (body.get("echo") and body.get("logprobs") and isinstance(prompt, str)):
        raise BadRequestError("This server's /completions knows 'echo' with 'logprobs' alone.")
    parts = _ANSWERED.fullmatch(prompt)
    if parts is None:
        raise BadRequestError("The prompt holds no answer: a last paragraph.")
    return Request(messages=(Message("user", parts[1]),), continuation=parts[2])


def _message(role: Any, content: Any) -> Message:
    """A message of text, or of parts of text and images."""
    if isinstance(content, str):
        return Message(role, content)
    strange = {part["type"] for part in content} - {"text", "image_url"}
    if strange:
        raise BadRequestError(f"A message has parts of text and image_url, not {min(strange)}.")
    text = "".join(part["text"] for part in content if part["type"] == "text")
    images = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return Message(role, text, tuple(images))


def echoed(body: dict[str, Any], request: Request, completion: Completion) -> dict[str, Any]:
    """Write the prompt with its log-probabilities, and one token after it, as a reply's body.

    A token takes the space before it along.
    """
    tokens = [match[0] for match in _ECHOED.finditer(body["prompt"])]
    of_prompt = len(tokens) - len(completion.logprobs)
    if not completion.logprobs or of_prompt < 1:
        raise BadRequestError("The model served here gives no log-probabilities.")
    values = [None, *[-1.0] * (of_prompt - 1), *completion.logprobs, -9.0]
    logprobs = {"tokens": [*tokens, "."], "token_logprobs": values}
    choice = {"index": 0, "text": f"{body['prompt']}.", "logprobs": logprobs}
    read, written = completion.usage.input_tokens, completion.usage.output_tokens
    return {
        "id": "cmpl-local",
        "object": "text_completion",
        "created": 0,
        "model": body.get("model"),
        "choices": [choice],
        "usage": {"prompt_tokens": read, "completion_tokens": written},
    }


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


def refusal(error: ModelError) -> tuple[int, dict[str, Any]]:
    """The HTTP status and the body that say an error on the wire."""
    status, code = status_of(error)
    option = error.option if isinstance(error, OptionRefusedError) else None
    return status, error_body(code, str(error), option)


def error_body(code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"message": message, "type": "error", "param": param, "code": code}}
