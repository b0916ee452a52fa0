"""The way from a library that runs in a thread of its own to the coroutines of a search.

DSPy's optimizers are plain functions: they run in a thread, and what they ask waits for the loop.
"""

import asyncio
import contextlib
import threading
import traceback
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from apo.bridges.quiet import quiet

T = TypeVar("T")


class Ended(BaseException):
    """The work of a thread ends here; its cause says why.

    No `Exception`: DSPy catches those, scores them as wrong answers, and goes on.
    """


class Door:
    """Lets a function in a thread wait for coroutines of the loop that it was made on.

    They run in the context that the door was made in, such as a place in a search, whatever thread
    asks. After the first that fails, none is begun.
    """

    def __init__(self) -> None:
        self._loop, self._context = asyncio.get_running_loop(), copy_context()
        self._cause: BaseException | None = None

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, and wait for it; called from the thread.

        Raises:
            Ended: it failed, or one before it.
        """
        if self._cause is not None:
            work.close()
            raise Ended from self._cause
        submit = asyncio.run_coroutine_threadsafe
        try:
            return self._context.copy().run(submit, work, self._loop).result()
        except BaseException as error:  # A cancellation too: the thread must come to its end.
            self._cause = error
            raise Ended from error

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function in a thread that prints nothing, and wait for it.

        Raises:
            BaseException: what a coroutine failed with, whatever the function made of it; or else
                what the function raised.
        """
        done: asyncio.Future[tuple[T | None, BaseException | None]] = self._loop.create_future()

        def silently() -> T:
            with quiet():
                try:
                    return function()
                except Ended as end:  # Progress bars that it leaves behind are closed in silence.
                    traceback.clear_frames(end.__traceback__)
                    raise

        def work() -> None:
            found: tuple[T | None, BaseException | None]
            try:
                found = self._context.copy().run(silently), None
            except BaseException as error:  # It is told to whoever waits.
                found = None, error
            with contextlib.suppress(RuntimeError):  # Nobody waits on a loop that is closed.
                self._loop.call_soon_threadsafe(tell, found)

        def tell(found: tuple[T | None, BaseException | None]) -> None:
            if not done.done():
                done.set_result(found)

        # A daemon: where the loop ends before it, the process may end, too.
        threading.Thread(target=work, name="dspy", daemon=True).start()
        try:
            value, error = await done
        except BaseException as stop:  # A cancellation too: what waits for it must know.
            self._cause = stop
            raise
        if self._cause is not None:
            raise self._cause
        if error is not None:
            raise error
        return value  # type: ignore[return-value]
