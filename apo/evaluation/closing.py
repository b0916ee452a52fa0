"""The end of what asks models: calls under way are kept, and all that was opened is closed."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from apo.calls.caller import Caller
from apo.errors import ApoError, RunError
from apo.model import Model
from apo.scorers.awaited import opened


@asynccontextmanager
async def closing(
    caller: Caller, models: Callable[[], Iterable[Model]], scorer: object
) -> AsyncGenerator[None]:
    """Close models and what a scorer opened, such as processes, however the work within ends.

    Args:
        caller: whose calls under way are finished where an error ends the work, as they are paid,
            and broken off where it is cancelled.
        models: gives them at the end, as they may be others than at the start.
        scorer: the task's.

    Raises:
        RunError: there is no memory left.
    """
    async with AsyncExitStack() as stack:
        try:
            with opened(scorer):
                async with _finishing(caller):
                    yield
        finally:
            for model in {id(model): model for model in models()}.values():
                stack.push_async_callback(model.aclose)


@asynccontextmanager
async def _finishing(caller: Caller) -> AsyncGenerator[None]:
    try:
        yield
    except ApoError:  # Calls under way are paid, whatever ended the work.
        await caller.drain()
        raise
    except MemoryError:
        await caller.abandon()
        raise RunError(
            "There is no memory left. What was paid is kept: free some, or give a lower "
            "--concurrency, and resume."
        ) from None
    except BaseException:  # A cancellation too: nothing may run on when nobody waits for it.
        await caller.abandon()
        raise
