"""A chat-completions server on this machine that answers after a fixed time, for benchmarks.

It takes 0.07 to 0.1 ms of CPU a request, and so is never what a client waits for. The time counts
from the last byte of a request. Faults are drawn request by request from the seed: a 429 comes at
once, as from a rate limiter, a 500 after the latency. What is answered: `loopback_answers`.

    python experiments/benchmarks/loopback.py --latency-ms 200    # the first line is its URL

    POST /v1/chat/completions, GET /v1/models    as OpenAI has them
    GET  /__stats    counts since the last reset
    GET  /__trace    [start, end, kind, status] of each request, in seconds since the last reset;
                     kind is "task", "test" or "meta"; status 0: the client gave the request up
    POST /__reset    begins anew, with the settings that the JSON body holds: latency_ms, …
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.benchmarks.loopback_server import Settings, serve


@dataclass(frozen=True)
class Loopback:
    """A server in a process of its own, seen from a benchmark.

    Attributes:
        url: base URL for clients.
    """

    url: str

    def reset(self, **settings: float) -> None:
        """Begin anew with these settings."""
        self._ask("/__reset", json.dumps(settings).encode())

    def stats(self) -> dict[str, Any]:
        """Counts since the last reset."""
        found: dict[str, Any] = self._ask("/__stats")
        return found

    def trace(self) -> list[tuple[float, float, str, int]]:
        """(start, end, kind, status) of each request since the last reset."""
        found: list[tuple[float, float, str, int]] = self._ask("/__trace")
        return found

    def _ask(self, path: str, data: bytes | None = None) -> Any:
        with urllib.request.urlopen(self.url.removesuffix("/v1") + path, data, timeout=60) as reply:
            return json.loads(reply.read())


@contextlib.contextmanager
def loopback() -> Generator[Loopback]:
    """Start a server in a process of its own; it ends with the block."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Loopback(process.stdout.readline().strip())
        finally:
            process.terminate()


def main() -> None:
    """Read the settings, and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    for name, value in asdict(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=value)
    given = vars(parser.parse_args())
    port, seed = given.pop("port"), int(given.pop("seed"))
    asyncio.run(serve(Settings(**given, seed=seed), port))


if __name__ == "__main__":
    main()
