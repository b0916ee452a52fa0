"""The lean transport: chat completions over aiohttp, for any OpenAI-compatible server."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson
from yarl import URL

from apo.errors import ModelError, TransportError
from apo.models.address import Address
from apo.models.likelihood import scoring_endpoint
from apo.models.network import timed_out, trusted, unreachable, untrusted
from apo.models.replies import MAX_REPLY, Reply, too_long
from apo.models.transport import Transport

if TYPE_CHECKING:
    import aiohttp

CONNECT = 10.0
"""Seconds in which a connection must stand."""
KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept. uvicorn, under vLLM and others, closes after 5: a
connection must not be taken up again in the moment in which the server drops it."""


class HttpModel(Transport):
    """A model asked over aiohttp."""

    library = "aiohttp"

    def __init__(
        self, address: Address, *, timeout: float = 120.0, max_connections: int = 64
    ) -> None:
        super().__init__(address, timeout=timeout, max_connections=max_connections)
        self._url = URL(address.endpoint, encoded=True)
        self._scoring_url = URL(scoring_endpoint(address), encoded=True)

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp  # At the first call: who only reads a journal needs none.

        return aiohttp.ClientSession(
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={**self._address.headers, "Content-Type": "application/json"},
            proxy=self._proxy.url if self._proxy and not self._proxy.socks else None,
            timeout=aiohttp.ClientTimeout(
                total=self._timeout, sock_connect=min(CONNECT, self._timeout)
            ),
        )

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

    async def _listed(self, client: "aiohttp.ClientSession") -> Any:
        import aiohttp

        limit = aiohttp.ClientTimeout(total=min(CONNECT, self._timeout))
        url = URL(self._address.listing, encoded=True)
        async with client.get(url, allow_redirects=False, timeout=limit) as reply:
            return orjson.loads(await _read(reply) or b"")

    async def _post(
        self, client: "aiohttp.ClientSession", body: dict[str, Any], *, scored: bool
    ) -> Reply | ModelError:
        import aiohttp

        url, data = self._scoring_url if scored else self._url, orjson.dumps(body)
        try:
            # A redirect would carry the key to another host, or turn the POST into a GET.
            async with client.post(url, data=data, allow_redirects=False) as reply:
                whole = await _read(reply)
            if whole is None:
                return too_long(self._address)
            return reply.status, reply.headers, whole
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
        if isinstance(error, aiohttp.ServerDisconnectedError) and url.startswith("http://"):
            return TransportError(
                f"{name}: the connection to {url} broke ({said}). Where the server speaks TLS, "
                "write https://.",
                billed=True,
            )
        return TransportError(f"{name}: the connection to {url} broke ({said}).", billed=True)


async def _read(reply: "aiohttp.ClientResponse") -> bytes | None:
    """The whole body; None where it is too long."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in reply.content.iter_any():
        size += len(chunk)
        if size > MAX_REPLY:
            reply.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)
