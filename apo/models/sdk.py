"""The other transport: chat completions through the openai SDK, version 2 or 3.

It costs ten times the processor time of `HttpModel`, or more. It is for what the SDK is configured
for: organization and project headers, and its own logging and tracing hooks.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from apo.errors import ModelError, TransportError
from apo.model import Completion, Request
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.likelihood import read_scored, scored_body
from apo.models.network import from_server, proxy_for, timed_out, trusted, unreachable, untrusted
from apo.models.replies import MAX_REPLY, Reply, read_reply, too_long

if TYPE_CHECKING:
    import openai

CONNECT = 10.0
"""Seconds in which a connection must stand."""
UNREACHED = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
"""Errors of httpx before a request is sent; httpx2, under openai 3, has the same names."""


class SdkModel:
    """A model asked through the openai SDK. One call of `complete` is one attempt.

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
        self._client: openai.AsyncOpenAI | None = None
        self._proxy = proxy_for(address.url, "openai")

    def __repr__(self) -> str:
        return f"SdkModel({self.name!r})"

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
        body = scored_body(self._address, request) if scored else self._address.body(request)
        client = self._client or self._open()
        async with self._slots:
            reply = await self._post(client, body)
        reply = from_server(self._address, self._proxy, reply)
        if isinstance(reply, ModelError):
            # Raised out here, so that it does not bring the SDK's error along as its context:
            # that one holds the request's headers, and so the key.
            raise reply
        if scored:
            return read_scored(self._address, request, reply)
        return read_reply(self._address, *reply)

    async def aclose(self) -> None:
        """Close all connections. A later call opens new ones."""
        client, self._client = self._client, None
        if client:
            await client.close()

    def _open(self) -> "openai.AsyncOpenAI":
        import openai

        address = self._address
        self._slots = asyncio.Semaphore(self._max_connections)
        options: dict[str, Any] = {
            "base_url": address.url,
            # A redirect would carry the key to another host.
            "http_client": openai.DefaultAsyncHttpxClient(
                follow_redirects=False,
                trust_env=False,  # What it says is read in one place for both transports.
                proxy=self._proxy and self._proxy.url,
                verify=trusted() if address.url.startswith("https:") else True,
            ),
            "max_retries": 0,  # The framework retries, within its budget and its cap.
            "timeout": openai.Timeout(self._timeout, connect=min(CONNECT, self._timeout)),
        }
        if address.api_version:
            self._client = openai.AsyncAzureOpenAI(
                api_key=address.key, api_version=address.api_version, **options
            )
        else:
            # The SDK insists on a key; what it makes of it is overridden at every call.
            self._client = openai.AsyncOpenAI(api_key=address.key or "none", **options)
        return self._client

    async def _post(self, client: "openai.AsyncOpenAI", body: dict[str, Any]) -> Reply | ModelError:
        """Give status, headers and bytes of the reply, or what went wrong below HTTP.

        The bytes are read by the same rules as the other transport's: the SDK itself takes an
        HTML page for an answer, and fails on bad UTF-8 with errors that are not its own.
        """
        import openai

        headers: dict[str, Any] = {"Authorization": openai.Omit(), **self._address.headers}
        asked = "messages" if "messages" in body else "prompt"
        api: Any = client.chat.completions if asked == "messages" else client.completions
        options = {k: v for k, v in body.items() if k not in ("model", asked)}
        try:
            async with asyncio.timeout(self._timeout):
                raw = await api.with_raw_response.create(
                    **{"model": body["model"], asked: body[asked]},
                    extra_headers=headers,
                    extra_body=options,
                )
            if len(raw.content) > MAX_REPLY:
                return too_long(self._address)
            return raw.status_code, raw.headers, raw.content
        except openai.APIStatusError as error:
            return error.status_code, error.response.headers, error.response.content
        except (openai.OpenAIError, OSError) as error:
            return self._broken(error)

    def _broken(self, error: Exception) -> ModelError:
        """Say what a failure below HTTP is, and whether the server may have got the request."""
        name, url = self._address.name, self._address.url
        cause = error.__cause__ or error
        said = f"{type(cause).__name__}: {self._address.redact(str(cause))}".rstrip(": ")
        if type(cause).__name__ in UNREACHED:
            return untrusted(self._address, cause) or unreachable(self._address, self._proxy, said)
        if "Timeout" in type(error).__name__:
            return timed_out(self._address, self._timeout)
        return TransportError(f"{name}: the connection to {url} broke ({said}).", billed=True)
