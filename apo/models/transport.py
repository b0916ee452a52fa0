"""What the transports have in common: an address, slots for calls, and one attempt at a request."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Protocol

from apo.errors import BadRequestError, ModelError
from apo.model import Completion, Request, calls_tools
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.likelihood import read_scored, scored_body
from apo.models.listing import told_there
from apo.models.network import from_server, proxy_for
from apo.models.replies import Reply, read_reply
from apo.models.small import named_small


class Closes(Protocol):
    """What holds connections."""

    async def close(self) -> None:
        """Close them."""
        ...


class Transport(ABC):
    """A model behind a chat-completions server. One call of `complete` is one attempt.

    Args:
        address: where it is served.
        timeout: seconds that one attempt may take in all, waiting for a free connection apart.
        max_connections: the most calls on the wire at once.
    """

    library: ClassVar[str]
    """What carries calls, by the name under which proxies for it are looked up."""

    def __init__(
        self, address: Address, *, timeout: float = 120.0, max_connections: int = 64
    ) -> None:
        self._address, self._timeout, self._max_connections = address, timeout, max_connections
        self._client: Closes | None = None
        self._there: str | None = None
        self._proxy = proxy_for(address.url, self.library)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @property
    def name(self) -> str:
        """The model's full name."""
        return self._address.name

    @property
    def continues(self) -> bool:
        """Whether it goes on with a reply that the request begins, as its last turn."""
        return self._address.continues

    @property
    def begins(self) -> bool:
        """Whether its replies are begun for it: it goes on with them, and its name says small."""
        return self.continues and named_small(self._address.model) and not self.dialect.thinks

    @property
    def lacks(self) -> Mapping[str, str]:
        """What it is known not to do, for `apo.evaluation.abilities`."""
        told = "its provider takes text alone. Take a model that sees."
        return {} if self._address.sees else {"images": told}

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
        reply = await self.post(body, scored=scored)
        try:
            if scored:
                return read_scored(self._address, request, reply)
            return read_reply(self._address, *reply, tools=calls_tools(request))
        except BadRequestError as error:
            if error.of_model:
                error.args = (f"{error}{await self._told_there()}",)
            raise

    async def post(self, body: dict[str, Any], *, scored: bool = False) -> Reply:
        """Send a body once a slot is free.

        Args:
            body: what is asked, as JSON values.
            scored: whether it goes to /completions, and not to /chat/completions.

        Raises:
            ModelError: no reply came.
        """
        client = self._connected()
        async with self._slots:
            reply = await self._post(client, body, scored=scored)
        reply = from_server(self._address, self._proxy, reply)
        if isinstance(reply, ModelError):
            # Raised out here, so that it does not bring the library's error along as its context:
            # that one holds the request's headers, and so the key.
            raise reply
        return reply

    async def aclose(self) -> None:
        """Close all connections. A later call opens new ones."""
        client, self._client = self._client, None
        if client:
            await client.close()

    async def _told_there(self) -> str:
        """Say which models the server has; it is asked once, however many calls it refuses."""
        client = self._connected()
        async with self._asks:
            if self._there is None:
                self._there = ""
                # Whatever its library or a proxy's raises: what is told is the call's own error.
                with suppress(Exception):
                    self._there = told_there(self._address, await self._listed(client))
        return self._there

    def _connected(self) -> Any:
        """What holds connections; made at the first call, and kept until `aclose`."""
        if self._client is None:
            # The slots keep calls from queueing in the library, where the wait would be timed.
            self._slots, self._asks = asyncio.Semaphore(self._max_connections), asyncio.Lock()
            self._client = self._open()
        return self._client

    @abstractmethod
    def _open(self) -> Closes:
        """Make what holds connections."""

    @abstractmethod
    async def _listed(self, client: Any) -> Any:
        """What GET /models answers, as JSON values; whatever it raises is not told."""

    @abstractmethod
    async def _post(self, client: Any, body: dict[str, Any], *, scored: bool) -> Reply | ModelError:
        """Send a body, and give the reply, or what went wrong below HTTP."""
