"""Waiting for work that runs at once, and worker processes that end with their parent."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeVar

from apo.errors import Stopped

R = TypeVar("R")


@contextmanager
def uncollected() -> Generator[None]:
    """Run what makes very many objects and no cycles; looking for cycles takes a quarter of it."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


async def gather(work: Iterable[Coroutine[Any, Any, R]]) -> list[R]:
    """Await all of it, in order. Work already paid for finishes before a stop is raised.

    Raises:
        Stopped: the first in order, after all the rest has ended.
        Exception: anything else that is raised, at once; the rest is cancelled.
    """

    async def settle(coroutine: Coroutine[Any, Any, R]) -> R | Stopped:
        try:
            return await coroutine
        except Stopped as stop:
            return stop

    running = [asyncio.ensure_future(settle(coroutine)) for coroutine in work]
    try:
        settled = await asyncio.gather(*running)
    except BaseException:  # A cancellation too: nothing may run on when nobody waits for it.
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        raise
    results: list[R] = []
    for result in settled:
        if isinstance(result, Stopped):
            raise result
        results.append(result)
    return results


def wait(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end, in a thread of its own where a loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def main() -> R:
        task = asyncio.current_task()
        if task is not None:
            begun.append((asyncio.get_running_loop(), task))
        return await work

    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(asyncio.run, main()).result()
        except KeyboardInterrupt:  # Else leaving here would wait for the whole work.
            for loop, task in begun:
                loop.call_soon_threadsafe(task.cancel)
            raise


def n_cpus() -> int:
    """How many CPUs this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Not on every system.
        return os.cpu_count() or 1


_SAFE, _OURS = "PYTHONSAFEPATH", "apo"


@contextmanager
def without_cwd() -> Generator[None]:
    """Start worker processes meanwhile that import nothing of the working directory to begin with.

    What a script or the user put on the path of modules, they get from the parent all the same.
    """
    set_here = _SAFE not in os.environ
    if set_here:
        os.environ[_SAFE] = _OURS
    try:
        yield
    finally:
        if set_here:
            os.environ.pop(_SAFE, None)


def start_child() -> None:
    """Prepare a worker process; the `initializer` of a pool.

    Ctrl-C reaches every process of a terminal at once, and it is the parent who knows what is to
    be finished first.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.environ.get(_SAFE) == _OURS:  # It is not for what a user's Python starts.
        del os.environ[_SAFE]
    # For the process that cleans up after this one: to be killed while a scorer's processes are
    # at work is no leak that the user should mend.
    sys.warnoptions.append("ignore::UserWarning:multiprocessing.resource_tracker")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)  # What a journal holds is kept, as after any kill.
