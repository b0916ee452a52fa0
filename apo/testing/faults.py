"""Faults of a chat-completions server, drawn so that they do not depend on timing."""

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import orjson
from aiohttp import web

from apo.errors import SettingsError

HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in first.</body></html>"


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
        retry_after: the Retry-After header of a 429 or 500; None sends none.
        max_hang: seconds.
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
    retry_after: str | None = None
    max_hang: float = 60.0
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
        return {f.name: getattr(self, f.name) for f in fields(self)[:7]}

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


async def spoil(request: web.Request, fault: str, data: dict[str, Any]) -> web.StreamResponse:
    """Send a right answer the wrong way: cut, html, cut_json or null_content."""
    if fault == "html":
        return web.Response(text=HTML, content_type="text/html")
    if fault == "null_content":
        message = data["choices"][0].get("message")
        if message:
            message["content"] = None
        else:  # /completions has no message: the whole choice is missing.
            data["choices"] = []
    whole = orjson.dumps(data)
    half = whole[: len(whole) // 2]
    if fault != "cut":
        body = half if fault == "cut_json" else whole
        return web.Response(body=body, content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(whole)
    await response.prepare(request)
    await response.write(half)
    if request.transport:
        request.transport.close()
    return response
