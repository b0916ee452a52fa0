"""Where cells run: worker processes of this machine, or a Ray cluster."""

import multiprocessing
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from apo.compare.cell import CellOutcome, run_cell
from apo.compare.flag import Flag
from apo.compare.grid import Cell
from apo.concurrency import n_cpus, start_child, without_cwd
from apo.errors import SettingsError

PROCESSES = "processes"
RAY = "ray"


class Workers(Protocol):
    """What runs cells, several at once.

    Attributes:
        jobs: how many cells are given to it at once.
        deaths: what a cell's future raises when its worker died.
        die_together: whether one worker's death takes the other cells under way with it.
    """

    jobs: int
    deaths: tuple[type[Exception], ...]
    die_together: bool

    def submit(self, cell: Cell) -> Future[CellOutcome]:
        """Begin a cell, or go on with it."""
        ...

    def check(self) -> None:
        """Make sure that workers can run at all; called a few times a second.

        Raises:
            RunError: what runs them has died.
        """
        ...

    def kill(self) -> None:
        """End all workers at once."""
        ...


Opener = Callable[[Path, Flag, int, int | None], AbstractContextManager[Workers]]
"""Starts workers, and ends them after use.

Takes the comparison's folder, the flag, how many cells there are to run, and how many at once
(None for one a CPU).
"""


def find_place(text: str) -> Opener:
    """Understand what `--on` says: "processes", "ray", or "ray:ADDRESS".

    Raises:
        SettingsError: none of these.
    """
    name, _, address = text.partition(":")
    if text == PROCESSES:
        return processes
    if name == RAY:
        from apo.compare.on_ray import ray_workers

        return partial(ray_workers, address)
    raise SettingsError(
        f"--on is {text!r}; it must be {PROCESSES} (of this machine), {RAY} (a Ray of this "
        f"machine, or the cluster that RAY_ADDRESS names), or {RAY}:HOST:PORT."
    )


@contextmanager
def processes(root: Path, flag: Flag, n_cells: int, jobs: int | None) -> Generator["Processes"]:
    """Start worker processes, which live for many cells; see `Opener`."""
    workers = Processes(root, flag, min(jobs or n_cpus(), n_cells))
    try:
        yield workers
    finally:
        workers.close()


class Processes:
    """See `Workers`; a pool that broke is replaced with the next cell."""

    def __init__(self, root: Path, flag: Flag, jobs: int) -> None:
        self.jobs, self.die_together = jobs, True
        self.deaths: tuple[type[Exception], ...] = (BrokenProcessPool,)
        self._root, self._flag = root, flag
        self._others = set[BaseProcess](multiprocessing.active_children())
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        with without_cwd():
            return ProcessPoolExecutor(self.jobs, context, start_child)

    def submit(self, cell: Cell) -> Future[CellOutcome]:
        """See `Workers.submit`."""
        with without_cwd():
            try:
                return self._pool.submit(run_cell, cell, self._root, self._flag)
            except BrokenProcessPool:
                self.close()
                self._pool = self._start()
                return self._pool.submit(run_cell, cell, self._root, self._flag)

    def check(self) -> None:
        """See `Workers.check`; a pool that broke is noticed by its cells."""

    def kill(self) -> None:
        """See `Workers.kill`."""
        for process in set[BaseProcess](multiprocessing.active_children()) - self._others:
            process.kill()

    def close(self) -> None:
        """Wait for the processes to end."""
        self._pool.shutdown()
