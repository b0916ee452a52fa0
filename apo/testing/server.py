"""A chat-completions server on this machine that serves any `Model`, with faults on demand.

Its /completions echoes a prompt with its log-probabilities, for models that have them.

    with serve(Embedded()) as server:
        open_model(server.model_name)

or, for another program, `python -m apo.testing.server --latency-ms 50`.
"""

import argparse
import asyncio
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import orjson

from apo.errors import SettingsError
from apo.model import Model
from apo.testing.chat_server import ChatServer
from apo.testing.faults import Faults
from apo.testing.manners import MANNERS


@contextmanager
def serve(
    model: Model,
    *,
    faults: Faults | None = None,
    latency: float = 0.0,
    key: str | None = None,
    port: int = 0,
    dialect: str = "plain",
    **distortions: Any,
) -> Generator[ChatServer]:
    """Serve a model from a thread of its own, for callers that block; see `ChatServer`."""
    server = ChatServer(
        model,
        faults=faults,
        latency=latency,
        key=key,
        port=port,
        dialect=dialect,
        **distortions,
    )
    started: Future[Callable[[], object]] = Future()

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        try:
            async with server:
                started.set_result(lambda: loop.call_soon_threadsafe(stop.set))
                await stop.wait()
        except OSError as error:
            started.set_exception(error)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="apo-server", daemon=True)
    thread.start()
    stop = started.result()
    try:
        yield server
    finally:
        stop()
        thread.join()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the embedded model until interrupted; the first line printed is the base URL."""
    parser = argparse.ArgumentParser(prog="python -m apo.testing.server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="of every attempt")
    for name in Faults().shares():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--retry-after", help="header of a 429 or 500, in seconds or as a date")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--dialect", default="plain", help="its way of speaking; help lists all")
    parser.add_argument(
        "--header", action="append", default=[], metavar="NAME=VALUE", help="of every answer"
    )
    parser.add_argument("--usage", type=orjson.loads, metavar="JSON", help="stated in each answer")
    parser.add_argument("--shows-key", action="store_true", help="end each answer with the key")
    options = vars(parser.parse_args(arguments))
    port, latency = options.pop("port"), options.pop("latency_ms") / 1000
    dialect = options.pop("dialect")
    stated = dict(header.partition("=")[::2] for header in options.pop("header"))
    distortions: dict[str, Any] = {"headers": stated}
    distortions |= {n: options.pop(n) for n in ("usage", "shows_key")}
    if dialect == "help":
        print(*(f"{name:<18} {one.about}" for name, one in MANNERS.items()), sep="\n")
        return

    async def run() -> None:
        from apo.models.embedded import Embedded

        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        served = ChatServer(
            Embedded(),
            faults=Faults(**options),
            latency=latency,
            port=port,
            dialect=dialect,
            **distortions,
        )
        async with served as server:
            print(server.base_url, flush=True)
            await stop.wait()

    try:
        asyncio.run(run())
    except (OSError, OverflowError, SettingsError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
