"""The lean transport: chat completions over aiohttp, for any OpenAI-compatible server."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson
from yarl import URL

from apo.errors import ModelError, TransportError
from apo.model import Completion, Request
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.likelihood import read_scored, scored_body, scoring_endpoint
from apo.models.network import from_server, proxy_for, timed_out, trusted, unreachable, untrusted
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
        self._proxy = proxy_for(address.url, "aiohttp")

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
        reply = from_server(self._address, self._proxy, reply)
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
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={**self._address.headers, "Content-Type": "application/json"},
            proxy=self._proxy.url if self._proxy and not self._proxy.socks else None,
            timeout=aiohttp.ClientTimeout(
                total=self._timeout, sock_connect=min(CONNECT, self._timeout)
            ),
        )
        return self._session

    def _connector(self) -> "aiohttp.BaseConnector":
        """What makes connections, through a SOCKS proxy where there is one."""
        import aiohttp

        given: dict[str, Any] = {
            "limit": self._max_connections,
            "keepalive_timeout": KEEP_ALIVE,
            "ssl": trusted() if self._url.scheme == "https" else True,
        }
        if self._proxy is None or not self._proxy.socks:
            return aiohttp.TCPConnector(**given)
        kind, _, rest = self._proxy.url.partition("://")
        # The proxy finds the host's address, also where the letter that asks for it is missing.
        found = import_module("aiohttp_socks").ProxyConnector.from_url
        connector: aiohttp.BaseConnector = found(f"{kind[:6]}://{rest}", rdns=True, **given)
        return connector

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
        except Exception as error:
            # The package for SOCKS proxies has errors of its own.
            if self._proxy is None or not self._proxy.socks:
                raise
            return self._broken(error)

    def _broken(self, error: Exception) -> ModelError:
        """Say what a failure below HTTP is, and whether the server may have got the request."""
        import aiohttp

        name, url = self._address.name, self._address.url
        said = f"{type(error).__name__}: {self._address.redact(str(error))}".rstrip(": ")
        unreached = aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL
        of_proxy = type(error).__module__.startswith(("aiohttp_socks", "python_socks"))
        if of_proxy or isinstance(error, (*unreached, aiohttp.ConnectionTimeoutError)):
            return untrusted(self._address, error) or unreachable(self._address, self._proxy, said)
        if isinstance(error, TimeoutError):
            return timed_out(self._address, self._timeout)
        return TransportError(f"{name}: the connection to {url} broke ({said}).", billed=True)
