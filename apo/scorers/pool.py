"""Processes for scorers that take long on the CPU, such as those that run generated code.

A task asks for it with `scorer: {name: file.py:name, workers: 4}`. Each worker makes the scorer
for itself, as a function of a user's file cannot be sent to another process.
"""

import asyncio
import multiprocessing
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from multiprocessing.process import BaseProcess

from apo.concurrency import start_child, without_cwd
from apo.errors import TaskError
from apo.scorers.awaited import Ask
from apo.scorers.function import FunctionScorer
from apo.task import Example, Score, Scorer


@dataclass(frozen=True, kw_only=True)
class PooledScorer(FunctionScorer):
    """A user's scorer with worker processes; called directly it scores in this one.

    Attributes:
        make: makes the scorer, in each worker for itself.
        workers: how many processes score at once, at least 1.
    """

    make: Callable[[], Scorer]
    workers: int
    n_calls: int = field(default=0, init=False)
    models: tuple[str, ...] = field(default=(), init=False)

    @cached_property
    def _pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        with without_cwd():
            return ProcessPoolExecutor(self.workers, context, _start, (self.make,))

    @cached_property
    def _users(self) -> list[object]:
        return []

    @contextmanager
    def opened(self) -> Generator[None]:
        """Have workers from the first answer on, and end them with the last run that uses them.

        After an error no score that is under way is waited for.
        """
        me = object()
        with _LOCK:
            self._users.append(me)
        hurry = True
        try:
            yield
            hurry = False
        finally:
            with _LOCK:
                self._users.remove(me)
                if not self._users:
                    self._close(hurry=hurry)

    async def score(self, output: str, example: Example, ask: Ask) -> Score:
        """Score in a worker, while the event loop goes on.

        Raises:
            TaskError: what calling the scorer raises, or its process died.
        """
        pool = self._pool
        try:
            with without_cwd():
                scored = pool.submit(_score, output, example)
            return await asyncio.wrap_future(scored)
        except BrokenProcessPool as error:
            with _LOCK:
                if vars(self).get("_pool") is pool:
                    self._close(hurry=True)  # A later run in this process gets new ones.
            raise TaskError(
                f"A worker process of the scorer {self.name} died while it scored example "
                f"{example.id} or one beside it, perhaps for want of memory. In a script, what "
                'starts the run must stand under if __name__ == "__main__".'
            ) from error

    def _close(self, *, hurry: bool) -> None:
        pool: ProcessPoolExecutor | None = vars(self).pop("_pool", None)
        if pool is None:
            return
        # Executors have no public way to end work that hangs before Python 3.14.
        workers: dict[int, BaseProcess] = vars(pool)["_processes"] or {}
        for worker in [*workers.values()] if hurry else []:
            worker.kill()
        pool.shutdown()


_LOCK = threading.Lock()
"""Runs of several threads may use the same scorer."""
_given: list[Callable[[], Scorer]] = []


def _start(make: Callable[[], Scorer]) -> None:
    """Prepare a worker process; the scorer is made with the first answer, where it may fail."""
    start_child()
    _given[:] = [make]


@cache
def _scorer() -> Scorer:
    return _given[0]()


def _score(output: str, example: Example) -> Score:
    return _scorer()(output, example)
