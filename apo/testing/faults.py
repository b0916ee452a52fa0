"""Faults of a chat-completions server, drawn so that they do not depend on timing."""

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

import orjson
from aiohttp import web

from apo.errors import SettingsError

HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in first.</body></html>"
STATUS: dict[str, tuple[int, str]] = {
    "rate_limit": (429, "rate_limit_exceeded"),
    "server_error": (500, "server_error"),
    "unavailable": (503, "service_unavailable"),
    "overloaded": (529, "overloaded_error"),
    "request_timeout": (408, "request_timeout"),
    "no_credit": (429, "insufficient_quota"),
    "bad_key": (401, "invalid_api_key"),
    "redirect": (307, "temporary_redirect"),
}
"""The faults that are a refusal: its HTTP status, and the code in its body."""
DELIVERED = ("drip", "drop_after")
"""The faults under which the right answer arrives whole all the same."""
HUGE = 50 * 2**20
"""Bytes of a huge answer."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Shares of attempts that go wrong, each in [0, 1] and at most 1 together.

    Whether an attempt goes wrong follows from the seed, the request and how often it was asked,
    so it does not depend on the order of requests, and the same request can succeed later.

    Attributes:
        rate_limit: answers 429.
        server_error: answers 500.
        hang: says nothing until the client gives up, or for max_hang seconds.
        cut: closes the connection in the middle of the body.
        html: answers 200 with a web page.
        cut_json: answers 200 with the first half of the JSON.
        null_content: answers 200 with a choice without text.
        unavailable: answers 503.
        overloaded: answers 529.
        request_timeout: answers 408.
        no_credit: answers 429, and that the account is empty.
        bad_key: answers 401.
        redirect: answers 307, to another host.
        error_body: answers 200 with an error object.
        invalid_utf8: answers 200 with a byte in the text that is no UTF-8.
        wrong_type: answers 200 and calls the right JSON text/plain.
        empty: answers 200 with no body.
        drop: closes the connection without a word.
        head_only: closes it after the headers.
        huge: answers 200 with 50 MB.
        drip: sends the right answer a byte at a time.
        drop_after: sends the right answer, and closes the connection that it had promised to keep.
        retry_after: the Retry-After header of a 408, 429 or 5xx; None sends none.
        max_hang: seconds.
        drip_seconds: between two bytes.
        max_in_a_row: after so many faults, a request is answered at its next attempt.
        status: answer every request with this status instead.
        seed: of the draws.
    """

    rate_limit: float = 0.0
    server_error: float = 0.0
    hang: float = 0.0
    cut: float = 0.0
    html: float = 0.0
    cut_json: float = 0.0
    null_content: float = 0.0
    unavailable: float = 0.0
    overloaded: float = 0.0
    request_timeout: float = 0.0
    no_credit: float = 0.0
    bad_key: float = 0.0
    redirect: float = 0.0
    error_body: float = 0.0
    invalid_utf8: float = 0.0
    wrong_type: float = 0.0
    empty: float = 0.0
    drop: float = 0.0
    head_only: float = 0.0
    huge: float = 0.0
    drip: float = 0.0
    drop_after: float = 0.0
    retry_after: str | None = None
    max_hang: float = 60.0
    drip_seconds: float = 0.0005
    max_in_a_row: int = 3
    status: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        shares = self.shares()
        if min(shares.values()) < 0 or sum(shares.values()) > 1 + 1e-9:
            raise SettingsError(
                f"{shares}: shares of faults are in [0, 1], and at most 1 together."
            )

    def shares(self) -> dict[str, float]:
        """The shares by name."""
        names = [f.name for f in fields(self)]
        return {name: getattr(self, name) for name in names[: names.index("retry_after")]}

    def draw(self, content: bytes, attempt: int) -> str | None:
        """Which fault befalls the attempt at a request, counted from 0; None is no fault."""
        if attempt % (self.max_in_a_row + 1) == self.max_in_a_row:
            return None
        digest = hashlib.sha256(b"%d:%d:" % (self.seed, attempt) + content).digest()
        place = int.from_bytes(digest[:7]) / 2**56
        for name, share in self.shares().items():
            if place < share:
                return name
            place -= share
        return None


async def spoil(
    request: web.Request, fault: str, data: dict[str, Any], drip_seconds: float = 0.0
) -> web.StreamResponse:
    """Send a right answer the wrong way.

    Args:
        request: what is answered.
        fault: any that is neither in `STATUS` nor a hang.
        data: the right answer's body.
        drip_seconds: between two bytes of a drip.
    """
    whole = orjson.dumps(data)
    half = whole[: len(whole) // 2]
    if fault in ("cut", "head_only"):
        return await _broken_off(request, len(whole), half if fault == "cut" else b"")
    if fault in ("drop", "drop_after"):
        response = web.Response(body=whole, content_type="application/json")
        if fault == "drop_after":
            await response.prepare(request)
            await response.write_eof()
        _hang_up(request)
        return response
    if fault in ("drip", "huge"):
        return await _streamed(request, whole, drip_seconds if fault == "drip" else None)
    if fault in ("html", "wrong_type"):
        kind = "text/html" if fault == "html" else "text/plain"
        return web.Response(body=HTML.encode() if fault == "html" else whole, content_type=kind)
    bodies = {
        "cut_json": half,
        "empty": b"",
        "error_body": b'{"error": {"message": "The upstream failed.", "code": 502}}',
        "invalid_utf8": half + b"\xff" + whole[len(half) :],
        "null_content": _without_text(data),
    }
    return web.Response(body=bodies[fault], content_type="application/json")


def _without_text(data: dict[str, Any]) -> bytes:
    message = data["choices"][0].get("message")
    if message:
        message["content"] = None
    else:  # /completions has no message: the whole choice is missing.
        data["choices"] = []
    return orjson.dumps(data)


async def _broken_off(request: web.Request, length: int, sent: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = length
    await response.prepare(request)
    await response.write(sent)
    _hang_up(request)
    return response


async def _streamed(
    request: web.Request, whole: bytes, seconds: float | None
) -> web.StreamResponse:
    """Send a body byte by byte with a pause before each; without one, after 50 MB of spaces."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    if seconds is not None:
        for i in range(len(whole)):
            await asyncio.sleep(seconds)
            await response.write(whole[i : i + 1])
        return response
    with suppress(ConnectionResetError):  # No client needs to read all of it.
        for _ in range(HUGE // 2**20):
            await response.write(b" " * 2**20)
        await response.write(whole)
    return response


def _hang_up(request: web.Request) -> None:
    if request.transport:
        request.transport.close()
