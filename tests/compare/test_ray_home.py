"""Runs that come home from machines without the comparison's folder; Ray stands aside here."""

import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apo.compare import ray_home
from apo.compare.cell import CellOutcome, run_cell
from apo.compare.flag import Flag
from apo.compare.grid import Cell, make_cells
from apo.compare.ray_home import Home, pack, run_away, unpack
from apo.compare.settings import parse_experiment
from apo.compare.spending import purse_path
from apo.storage.folder import RunFolder
from apo.storage.rows import open_for_reading


class Actor:
    """A `Home` called as Ray calls it, but at once; notes what was taken."""

    def __init__(self, home: Home) -> None:
        self.home, self.taken = home, list[int]()

    def __getattr__(self, name: str) -> Any:
        def remote(*given: Any) -> Callable[[], Any]:
            if name == "take":
                self.taken.append(len(given[0]))
            return lambda: getattr(self.home, name)(*given)

        return SimpleNamespace(remote=remote)


@pytest.fixture(autouse=True)
def ray(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(get=lambda ref, timeout: ref())  # pyright: ignore
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setattr(ray_home, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(ray_home, "SEND_SECONDS", 0.02)


def cell_of(root: Path) -> Cell:
    values = {"tasks": ["word-problems"], "optimizers": ["random-search"], "seeds": 1}
    budget = {"budget": {"max_calls": 60}}
    return make_cells(parse_experiment({"name": "n", **values, **budget}, "test"), root)[0]


def result_of(root: Path, cell: Cell) -> dict[str, Any]:
    found = RunFolder(root / "runs" / cell.id).result or {}
    return {name: found[name] for name in ("best_prompt", "validation", "verdict")}


def test_a_cell_elsewhere_is_as_one_here(tmp_path: Path) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    cell = cell_of(here)
    assert run_cell(cell, here).state == "finished"
    home.mkdir()
    flag = Flag.of(home)
    with flag.up():
        outcome = run_away(cell_of(home), Actor(Home(home, flag)))
    assert (outcome.state, cell_of(home)) == ("finished", cell)
    assert result_of(home, cell) == result_of(here, cell)
    with closing(open_for_reading(home / "runs" / cell.id / "journal.db")) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_came_home_before_a_machine_was_lost_is_not_paid_again(tmp_path: Path) -> None:
    """The first machine sends its run and is never heard of again; another one goes on."""
    first, home = tmp_path / "first", tmp_path / "home"
    cell = cell_of(first)
    run_cell(cell, first)
    journal = first / "runs" / cell.id / "journal.db"
    with closing(open_for_reading(journal)) as kept:
        n = kept.execute("SELECT COUNT(*) FROM calls").fetchone()
    Home(home, Flag.of(home)).take(pack(first, cell.id))
    (home / "runs" / cell.id / "result.json").unlink()
    stale = home / "runs" / cell.id / "journal.db-wal"
    stale.write_bytes(b"of an earlier journal")
    unpack(pack(first, cell.id), home)
    assert not stale.exists()
    (home / "runs" / cell.id / "result.json").unlink()
    flag = Flag.of(home)
    with flag.up():
        assert run_away(cell, Actor(Home(home, flag))).state == "finished"
    with closing(open_for_reading(home / "runs" / cell.id / "journal.db")) as kept:
        assert kept.execute("SELECT COUNT(*) FROM calls").fetchone() == n
    assert result_of(home, cell) == result_of(first, cell)


def test_it_sends_while_it_runs_and_stops_when_home_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    cell, flag = cell_of(home), Flag.of(home)
    actor = Actor(Home(home, flag))
    stopped = threading.Event()

    def slow(cell: Cell, root: Path, there: Flag) -> CellOutcome:
        for text in ("one", "two"):
            (root / "runs" / cell.id).mkdir(parents=True, exist_ok=True)
            (root / "runs" / cell.id / "note").write_text(text, encoding="utf-8")
            note = home / "runs" / cell.id / "note"
            while not note.exists() or note.read_text("utf-8") != text:
                assert not stopped.wait(0.001)
        flag.take_down()
        while there.is_up():
            assert not stopped.wait(0.001)
        return CellOutcome("interrupted")

    monkeypatch.setattr(ray_home, "run_cell", slow)
    with flag.up():
        assert run_away(cell, actor).state == "interrupted"
    assert len(actor.taken) == 2  # Nothing is sent twice.


def test_what_must_be_the_same_there_is_told(tmp_path: Path) -> None:
    cell, flag = cell_of(tmp_path), Flag.of(tmp_path)
    actor = Actor(Home(tmp_path, flag))
    assert run_away(cell, actor).state == "interrupted"
    with flag.up():
        other = run_away(replace(cell, fingerprint="of other data"), actor)
        assert "holds other data on" in other.error
        missing = run_away(replace(cell, task="nowhere"), actor)
        assert "The task cannot be read on" in missing.error
        purse_path(tmp_path).touch()
        assert "--grid-max-usd" in run_away(cell, actor).error
    assert not (tmp_path / "runs").exists()
