"""A second ask for an answer that is overdue; of the two, the first that comes is taken."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

from apo.model import Completion


async def first_of_two(
    ask: Callable[[], Coroutine[Any, Any, Completion]],
    patience: float,
    second: Callable[[], AbstractContextManager[bool]],
) -> tuple[Completion, float]:
    """Ask; and ask once more where no answer has come in time and a second ask is allowed.

    Args:
        ask: asks once.
        patience: seconds until the answer is overdue.
        second: takes what a second ask needs, and gives it back at the end; false for none.

    Returns:
        The answer, and when the ask that brought it was sent, by the loop's clock.

    Raises:
        ModelError: no ask was answered.
    """
    now = asyncio.get_running_loop().time
    sent, asks = [now()], [asyncio.ensure_future(ask())]
    try:
        await asyncio.wait(asks, timeout=patience)
        if asks[0].done():
            return await asks[0], sent[0]
        with second() as allowed:
            if not allowed:
                return await asks[0], sent[0]
            sent.append(now())
            asks.append(asyncio.ensure_future(ask()))
            done, _ = await asyncio.wait(asks, return_when=asyncio.FIRST_COMPLETED)
            answered = [i for i, one in enumerate(asks) if one in done and not one.exception()]
            under_way = [i for i, one in enumerate(asks) if one not in done]
            taken = [*answered, *under_way, 0][0]
            return await asks[taken], sent[taken]
    finally:
        for one in asks:
            one.cancel()
        await asyncio.gather(*asks, return_exceptions=True)
