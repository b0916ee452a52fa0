"""What a chat-completions server answered. Both transports end here."""

from collections.abc import Mapping
from typing import Any

import orjson

from apo.errors import ContentFilterError, MalformedReplyError
from apo.model import Completion, Usage
from apo.models.address import Address
from apo.models.allowances import read_allowances
from apo.models.failures import as_dict, as_list, error_part, failure, words

MAX_REPLY = 16 * 2**20
"""The longest reply that is read, in bytes; no chat completion comes near."""

Reply = tuple[int, Mapping[str, str], bytes]
"""HTTP status, headers (looked up in lower case) and the whole body."""


def read_reply(
    address: Address, status: int, headers: Mapping[str, str], data: bytes
) -> Completion:
    """Read a reply to a chat-completions request.

    Args:
        address: the model that was asked.
        status: HTTP status.
        headers: HTTP headers; names are looked up in lower case.
        data: the whole body.

    Raises:
        ModelError: it is no answer; the subclass says why.
    """
    found = completion(address, parse_reply(address, status, headers, data))
    allowances = read_allowances(headers)
    return found._replace(allowances=allowances) if allowances else found


def parse_reply(address: Address, status: int, headers: Mapping[str, str], data: bytes) -> Any:
    """Read the JSON of a reply that is a success; the arguments are those of `read_reply`.

    Raises:
        ModelError: it is none; the subclass says why.
    """
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = data.decode("utf-8", "replace")
    kind = headers.get("content-type", "json")
    if status == 200 and not as_dict(body).get("choices"):
        code = error_part(body).get("code")  # OpenRouter answers 200 when its own upstream fails.
        status = code if isinstance(code, int) and 400 <= code < 600 else 200
    if status != 200:
        raise failure(address, status, headers, body)
    if isinstance(body, str) or "json" not in kind.lower():
        kind = words(address, kind.partition(";")[0], 80)
        raise MalformedReplyError(
            f"{address.name}: the server answered 200 with {kind} that is no chat completion. "
            f"Is the base URL {address.url} right? It begins: "
            f"{words(address, data[:2000].decode('utf-8', 'replace'), 80)!r}"
        )
    return body


def completion(address: Address, body: Any) -> Completion:
    """Read the parsed body of a chat completion.

    Raises:
        ContentFilterError: the provider held the answer back.
        MalformedReplyError: it is no chat completion, or one without an answer.
    """
    try:
        choice = body["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        content = message.get("content")
        refusal = message.get("refusal")
    except (AttributeError, IndexError, KeyError, TypeError):
        raise MalformedReplyError(
            f"{address.name}: the server answered 200 with JSON that is no chat completion. "
            f"Is the base URL {address.url} right?"
        ) from None
    if isinstance(reason, str) and reason.startswith("content_filter"):
        raise ContentFilterError(f"{address.name}: the provider's filter held the answer back.")
    truncated = reason == "length"
    if isinstance(content, list):
        content = "".join(_part_text(part) for part in as_list(content))
    if content is None:
        content = refusal or ("" if truncated else None)
    if not isinstance(content, str):
        raise MalformedReplyError(f"{address.name}: the server answered 200 without any text.")
    try:
        content.encode()
    except UnicodeEncodeError:
        raise MalformedReplyError(f"{address.name}: the answer holds half a character.") from None
    return Completion(text=content, usage=read_usage(body.get("usage")), truncated=truncated)


def too_long(address: Address) -> MalformedReplyError:
    """Make the error of a reply that is longer than any answer."""
    return MalformedReplyError(
        f"{address.name}: the reply is over {MAX_REPLY // 2**20} MB, which no answer is."
    )


def _part_text(part: Any) -> str:
    """The text of one part of an answer in parts; parts of thinking have none."""
    text = as_dict(part).get("text")
    return text if isinstance(text, str) else ""


def read_usage(usage: Any) -> Usage:
    """Read the tokens that a server says it counted."""

    def count(value: Any) -> int | None:
        return value if type(value) is int and value >= 0 else None

    usage = as_dict(usage)
    cached = as_dict(usage.get("prompt_tokens_details")).get("cached_tokens")
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        cached_tokens=count(cached) or 0,
    )
