"""A chat-completions server on this machine, with faults on demand."""

import asyncio
import hashlib
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from apo.errors import AuthenticationError, ModelError
from apo.model import Model
from apo.testing.batches import Batches
from apo.testing.dialects import answer, encode
from apo.testing.faults import DELIVERED, STATUS, Faults, spoil
from apo.testing.manners import manner
from apo.testing.wire import echoed, error_body, parse_body, read_scored_request, refusal

RETRY_AFTER = (408, 429, 500, 503, 529)
"""The refusals that carry a Retry-After header, if one was asked for."""


@dataclass(frozen=True)
class Seen:
    """A request that came in: its path with the query, its headers by lower-case name, its body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ChatServer:
    """Serves a model on 127.0.0.1 while it is entered: `async with ChatServer(model) as server`.

    Args:
        model: what answers; its seed is the request's, 0 when there is none.
        faults: what goes wrong.
        latency: seconds that every attempt takes beside the model's own time.
        key: the only key that is accepted; None accepts all.
        port: 0 takes a free one.
        dialect: its way of speaking, by name; see `apo.testing.dialects`.
        headers: sent with every answer, such as what is left of a rate limit.
        usage: what is stated in place of the true counts of tokens, by their names.
        shows_key: end every answer with the key that came with the request.

    Attributes:
        base_url: where it serves, once entered.
        requests: attempts that came in.
        answered: attempts that got their right answer.
        answers: how often each distinct request was answered, and so paid, by its body's hash.
        by_fault: attempts that went wrong, by the name of the fault or the status.
        in_flight: attempts under way.
        max_in_flight: the most that were under way at once.
        seen: the last thousand requests.
        batches: the Batch API, which counts for itself.
    """

    def __init__(
        self,
        model: Model,
        *,
        faults: Faults | None = None,
        latency: float = 0.0,
        key: str | None = None,
        port: int = 0,
        dialect: str = "plain",
        headers: Mapping[str, str] | None = None,
        usage: Mapping[str, Any] | None = None,
        shows_key: bool = False,
    ) -> None:
        self._stated, self._usage, self._shows_key = headers or {}, usage, shows_key
        self._manner = manner(dialect)
        self.model, self.faults, self.latency = model, faults or Faults(), latency
        self.base_url = ""
        self.requests = self.answered = self.in_flight = self.max_in_flight = 0
        self.answers: Counter[str] = Counter()
        self.by_fault: Counter[str] = Counter()
        self.seen: deque[Seen] = deque(maxlen=1000)
        self.batches = Batches(self._chat, self._check_key)
        self._key, self._port = key, port
        self._attempts: Counter[bytes] = Counter()

    @property
    def model_name(self) -> str:
        """The name under which `open_model` finds the model here."""
        return f"{self.base_url}#{self.model.name}"

    async def __aenter__(self) -> "ChatServer":
        """Start to serve."""
        app = web.Application(client_max_size=64 * 2**20)
        self.batches.route(app)
        app.router.add_post("/{path:.*}/completions", self._handle)  # /chat/completions as well.
        # A client that gives up ends the handler: else a hanging one would live on.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, and drop what is under way."""
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            return await self._reply(request)
        except ModelError as error:
            status, body = refusal(error)
            return self._refuse(status, body)
        finally:
            self.in_flight -= 1

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = parse_body(raw)
        headers = {str(name).lower(): str(value) for name, value in request.headers.items()}
        self.seen.append(Seen(request.path_qs, headers, body))
        await asyncio.sleep(self.latency)
        self._check_key(headers)
        if self._manner.header and not headers.get(self._manner.header):
            wanted = error_body("forbidden", f"The header {self._manner.header} is missing.")
            return self._refuse(403, wanted)
        if self._manner.refuses_all:
            said = error_body("403", self._manner.refuses_all)
            return self._refuse(403, said | ({"usage": self._usage} if self._usage else {}))
        if self.faults.status is not None:
            stated = error_body("stated", "This status was asked for.")
            return self._refuse(self.faults.status, stated)
        content = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()
        fault = self.faults.draw(content, self._attempts[content])
        self._attempts[content] += 1
        if fault in STATUS:
            status, code = STATUS[fault]
            # Some servers show the key that they were given.
            said = error_body(code, f"Try again. Your key was {_key(headers)}.")
            return self._refuse(status, said, fault)
        if fault == "hang":
            self.by_fault[fault] += 1
            await asyncio.sleep(self.faults.max_hang)
            return web.Response(status=504)
        data = await self._data(request, body)
        if fault:
            self.by_fault[fault] += 1
            response = await spoil(request, fault, data, self.faults.drip_seconds)
            if fault in DELIVERED:
                self._paid(content)
            return response
        self._paid(content)
        self._distort(data, headers)
        written, kind = encode(data, self._manner)
        return web.Response(body=written, content_type=kind, headers=self._stated)

    def _distort(self, data: dict[str, Any], headers: dict[str, str]) -> None:
        """State what was asked for in place of what is true."""
        if self._usage is not None:
            data["usage"] = dict(self._usage)
        if self._shows_key and "message" in data["choices"][0]:
            data["choices"][0]["message"]["content"] += f"\n{_key(headers)}"

    async def _data(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        """The right answer's body."""
        if request.path.endswith("/chat/completions"):
            return await self._chat(body)
        asked = read_scored_request(body)
        return echoed(body, asked, await self.model.complete(asked))

    async def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        return await answer(self.model, body, self._manner)

    def _paid(self, content: bytes) -> None:
        self.answered += 1
        self.answers[content.hex()] += 1

    def _check_key(self, headers: dict[str, str]) -> None:
        given = _key(headers)
        if self._key is not None and given != self._key:
            raise AuthenticationError(f"Incorrect API key provided: {given}.")

    def _refuse(self, status: int, body: dict[str, Any], fault: str = "") -> web.Response:
        self.by_fault[fault or str(status)] += 1
        headers: dict[str, str] = {}
        if self.faults.retry_after is not None and status in RETRY_AFTER:
            headers["Retry-After"] = self.faults.retry_after
        if fault == "redirect":
            headers["Location"] = "http://elsewhere.invalid/v1/chat/completions"
        data = orjson.dumps(body)
        return web.Response(
            body=data, status=status, headers=headers, content_type="application/json"
        )


def _key(headers: dict[str, str]) -> str:
    return headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")
