"""Running the cells of a grid in worker processes; stopped in order, resumed by running again."""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from apo.compare.cell import Outcome, run_cell, start_worker
from apo.compare.grid import Cell
from apo.errors import RunError
from apo.runs import RunFolder

ATTEMPTS = 2
"""How often a cell may be under way while its worker process dies."""


@dataclass
class Grid:
    """The cells of a comparison, and how far they are.

    Attributes:
        cells: all of them.
        root: the comparison's folder, which is a home of runs.
        outcomes: by cell; those that were finished before are there from the start.
        earlier: how many were.
        stopping: the user asked for the end.
        started: when this call of the command began, in seconds of the monotonic clock.
    """

    cells: list[Cell]
    root: Path
    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    earlier: int = 0
    stopping: bool = False
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        for cell in self.cells:
            if is_finished(self.folder(cell)):
                self.outcomes[cell.id] = Outcome("finished")
        self.earlier = len(self.outcomes)

    def folder(self, cell: Cell) -> RunFolder:
        """The cell's run."""
        return RunFolder(self.root / "runs" / cell.id)

    def count(self, state: str) -> int:
        """How many cells ended so."""
        return sum(outcome.state == state for outcome in self.outcomes.values())


def is_finished(folder: RunFolder) -> bool:
    """Whether a run has its result; one that cannot be read has not."""
    try:
        return folder.settings["state"] == "finished" and folder.result is not None
    except (RunError, KeyError):
        return False


@contextmanager
def only_one(root: Path) -> Generator[None]:
    """Hold the comparison's folder.

    Raises:
        RunError: another process holds it.
    """
    from filelock import FileLock, Timeout

    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / "compare.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(
            f"Another apo compare is at work in {root}. Wait for it, or give another --name."
        ) from None
    try:
        yield
    finally:
        lock.release()


def run_grid(grid: Grid, jobs: int, watch: Callable[[], None]) -> None:
    """Run every cell that is not finished.

    The first Ctrl-C (or SIGTERM) lets calls under way finish and keeps them; a second one ends
    the workers at once, which loses nothing that was paid either, but for these calls.

    Args:
        grid: its outcomes are filled in.
        jobs: worker processes.
        watch: called a few times a second.
    """
    tries = dict.fromkeys((cell.id for cell in grid.cells), 0)
    while not grid.stopping:
        todo = [cell for cell in grid.cells if cell.id not in grid.outcomes]
        if not todo:
            return
        # Whoever was there when a worker died goes on alone, so that the guilty cell is found.
        broken = [cell for cell in todo if tries[cell.id]]
        batch, workers = (broken[:1], 1) if broken else (todo, min(jobs, len(todo)))
        if _run_batch(grid, batch, workers, watch):
            continue
        rest = [cell for cell in batch if cell.id not in grid.outcomes]
        under_way = [c for c in rest if len(batch) == 1 or grid.folder(c).path.exists()]
        if not (under_way or grid.stopping):
            raise RunError("The worker processes end before they begin; see what they print.")
        for cell in under_way:
            tries[cell.id] += 1
            if tries[cell.id] >= ATTEMPTS:
                died = "its worker process died, perhaps for want of memory"
                grid.outcomes[cell.id] = Outcome("failed", died)


def _run_batch(grid: Grid, batch: list[Cell], jobs: int, watch: Callable[[], None]) -> bool:
    """Run some cells; False when a worker process died."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    before = set[BaseProcess](multiprocessing.active_children())
    with (
        ProcessPoolExecutor(jobs, context, start_worker, (stop,)) as pool,
        _signals(grid, lambda: _kill(before)),
    ):
        futures = {pool.submit(run_cell, cell, grid.root): cell for cell in batch}
        waiting: set[Future[Outcome]] = set(futures)
        whole = True
        while waiting:
            done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            if grid.stopping and not stop.is_set():
                stop.set()
                waiting = {future for future in waiting if not future.cancel()}
            for future in done:
                try:
                    grid.outcomes[futures[future].id] = future.result()
                except BrokenProcessPool:
                    whole = False
            watch()
    return whole


def _kill(before: set[BaseProcess]) -> None:
    for process in set[BaseProcess](multiprocessing.active_children()) - before:
        process.kill()


@contextmanager
def _signals(grid: Grid, kill: Callable[[], None]) -> Generator[None]:
    """Take Ctrl-C and SIGTERM as requests to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        if grid.stopping:
            kill()
        grid.stopping = True

    numbers = (signal.SIGINT, signal.SIGTERM)
    held = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
