"""What a grid may spend: added up before, asked about where it is much, ended by shared limits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo.calls.budget import Budget
from apo.calls.purse import Taken
from apo.compare.cell import run_cell
from apo.compare.grid import Cell, make_cells
from apo.compare.runner import Grid
from apo.compare.settings import parse_experiment
from apo.compare.spending import Shared, Sum, add_up, spent_by
from apo.errors import SettingsError
from apo.models.prices import Price


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Cell:
    values = {"name": "n", "tasks": ["word-problems"], "optimizers": ["random-search"], "seeds": 1}
    return make_cells(parse_experiment(values, "test"), tmp_path_factory.mktemp("root"))[0]


def total(
    cell: Cell, n: int, shared: Shared | None = None, *, before: int = 0, **given: object
) -> Sum:
    fields: Any = given
    cells = [replace(cell, id=str(i), **fields) for i in range(n)]
    spent = {c.id: Taken(before, before / 100) for c in cells}
    return add_up(cells, spent, cells[1:], shared or Shared())


def test_the_sum_is_told_and_what_was_spent_is_taken_off(cell: Cell) -> None:
    found = total(cell, 25, budget=Budget(max_calls=2000, max_usd=5))
    assert str(found) == (
        "24 cells are to run, each up to 2,000 calls and $5.00: in all up to 48,000 calls, $120.00."
    )
    shared = Shared(max_usd=20, max_minutes=90)
    later = total(cell, 3, shared, before=100, budget=Budget(max_calls=2000, max_usd=5))
    assert str(later) == (
        "2 cells are to run, each up to 2,000 calls and $5.00: in all up to 3,800 calls, $8.00. "
        "Over all cells they end at $20.00 ($3.00 of it are spent) or 90 minutes."
    )


@pytest.mark.parametrize(
    ("n", "model", "budget", "shared", "large"),
    [
        (99, "embedded", {"max_calls": 10**6}, {}, False),
        (99, "ollama/x", {"max_calls": 10**6}, {}, False),
        (5, "openai/gpt-5-mini", {"max_usd": 5.0}, {}, False),
        (6, "openai/gpt-5-mini", {"max_usd": 5.0}, {}, True),
        (6, "openai/gpt-5-mini", {"max_usd": 5.0}, {"max_usd": 20.0}, False),
        (11, "openai/unheard-of", {"max_calls": 2000}, {}, False),
        (12, "openai/unheard-of", {"max_calls": 2000}, {}, True),
        (12, "openai/unheard-of", {"max_calls": 2000}, {"max_calls": 5000}, False),
    ],
)
def test_much_is_asked_about(
    n: int, model: str, budget: dict[str, float], shared: dict[str, float], large: bool, cell: Cell
) -> None:
    limits = Shared(**shared)  # type: ignore[arg-type]
    given: Any = {"model": model, "budget": Budget(**budget)}  # type: ignore[arg-type]
    assert total(cell, n, limits, **given).large == large


def test_limits_that_cannot_hold_are_refused(cell: Cell) -> None:
    with pytest.raises(SettingsError, match=r"--grid-max-usd is -1; a limit must be greater"):
        Shared(max_usd=-1)
    unknown = replace(cell, model="openai/unheard-of")
    with pytest.raises(SettingsError, match=r"price of openai/unheard-of: state it with --price"):
        Shared(max_usd=1).check_prices([unknown])
    Shared(max_usd=1).check_prices([replace(unknown, prices={"unheard-of": Price(1, 1)})])
    Shared(max_calls=1).check_prices([unknown])


def test_what_a_cell_spent_stands_in_its_journal(cell: Cell, tmp_path: Path) -> None:
    cell = replace(cell, budget=Budget(max_calls=60))
    grid = Grid([cell], tmp_path)
    assert grid.spent() == {cell.id: Taken(0, 0.0)}
    assert run_cell(cell, tmp_path).state == "finished"
    result = grid.folder(cell).result or {}
    spent = result["spent"]
    assert spent_by(grid.folder(cell), {}) == Taken(spent["calls"], 0.0)
    priced = spent_by(grid.folder(cell), {"embedded": Price(1e6, 2e6)})
    assert priced.usd == pytest.approx(spent["input_tokens"] + 2 * spent["output_tokens"])
