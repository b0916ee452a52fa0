"""Two processes that use each other's objects: questions, answers, and questions meanwhile.

Containers that were changed in a call are changed at home too. It imports nothing of apo beside its
neighbours.
"""

import json
import os
from typing import Any, cast

from apo.scorers.remote import ACTIONS, Over
from apo.scorers.wire import Shared, Wire, parts_of, put

MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of one message; what is longer ends the connection."""


class Peer(Wire):
    """One end of a connection: a pipe to read from and one to write to."""

    def __init__(self, pipes: tuple[int, int], home: str | None = None) -> None:
        super().__init__(home)
        self._in, self._out = pipes

    def ask(self, what: str, *args: Any) -> Any:
        """Have the other side do something, and answer what it asks meanwhile."""
        shared = Shared()
        self._send(["ask", what, self.encode(list(args), shared)])
        while (message := self._receive())[0] == "ask":
            self.answer(message)
        _, changed, result, raised = message
        for key, parts in changed:
            put(shared.all[key], self.decode(parts, shared))
        found = self.decode(result, shared)
        if raised:
            raise found
        return found

    def answer(self, message: list[Any]) -> None:
        """Do what the other side asks, and say what came of it."""
        shared = Shared()
        raised = False
        try:
            args = self.decode(message[2], shared)
            shared.remember()
            self._check(message[1], args)
            result = ACTIONS[message[1]](*args)
        except Over:
            raise
        except BaseException as error:  # Also SystemExit: it ends this question alone.
            result, raised = error, True
        try:
            changed = [[k, self.encode(parts_of(shared.all[k]), shared)] for k in shared.changed()]
            self._send(["done", changed, self.encode(result, shared), raised])
        except (RecursionError, MemoryError, ValueError) as error:
            lost = ValueError(f"{type(error).__name__} while the result was sent: {error}")
            self._send(["done", [], self.encode(lost, Shared()), True])

    def serve(self) -> None:
        """Answer until the other side has gone."""
        while True:
            self.answer(self._receive())

    def _check(self, what: str, args: list[Any]) -> None:
        if self.home is not None and what in ("getattr", "setattr", "delattr"):
            thing, name = args[:2]
            if type(thing).__module__ != self.home or str(name).startswith("_"):
                raise AttributeError(f"The tests do not show {name!r:.100}")

    def _send(self, message: list[Any]) -> None:
        text = json.dumps(message, separators=(",", ":")).encode("ascii")
        if len(text) > MAX_MESSAGE:
            raise ValueError(f"{len(text):,} bytes, of at most {MAX_MESSAGE:,}")
        try:
            _write(self._out, len(text).to_bytes(8, "big") + text)
        except OSError as error:
            raise Over("the program ended its process") from error

    def _receive(self) -> list[Any]:
        size = int.from_bytes(self._read(8), "big")
        if size > MAX_MESSAGE:
            raise Over(f"the program sent {size:,} bytes")
        message: Any = json.loads(self._read(size))
        if not (isinstance(message, list) and message):
            raise Over("the program sent what is no message")
        return [*cast("Any", message)]

    def _read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = os.read(self._in, min(size - len(parts), 1 << 20))
            except OSError:
                part = b""
            if not part:
                raise Over("the program ended its process")
            parts += part
        return bytes(parts)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
