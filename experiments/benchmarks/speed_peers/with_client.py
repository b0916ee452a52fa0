"""Bare clients, to compare with: no journal, no scoring but a look for the label."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from experiments.benchmarks.speed_peers.support import (
    WARM_UP,
    arguments,
    body_of,
    examples,
    finish,
    measured,
    right,
    text_of,
)

Ask = Callable[[str], Awaitable[str]]


async def with_aiohttp(url: str, concurrency: int, use: Callable[[Ask], Awaitable[None]]) -> None:
    """Ask through aiohttp alone."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(text: str) -> str:
            async with session.post(f"{url}/chat/completions", json=body_of(text)) as reply:
                reply.raise_for_status()
                return str((await reply.json())["choices"][0]["message"]["content"])

        await use(ask)


async def with_openai(url: str, concurrency: int, use: Callable[[Ask], Awaitable[None]]) -> None:
    """Ask through the openai SDK as it comes."""
    openai: Any = import_module("openai")
    async with openai.AsyncOpenAI(base_url=url, api_key="none") as client:

        async def ask(text: str) -> str:
            reply = await client.chat.completions.create(**body_of(text))
            return str(reply.choices[0].message.content)

        await use(ask)


CLIENTS = {"aiohttp": with_aiohttp, "openai": with_openai}


def main() -> None:
    """Warm up, then answer all examples."""
    given = arguments()
    result: dict[str, Any] = {}
    data = examples(given.examples)

    async def evaluate(ask: Ask) -> None:
        await ask(text_of(WARM_UP))
        slots = asyncio.Semaphore(given.concurrency)

        async def one(text: str, label: str) -> bool:
            async with slots:
                return right(await ask(text), label)

        with measured(result):
            found = await asyncio.gather(*(one(text, label) for text, label in data))
        result["score"] = sum(found) / len(found)

    asyncio.run(CLIENTS[given.variant](given.url, given.concurrency, evaluate))
    finish(result, given.variant)


if __name__ == "__main__":
    main()
