"""How cells are given to workers, what follows a worker's death, and the flag."""

from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from apo.compare import runner
from apo.compare.cell import CellOutcome, run_cell
from apo.compare.flag import Flag
from apo.compare.grid import Cell, make_cells
from apo.compare.runner import Grid, run_grid
from apo.compare.settings import parse_experiment
from apo.compare.spending import Shared
from apo.errors import RunError, SettingsError

Answer = Callable[[Cell, Flag], CellOutcome]


class Died(Exception):
    """What the workers below raise for a worker's death."""


class Scripted:
    """Workers whose cells end as told, the first one that was given first."""

    def __init__(self, answer: Answer, flag: Flag, jobs: int, *, die_together: bool) -> None:
        self.jobs, self.die_together = jobs, die_together
        self.deaths: tuple[type[Exception], ...] = (Died,)
        self.answer, self.flag = answer, flag
        self.given: list[str] = []
        self.most = 0
        self.deaths_beside: list[int] = []
        self.open: list[tuple[Cell, Future[CellOutcome]]] = []

    def submit(self, cell: Cell) -> Future[CellOutcome]:
        future: Future[CellOutcome] = Future()
        self.given.append(cell.id)
        self.open.append((cell, future))
        self.most = max(self.most, len(self.open))
        return future

    def check(self) -> None: ...

    def kill(self) -> None: ...

    def go_on(self) -> None:
        """End the oldest cell; where workers die together, all of them with it."""
        cell, future = self.open.pop(0)
        try:
            future.set_result(self.answer(cell, self.flag))
        except Died as error:
            future.set_exception(error)
            self.deaths_beside.append(len(self.open))
            if self.die_together:
                for _, other in self.open:
                    other.set_exception(Died())
                self.open.clear()


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    values = {"name": "small", "tasks": ["word-problems"], "optimizers": ["random-search"]}
    cell = make_cells(parse_experiment({**values, "seeds": 1}, "test"), tmp_path)[0]
    for name in "abcd":
        (tmp_path / "runs" / name).mkdir(parents=True)
    return Grid([replace(cell, id=name) for name in "abcd"], tmp_path)


def run(
    grid: Grid,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    *,
    together: bool = False,
    shared: Shared | None = None,
) -> Scripted:
    made: list[Scripted] = []

    @contextmanager
    def open_workers(root: Path, flag: Flag, n_cells: int, jobs: int | None) -> Generator[Scripted]:
        made.append(Scripted(answer, flag, jobs or n_cells, die_together=together))
        yield made[0]

    def wait(futures: object, **_: object) -> tuple[list[Future[CellOutcome]], None]:
        made[0].go_on()
        return [f for f in list(futures) if f.done()], None  # type: ignore[call-overload]

    monkeypatch.setattr(runner, "find_place", lambda on: open_workers)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    monkeypatch.setattr(runner, "wait", wait)
    run_grid(grid, lambda: None, jobs=2, shared=shared)
    return made[0]


def good(cell: Cell, flag: Flag) -> CellOutcome:
    return CellOutcome("finished", "", (0.1, 0.2)) if flag.is_up() else CellOutcome("interrupted")


def test_so_many_at_once_in_the_order_of_the_grid(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = run(grid, monkeypatch, good)
    assert (workers.given, workers.most) == (list("abcd"), 2)
    assert grid.count("finished") == 4
    assert not list(grid.root.glob("*.flag"))
    run_grid(grid, lambda: None, on="processes")  # Nothing to do: no worker is started.


@pytest.mark.parametrize("together", [True, False])
def test_the_guilty_fails_at_its_second_death(
    together: bool, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cell: Cell, flag: Flag) -> CellOutcome:
        if cell.id == "b":
            raise Died
        return good(cell, flag)

    workers = run(grid, monkeypatch, answer, together=together)
    assert grid.outcomes["b"].state == "failed"
    assert "process died" in grid.outcomes["b"].error
    assert grid.count("finished") == 3
    counts = Counter(workers.given)
    assert counts["b"] == 2
    assert counts["a"] == 1
    assert workers.deaths_beside == ([1, 0] if together else [1, 1])


def test_who_died_beside_another_goes_on_alone(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    dead: list[str] = []

    def answer(cell: Cell, flag: Flag) -> CellOutcome:
        if not dead:
            dead.append(cell.id)
            raise Died
        return good(cell, flag)

    workers = run(grid, monkeypatch, answer, together=True)
    assert workers.given == ["a", "b", "a", "b", "c", "d"]
    assert grid.count("finished") == 4


def test_workers_that_never_begin_are_an_error(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    for cell in grid.cells:
        grid.folder(cell).path.rmdir()

    def answer(cell: Cell, flag: Flag) -> CellOutcome:
        raise Died

    with pytest.raises(RunError, match="end before they begin"):
        run(grid, monkeypatch, answer, together=True)


def test_a_worker_that_does_not_see_the_folder(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(cell: Cell, flag: Flag) -> CellOutcome:
        return CellOutcome("interrupted") if cell.id == "b" else good(cell, flag)

    with pytest.raises(RunError, match=r"does not see .*compare\.flag.* file system"):
        run(grid, monkeypatch, answer)
    assert list(grid.outcomes) == ["a", "b", "c"]  # What was under way has ended in order.
    assert grid.outcomes["c"].state == "interrupted"


def test_after_a_stop_nothing_begins(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(cell: Cell, flag: Flag) -> CellOutcome:
        grid.stopping = True
        return good(cell, flag)

    assert run(grid, monkeypatch, answer).given == ["a", "b"]
    assert [o.state for o in grid.outcomes.values()] == ["finished", "interrupted"]


def test_when_nothing_can_be_paid_any_more_nothing_begins(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cell: Cell, flag: Flag) -> CellOutcome:
        return CellOutcome("unpaid", "9 of 9 calls") if cell.id == "a" else good(cell, flag)

    assert run(grid, monkeypatch, answer).given == ["a", "b"]
    assert [o.state for o in grid.outcomes.values()] == ["unpaid", "finished"]
    assert grid.over == "The grid's budget is over: 9 of 9 calls"


def test_the_end_of_the_time_ends_cells_in_order(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cell: Cell, flag: Flag) -> CellOutcome:
        grid.started -= 3600
        return good(cell, flag)

    shared = Shared(max_minutes=60)
    assert run(grid, monkeypatch, answer, shared=shared).given == ["a", "b"]
    assert [o.state for o in grid.outcomes.values()] == ["finished", "interrupted"]
    assert "60 minutes of --grid-max-minutes are over" in grid.over


def test_who_is_killed_after_a_stop_has_not_failed(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cell: Cell, flag: Flag) -> CellOutcome:
        grid.stopping = grid.stopping or workers_died == ["a"]
        workers_died.append(cell.id)
        raise Died

    workers_died: list[str] = []
    run(grid, monkeypatch, answer)
    assert workers_died == ["a", "b", "a"]
    assert grid.outcomes == {}


def test_a_flag_holds_for_one_call_alone(grid: Grid) -> None:
    first, second = Flag.of(grid.root), Flag.of(grid.root)
    assert not first.is_up()
    with first.up(), second.up():
        assert (first.is_up(), second.is_up()) == (False, True)
        assert run_cell(grid.cells[0], grid.root, first) == CellOutcome("interrupted")
    assert not second.is_up()


def test_there_are_processes_and_ray(grid: Grid) -> None:
    with pytest.raises(SettingsError, match="must be processes"):
        run_grid(grid, lambda: None, on="rays")
