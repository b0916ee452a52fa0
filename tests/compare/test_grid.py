"""The cells of a grid: what decides their ids, and how their ends are counted."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo.compare.cell import run_cell
from apo.compare.collect import collect, without_verdict
from apo.compare.grid import Cell, make_cells
from apo.compare.runner import Grid, only_one
from apo.compare.settings import Experiment, parse_experiment
from apo.errors import ApoError, RunError, SettingsError

SMALL: dict[str, Any] = {
    "name": "small",
    "tasks": ["word-problems"],
    "optimizers": ["random-search"],
    "seeds": 2,
    "budget": {"max_calls": 60},
}


def experiment(**given: Any) -> Experiment:
    return parse_experiment({**SMALL, **given}, "test")


def ids(root: Path, **given: Any) -> list[str]:
    return [cell.id for cell in make_cells(experiment(**given), root)]


def test_a_cell_for_each_of_the_grid_seed_by_seed(tmp_path: Path) -> None:
    tasks = ["word-problems", "order-fields"]
    cells = make_cells(experiment(tasks=tasks, optimizers=["ape", "opro"]), tmp_path)
    assert [(c.seed, c.task, c.label) for c in cells[:4]] == [
        (0, "word-problems", "ape"), (0, "word-problems", "opro"),
        (0, "order-fields", "ape"), (0, "order-fields", "opro"),
    ]  # fmt: skip
    assert len({cell.id for cell in cells}) == 8


def test_an_id_stays_and_changes_with_what_decides(tmp_path: Path) -> None:
    first = ids(tmp_path)
    assert ids(tmp_path) == first
    assert ids(tmp_path, concurrency=3) == first
    assert set(first) <= set(ids(tmp_path, optimizers=["ape", "random-search"], seeds=4))
    changes: list[Mapping[str, Any]] = [
        {"budget": {"max_calls": 61}},
        {"seeds": [5, 6]},
        {"tasks": ["order-fields"]},
        {"optimizers": [{"name": "random-search", "settings": {"n_proposals": 3}}]},
        {"optimizer_model": "http://127.0.0.1:9/v1#m"},
    ]
    for change in changes:
        assert not set(first) & set(ids(tmp_path, **change)), change


def test_several_models_are_compared_apart(tmp_path: Path) -> None:
    cells = make_cells(experiment(models=["embedded", "http://h/v1#m"], seeds=1), tmp_path)
    assert [c.block for c in cells] == ["word-problems · embedded", "word-problems · http://h/v1#m"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tasks": ["word-problem"]}, "word-problems"),
        ({"optimizers": ["opr"]}, "opro"),
        ({"optimizers": [{"name": "ape", "settings": {"n_smples": 1}}]}, "n_samples"),
        ({"prices": {"x": "one"}}, "no price"),
        ({"budget": {"max_calls": 5}}, "too few"),
    ],
)
def test_all_is_checked_before_the_first_call(
    given: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ApoError, match=told):
        make_cells(experiment(**given), tmp_path)
    assert not (tmp_path / "runs").exists()


def test_two_tasks_of_one_name_are_an_error(tmp_path: Path) -> None:
    names = ["word-problems", str(Path(__file__).parents[2] / "tasks/word-problems")]
    with pytest.raises(SettingsError, match="same name"):
        make_cells(experiment(tasks=names), tmp_path)


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    return make_cells(experiment(seeds=1), tmp_path)[0]


def test_a_cell_is_an_ordinary_run(cell: Cell, tmp_path: Path) -> None:
    assert run_cell(cell, tmp_path).state == "finished"
    grid = Grid([cell], tmp_path)
    assert (grid.earlier, grid.count("finished")) == (1, 1)
    record = grid.folder(cell).settings
    assert record["id"] == cell.id
    assert record["task_ref"] == "word-problems"
    assert not list((tmp_path / "new" / "runs").iterdir())
    (curve,) = collect(grid)
    assert curve.row.calls <= 60
    assert curve.row.n_test == 9
    assert curve.calls[0] < curve.end < curve.row.calls
    assert list(curve.scores) == sorted(curve.scores)
    assert curve.scores[0] == curve.row.validation_seed
    assert curve.scores[-1] == curve.row.validation_best


def test_a_cell_goes_on_with_its_journal(cell: Cell, tmp_path: Path) -> None:
    first = run_cell(cell, tmp_path)
    folder = Grid([cell], tmp_path).folder(cell)
    before = folder.result
    folder.set_state("interrupted")
    (folder.path / "result.json").unlink()
    assert Grid([cell], tmp_path).earlier == 0
    assert run_cell(cell, tmp_path) == first
    after = folder.result
    assert before is not None
    assert after is not None
    assert {**before["spent"], "seconds": 0} == {**after["spent"], "seconds": 0}


def test_a_failure_is_told_and_not_raised(cell: Cell, tmp_path: Path) -> None:
    gone = replace(cell, task="nowhere", id="gone")
    outcome = run_cell(gone, tmp_path)
    assert (outcome.state, "nowhere" in outcome.error) == ("failed", True)
    grid = Grid([gone], tmp_path, {"gone": outcome})
    assert (grid.count("failed"), collect(grid)) == (1, [])


def test_a_damaged_run_is_not_finished(cell: Cell, tmp_path: Path) -> None:
    run_cell(cell, tmp_path)
    (tmp_path / "runs" / cell.id / "run.json").write_text("{", encoding="utf-8")
    assert Grid([cell], tmp_path).earlier == 0
    assert run_cell(cell, tmp_path).state == "failed"


def test_a_run_without_verdict_is_named(cell: Cell, tmp_path: Path) -> None:
    run_cell(cell, tmp_path)
    grid = Grid([cell], tmp_path)
    path = grid.folder(cell).path / "result.json"
    result = {**json.loads(path.read_text(encoding="utf-8")), "verdict": None}
    path.write_text(json.dumps(result), encoding="utf-8")
    assert without_verdict(grid, collect(grid)) == [cell.id]


def test_one_comparison_at_a_time_in_a_folder(tmp_path: Path) -> None:
    again = only_one(tmp_path)
    with only_one(tmp_path), pytest.raises(RunError, match="Another apo compare"):
        again.__enter__()
    with only_one(tmp_path):
        pass
