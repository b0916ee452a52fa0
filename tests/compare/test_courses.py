"""What is shown of cells under way comes from their journals, a look now and then."""

from dataclasses import replace
from pathlib import Path

import pytest

from apo.calls.budget import Budget
from apo.compare.cell import run_cell
from apo.compare.courses import EVERY, SILENT, Courses
from apo.compare.grid import make_cells
from apo.compare.runner import Grid
from apo.compare.settings import parse_experiment
from apo.storage.rows import Entry


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    values = {"name": "n", "tasks": ["word-problems"], "optimizers": ["random-search"], "seeds": 1}
    (cell,) = make_cells(parse_experiment(values, "test"), tmp_path)
    cell = replace(cell, budget=Budget(max_calls=60))
    run_cell(cell, tmp_path)
    return Grid([cell, replace(cell, id="new")], tmp_path)


def test_calls_and_the_best_score_so_far(grid: Grid) -> None:
    now = [100.0]
    courses = Courses(grid, now=lambda: now[0])
    assert courses.lines(8) == []
    done, new = grid.cells
    grid.running = [new]
    assert courses.lines(8) == ["new: at its start"]
    grid.running = [done, new]
    assert courses.lines(8)[0].endswith(": at its start")  # It looked a moment ago.
    now[0] += EVERY
    result = grid.folder(done).result or {}
    best = f"{100 * result['validation']['best']:.1f}"
    assert courses.lines(8)[0].startswith(f"{done.id}: ")
    assert f" calls, best {best} % on validation" in courses.lines(8)[0]
    assert len(courses.lines(1)) == 1


def test_a_damaged_journal_does_not_end_the_view(grid: Grid) -> None:
    done = grid.cells[0]
    grid.folder(done).journal_path.write_bytes(b"no database" * 100)
    grid.running = [done]
    assert Courses(grid).lines(8) == [f"{done.id}: at its start"]


def test_a_cell_without_answers_says_so_and_for_how_long(grid: Grid) -> None:
    now = [100.0]
    courses = Courses(grid, now=lambda: now[0])
    grid.running = [grid.cells[0]]
    assert courses.lines(8)[0].endswith("on validation")
    now[0] += SILENT
    assert courses.lines(8)[0].endswith(" on validation, no answer for 1:00")
    with grid.folder(grid.cells[0]).open_journal() as journal:
        journal.add(Entry(key="k", role="task", model="m", reply="a", at=1.0))
    now[0] += EVERY
    assert courses.lines(8)[0].endswith("on validation")
