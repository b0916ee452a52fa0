"""The lean transport: chat completions over aiohttp, for any OpenAI-compatible server."""

import asyncio
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import orjson
from yarl import URL

from apo.errors import ModelError, TransportError, UnreachableError
from apo.model import Completion, Request
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.likelihood import read_scored, scored_body, scoring_endpoint
from apo.models.replies import MAX_REPLY, Reply, read_reply, too_long

if TYPE_CHECKING:
    import aiohttp

CONNECT = 10.0
"""Seconds in which a connection must stand."""
KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept. uvicorn, under vLLM and others, closes after 5: a
connection must not be taken up again in the moment in which the server drops it."""


class HttpModel:
    """A model behind a chat-completions server. One call of `complete` is one attempt.

    Args:
        address: where it is served.
        timeout: seconds that one attempt may take in all, waiting for a free connection apart.
        max_connections: the most calls on the wire at once.
    """

    def __init__(
        self, address: Address, *, timeout: float = 120.0, max_connections: int = 64
    ) -> None:
        self._address = address
        self._timeout = timeout
        self._max_connections = max_connections
        self._url = URL(address.endpoint, encoded=True)
        self._scoring_url = URL(scoring_endpoint(address), encoded=True)
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"HttpModel({self.name!r})"

    @property
    def name(self) -> str:
        """The model's full name."""
        return self._address.name

    @property
    def dialect(self) -> Dialect:
        """How it is asked."""
        return self._address.dialect

    async def complete(self, request: Request) -> Completion:
        """Ask once.

        Raises:
            ModelError: the attempt failed; the subclass says whether a retry can help.
        """
        scored = bool(request.continuation)
        values = scored_body(self._address, request) if scored else self._address.body(request)
        body = orjson.dumps(values)
        session = self._session or self._open()
        async with self._slots:
            reply = await self._post(session, self._scoring_url if scored else self._url, body)
        if isinstance(reply, ModelError):
            # Raised out here, so that it does not bring the library's error along as its context:
            # that one holds the request's headers, and so the key.
            raise reply
        if scored:
            return read_scored(self._address, request, reply)
        return read_reply(self._address, *reply)

    async def aclose(self) -> None:
        """Close all connections. A later call opens new ones."""
        session, self._session = self._session, None
        if session:
            await session.close()

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp  # At the first call: who only reads a journal needs none.

        # The slots keep calls from queueing in the connector, where the wait would be timed.
        self._slots = asyncio.Semaphore(self._max_connections)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=KEEP_ALIVE
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={**self._address.headers, "Content-Type": "application/json"},
            proxy=_proxy(self._url),
            timeout=aiohttp.ClientTimeout(
                total=self._timeout, sock_connect=min(CONNECT, self._timeout)
            ),
        )
        return self._session

    async def _post(
        self, session: "aiohttp.ClientSession", url: URL, body: bytes
    ) -> Reply | ModelError:
        import aiohttp

        chunks: list[bytes] = []
        size = 0
        try:
            # A redirect would carry the key to another host, or turn the POST into a GET.
            async with session.post(url, data=body, allow_redirects=False) as reply:
                async for chunk in reply.content.iter_any():
                    size += len(chunk)
                    if size > MAX_REPLY:
                        reply.close()
                        return too_long(self._address)
                    chunks.append(chunk)
            return reply.status, reply.headers, b"".join(chunks)
        except (aiohttp.ClientError, OSError) as error:
            return self._broken(error)

    def _broken(self, error: Exception) -> TransportError:
        """Say what a failure below HTTP is, and whether the server may have got the request."""
        import aiohttp

        name, url = self._address.name, self._address.url
        said = f"{type(error).__name__}: {self._address.redact(str(error))}".rstrip(": ")
        unreached = aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL
        if isinstance(error, (*unreached, aiohttp.ConnectionTimeoutError)):
            return UnreachableError(f"{name}: cannot connect to {url}. Does it run? ({said})")
        if isinstance(error, TimeoutError):
            return TransportError(f"{name}: no answer within {self._timeout:g} s.", billed=True)
        return TransportError(f"{name}: the connection to {url} broke ({said}).", billed=True)


def _proxy(url: URL) -> str | None:
    """Find the proxy in the environment, once; aiohttp's trust_env would look at every call.

    trust_env would also put what ~/.netrc says in place of the key.
    """
    proxy = getproxies().get(url.scheme, "")
    used = proxy.startswith("http") and not (url.host and proxy_bypass(url.host))
    return proxy if used else None
