"""A local model to those who ask it: its child starts at the first call, and is asked over HTTP."""

import asyncio
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from apo.errors import SettingsError, TransportError
from apo.model import Completion, Request
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.forced import forced_body, read_forced
from apo.models.local import server as servers
from apo.models.local.weights import file_name, find_weights, fingerprint
from apo.models.small import named_small
from apo.models.transport import Transport

RUNTIME = "xllamacpp"
"""The package that brings llama.cpp along, as a wheel."""
PATIENCE = 5
"""So many times the usual limit may an attempt take: nothing gets lost on the way, every answer has
its bound in tokens, and a busy machine may be ten times slower than an idle one."""


class LocalModel:
    """A GGUF file that is run on this machine.

    All that ask one file in a process share its child, and so one copy of the weights. A child that
    ended in the middle is started anew at the next call.

    Args:
        name: the model's full name.
        path: its file.
        transport: how the child is asked: "aiohttp" or "openai".
        timeout: seconds of a fifth of what one attempt may take (`PATIENCE`); loading and waiting
            for a slot apart.
        max_connections: the most calls at once; no more than the child has slots.

    Attributes:
        slots: how many calls it works on at once; more would wait in it.
    """

    def __init__(
        self, name: str, path: Path, *, transport: str, timeout: float, max_connections: int
    ) -> None:
        self._name, self._path, self._kind = name, path, transport
        self._timeout = PATIENCE * timeout
        self.slots = min(max_connections, servers.SLOTS)
        self.dialect = Dialect.of(file_name(name))
        self._fingerprint = fingerprint(path)
        self._server: servers.Server | None = None
        self._client: Transport | None = None
        self._turn: asyncio.Lock | None = None

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r})"

    @property
    def name(self) -> str:
        """The model's full name."""
        return self._name

    @property
    def continues(self) -> bool:
        """Whether it goes on with a reply that the request begins: llama.cpp's server does."""
        return True

    lacks: ClassVar[Mapping[str, str]] = {
        "images": "a local/ model reads text alone: a server of yours that sees is asked by its "
        "URL, http://localhost:8080/v1#NAME."
    }
    """What it cannot do, for `apo.evaluation.abilities`."""

    @property
    def begins(self) -> bool:
        """Whether its replies are begun for it: small ones forget the form of a reply."""
        size = self._path.stat().st_size
        return named_small(file_name(self._name), size) and not self.dialect.thinks

    @property
    def waiting(self) -> str:
        """What is waited for, in words; "" for nothing."""
        return self._server.waiting if self._server else ""

    async def ready(self) -> None:
        """Wait until the file is loaded.

        Raises:
            SettingsError: llama.cpp cannot load it.
        """
        await self._ready()

    async def complete(self, request: Request) -> Completion:
        """Ask once; the first call waits until the model is loaded.

        Raises:
            SettingsError: llama.cpp cannot load the file.
            ModelError: the attempt failed; the subclass says whether a retry can help.
        """
        client, server = await self._ready()
        try:
            completion = await self._ask(client, server, request)
        except TransportError:
            if not await asyncio.to_thread(server.ends):
                raise
            raise TransportError(
                f"{self.name}: llama.cpp ended in the middle: {server.last_words()}. It is "
                "started anew.",
                billed=True,
            ) from None
        served = f"{file_name(self.name)}.gguf"  # Not what a link leads to, such as a digest.
        return completion._replace(model=served, fingerprint=self._fingerprint)

    async def _ask(self, client: Transport, server: servers.Server, request: Request) -> Completion:
        if not request.continuation:
            return await client.complete(request)
        tokens = await asyncio.to_thread(server.tokens, request.continuation)
        address = self._address(await server.place())
        return read_forced(
            address, request, await client.post(forced_body(address, request, tokens))
        )

    async def aclose(self) -> None:
        """Close connections, and the child if nobody else asks it. A later call starts anew."""
        self._turn = None  # That call may come from another loop.
        await self._drop()

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client:
            await client.aclose()
        server, self._server = self._server, None
        if server:
            servers.leave(self._path)

    async def _ready(self) -> tuple[Transport, servers.Server]:
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            return await self._started()

    async def _started(self) -> tuple[Transport, servers.Server]:
        if self._server is not None and self._server.ended:
            await self._drop()
        if self._server is None:
            self._server = servers.join(self._path)
        if self._client is None:
            place = await self._server.place()
            self._client = self._connected(place)
        return self._client, self._server

    def _connected(self, place: servers.Place) -> Transport:
        address = self._address(place)
        if self._kind == "openai":
            from apo.models.sdk import SdkModel

            return SdkModel(address, timeout=self._timeout, max_connections=self.slots)
        from apo.models.http import HttpModel

        return HttpModel(address, timeout=self._timeout, max_connections=self.slots)

    def _address(self, place: servers.Place) -> Address:
        return Address(
            name=self.name,
            model=self._path.stem,
            url=place.url,
            key=place.key,
            dialect=self.dialect,
        )


def open_local(name: str, *, transport: str, timeout: float, max_connections: int) -> LocalModel:
    """Open a model of this machine; its file is loaded at the first call.

    Args:
        name: "local/smollm2" or "local/PATH.gguf".
        transport: how the child is asked.
        timeout: seconds of a fifth of what one attempt may take; loading apart.
        max_connections: the most calls in the child at once; no more than it has slots.

    Raises:
        SettingsError: there is no such file, it is no model, or what runs it is not installed.
    """
    path = find_weights(name)
    if find_spec(RUNTIME) is None:
        raise SettingsError(
            f"{name} is run by llama.cpp, which is not installed: pip install 'apo[local]'. (It is "
            "a wheel of 34 MB; nothing is compiled.)"
        )
    return LocalModel(
        name, path, transport=transport, timeout=timeout, max_connections=max_connections
    )
