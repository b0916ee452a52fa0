"""The other transport: chat completions through the openai SDK, version 2 or 3.

It costs ten times the processor time of `HttpModel`, or more. It is for what the SDK is configured
for: organization and project headers, and its own logging and tracing hooks.
"""

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from apo.errors import ModelError, TransportError
from apo.models.network import timed_out, trusted, unreachable, untrusted
from apo.models.replies import MAX_REPLY, Reply, too_long
from apo.models.transport import Transport

if TYPE_CHECKING:
    import openai

CONNECT = 10.0
"""Seconds in which a connection must stand."""
UNREACHED = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
"""Errors of httpx before a request is sent; httpx2, under openai 3, has the same names."""


class SdkModel(Transport):
    """A model asked through the openai SDK."""

    library = "openai"

    def _open(self) -> "openai.AsyncOpenAI":
        import openai

        address = self._address
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
            return openai.AsyncAzureOpenAI(
                api_key=address.key, api_version=address.api_version, **options
            )
        # The SDK insists on a key; what it makes of it is overridden at every call.
        return openai.AsyncOpenAI(api_key=address.key or "none", **options)

    async def _listed(self, client: "openai.AsyncOpenAI") -> Any:
        import openai

        headers: dict[str, Any] = {"Authorization": openai.Omit(), **self._address.headers}
        async with asyncio.timeout(min(CONNECT, self._timeout)):
            raw = await client.models.with_raw_response.list(extra_headers=headers)
            return orjson.loads(raw.content)

    async def _post(
        self, client: "openai.AsyncOpenAI", body: dict[str, Any], *, scored: bool
    ) -> Reply | ModelError:
        """Give status, headers and bytes of the reply, or what went wrong below HTTP.

        The bytes are read by the same rules as the other transport's: the SDK itself takes an
        HTML page for an answer, and fails on bad UTF-8 with errors that are not its own.
        """
        import openai

        headers: dict[str, Any] = {"Authorization": openai.Omit(), **self._address.headers}
        asked = "prompt" if scored else "messages"
        api: Any = client.completions if scored else client.chat.completions
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
