"""Running the cells of a grid on workers; stopped in order, resumed by running again."""

import math
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from apo.calls.purse import Purse, Taken
from apo.compare.cell import CellOutcome
from apo.compare.flag import Flag
from apo.compare.grid import Cell
from apo.compare.spending import Shared, purse_of, purse_path, spent_by
from apo.compare.workers import PROCESSES, Workers, find_place
from apo.errors import RunError
from apo.storage.folder import RunFolder, no_place

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
        over: what limit over all cells ended them, in words; "" for none.
        running: the cells that are under way.
        started: when this call of the command began, in seconds of the monotonic clock.
    """

    cells: list[Cell]
    root: Path
    outcomes: dict[str, CellOutcome] = field(default_factory=dict[str, CellOutcome])
    earlier: int = 0
    stopping: bool = False
    over: str = ""
    running: list[Cell] = field(default_factory=list[Cell])
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        for cell in self.cells:
            if is_finished(self.folder(cell)):
                self.outcomes[cell.id] = CellOutcome("finished")
        self.earlier = len(self.outcomes)

    def folder(self, cell: Cell) -> RunFolder:
        """The cell's run."""
        return RunFolder(self.root / "runs" / cell.id)

    @property
    def todo(self) -> list[Cell]:
        """The cells without an outcome."""
        return [cell for cell in self.cells if cell.id not in self.outcomes]

    def spent(self) -> dict[str, Taken]:
        """By cell, what it has spent so far."""
        return {cell.id: spent_by(self.folder(cell), cell.prices) for cell in self.cells}

    def journals(self) -> list[Path]:
        """The journals of the finished cells, in the order of the cells."""
        done = (self.folder(cell) for cell in self.cells if cell.id in self.outcomes)
        return [folder.journal_path for folder in done if is_finished(folder)]

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
        RunError: another process holds it, or it cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / "compare.lock")
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(
            f"Another apo compare is at work in {root}. Wait for it, or give another --name."
        ) from None
    except OSError as error:
        raise no_place(root, error) from error
    try:
        yield
    finally:
        lock.release()


def run_grid(
    grid: Grid,
    watch: Callable[[], None],
    *,
    on: str = PROCESSES,
    jobs: int | None = None,
    shared: Shared | None = None,
) -> None:
    """Run every cell that is not finished.

    The first Ctrl-C (or SIGTERM) lets calls under way finish and keeps them; a second one ends
    the workers at once, which loses nothing that was paid either, but for these calls.

    Args:
        grid: its outcomes are filled in.
        watch: called a few times a second.
        on: where: "processes" of this machine, "ray", or "ray:ADDRESS".
        jobs: how many cells are under way at once; by default one for each CPU.
        shared: limits over all cells; by default none.

    Raises:
        SettingsError: `on` says no such place, or a price is missing under a limit in dollars.
        RunError: it cannot be reached or used.
    """
    open_workers = find_place(on)
    todo, shared = deque(grid.todo), shared or Shared()
    if not todo:
        return
    shared.check_prices(grid.cells)
    Purse.fill(purse_path(grid.root), shared.max_calls, shared.max_usd, grid.spent())
    flag = Flag.of(grid.root)
    with (
        open_workers(grid.root, flag, len(todo), jobs) as workers,
        _signals(grid, workers.kill),
        flag.up(),
    ):
        _Loop(grid, workers, flag, todo, shared.max_minutes or math.inf).run(watch)


@dataclass
class _Loop:
    """Keeps the workers busy.

    A cell that was under way when its worker died has another try, if need be alone, so that the
    guilty one is found.
    """

    grid: Grid
    workers: Workers
    flag: Flag
    todo: deque[Cell]
    minutes: float = math.inf
    suspects: deque[Cell] = field(default_factory=deque[Cell])
    tries: Counter[str] = field(default_factory=Counter[str])
    waiting: dict[Future[CellOutcome], Cell] = field(
        default_factory=dict[Future[CellOutcome], Cell]
    )
    blind: str = ""

    def run(self, watch: Callable[[], None]) -> None:
        while True:
            if time.monotonic() >= self.grid.started + 60 * self.minutes and not self.grid.over:
                self.grid.over = f"The {self.minutes:g} minutes of --grid-max-minutes are over."
                self.flag.take_down()
            if self.grid.stopping or self.blind:
                self.flag.take_down()
            elif not self.grid.over:
                self._fill()
            self.grid.running = [*self.waiting.values()]
            if not self.waiting:
                break
            done, _ = wait(self.waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                self._take(self.waiting.pop(future), future)
            watch()
            self.workers.check()
        if self.blind:
            raise RunError(
                f"A worker does not see {self.flag.path}, though {self.blind} was to run there. "
                "The working directory and the comparison's folder (--home) must be on a file "
                "system that all machines have at the same path; or run without --on."
            )

    def _fill(self) -> None:
        while queue := self.suspects or self.todo:
            suspected = self.suspects or any(self.tries[c.id] for c in self.waiting.values())
            alone = suspected and self.workers.die_together
            if len(self.waiting) >= (1 if alone else self.workers.jobs):
                return
            cell = queue.popleft()
            self.waiting[self.workers.submit(cell)] = cell

    def _take(self, cell: Cell, future: Future[CellOutcome]) -> None:
        try:
            outcome = future.result()
        except self.workers.deaths:
            self._bury(cell)
            return
        ending = self.grid.stopping or self.grid.over or self.blind
        if outcome.state == "interrupted" and not ending:
            self.blind = cell.id
        if outcome.state == "unpaid":
            self.grid.over = self.grid.over or f"The grid's budget is over: {outcome.error}"
        self.grid.outcomes[cell.id] = outcome

    def _bury(self, cell: Cell) -> None:
        if self.grid.stopping:
            return  # The user did not want to wait.
        self.tries[cell.id] += 1
        if self.tries[cell.id] < ATTEMPTS:
            self.suspects.append(cell)
        elif any(self.grid.folder(c).path.exists() for c in self.grid.cells):
            died = "its worker process died, perhaps for want of memory"
            purse_of(cell, self.grid.root)  # Nothing of it is under way any more.
            self.grid.outcomes[cell.id] = CellOutcome("failed", died)
        else:
            raise RunError("The worker processes end before they begin; see what they print.")


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
