"""The server of `loopback`: one connection after the other is read, waited for and answered."""

import asyncio
import gc
import signal
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

import orjson

from experiments.benchmarks.loopback_answers import Answers

REFUSED_AFTER = 0.005
"""Seconds after which a 429 is sent."""
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests"}
MODELS = {"object": "list", "data": [{"id": "mock", "object": "model"}]}


@dataclass(frozen=True)
class Settings:
    """How the server behaves.

    Attributes:
        latency_ms: from the last byte of a request to its answer, in milliseconds.
        rate_429: share of requests that are refused with 429.
        rate_500: share of requests that fail with 500.
        retry_after: seconds that a 429 names in Retry-After; 0 leaves the header out.
        seed: of the faults and of the answers.
    """

    latency_ms: float = 50.0
    rate_429: float = 0.0
    rate_500: float = 0.0
    retry_after: float = 1.0
    seed: int = 0


class Record:
    """What has come in since the last reset."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.answers = settings, Answers(settings.seed)
        self.trace: list[tuple[float, float, str, int]] = []
        self.start, self.cpu = time.perf_counter(), time.process_time()
        self.requests = self.in_flight = self.peak = self.connections = 0
        self._luck = Random(settings.seed)

    def fault(self) -> int:
        """Draw the status of the next request."""
        chosen, draw = self.settings, self._luck.random()
        if draw < chosen.rate_429:
            return 429
        return 500 if draw < chosen.rate_429 + chosen.rate_500 else 200

    def stats(self) -> dict[str, Any]:
        """Counts, for /__stats."""
        return {
            "reset_at": self.start,  # The clock is the machine's, so clients can compare.
            "requests": self.requests,
            "by_status": Counter(str(status) for *_, status in self.trace),
            "by_kind": Counter(kind for *_, kind, status in self.trace if status == 200),
            "in_flight": self.in_flight,
            "max_in_flight": self.peak,
            "connections_opened": self.connections,
            "server_cpu_s": time.process_time() - self.cpu,
            "settings": asdict(self.settings),
        }


class Server:
    """What all connections share."""

    def __init__(self, settings: Settings) -> None:
        self.record = Record(settings)

    def reset(self, body: bytes) -> dict[str, Any]:
        """Begin anew with other settings."""
        self.record = Record(replace(self.record.settings, **orjson.loads(body or b"{}")))
        return asdict(self.record.settings)


class Connection(asyncio.Protocol):
    """Reads requests one after another and answers each; keeps alive."""

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = b""
        self.waiting: asyncio.TimerHandle | None = None
        self.started = 0.0
        self.kind = "task"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.record.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone, maybe without waiting for its answer."""
        if self.waiting is not None:
            self.waiting.cancel()
            self._finish(self.record, 0)

    def data_received(self, data: bytes) -> None:
        """Take what came, and handle the request once it is whole."""
        self.buffer += data
        if self.waiting is None:
            self._next()

    def _next(self) -> None:
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, after = head.lower().partition(b"content-length:")
        length = int(after.partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, path, _ = head.split(b" ", 2)
        self._handle(method, path, rest[:length])

    def _handle(self, method: bytes, path: bytes, body: bytes) -> None:
        record = self.server.record
        if method == b"POST" and path.endswith(b"/chat/completions"):
            return self._chat(body)
        if path.endswith(b"/models"):
            self._send(200, MODELS)
        elif path == b"/__stats":
            self._send(200, record.stats())
        elif path == b"/__trace":
            self._send(200, record.trace)
        elif path == b"/__reset":
            self._send(200, self.server.reset(body))
        else:
            self._send(404, {"error": {"message": f"no {path.decode()} here"}})
        return self._next()

    def _chat(self, body: bytes) -> None:
        record = self.record = self.server.record
        self.started = time.perf_counter()
        record.requests += 1
        record.in_flight += 1
        record.peak = max(record.peak, record.in_flight)
        status, delay = record.fault(), record.settings.latency_ms / 1000
        request = orjson.loads(body)
        self.kind = record.answers.kind(request)
        if status == 200:
            value = record.answers.completion(request)
        else:
            value = {"error": {"message": f"drawn: {status}", "type": "error", "code": None}}
        delay = REFUSED_AFTER if status == 429 else delay
        self.waiting = asyncio.get_running_loop().call_later(delay, self._answer, status, value)

    def _answer(self, status: int, value: object) -> None:
        self.waiting = None
        self._finish(self.record, status)
        self._send(status, value)
        if self.buffer:
            self._next()

    def _finish(self, record: Record, status: int) -> None:
        record.in_flight -= 1
        now = time.perf_counter() - record.start
        record.trace.append((self.started - record.start, now, self.kind, status))

    def _send(self, status: int, value: object) -> None:
        body = orjson.dumps(value)
        wait = self.server.record.settings.retry_after if status == 429 else 0
        extra = f"retry-after: {wait:g}\r\n" if wait else ""
        reason = REASONS.get(status, "Internal Server Error")
        head = (
            f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n{extra}\r\n"
        )
        self.transport.write(head.encode() + body)


async def serve(settings: Settings, port: int) -> None:
    """Serve until interrupted; the first line printed is the base URL."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = Server(settings)
    gc.disable()  # The trace grows; to look through it again and again would hold answers up.
    listening = await loop.create_server(
        lambda: Connection(server), "127.0.0.1", port, backlog=4096
    )
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await stop.wait()
    listening.close()
