"""The answers of a comparison in one file, and its replay where the model is not installed."""

import asyncio
import json
import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from apo.compare.answers import FIELDS, keep_answers, kept_answers, take_answers
from apo.compare.cell import run_cell
from apo.compare.grid import Cell, make_cells
from apo.compare.runner import Grid
from apo.compare.settings import parse_experiment
from apo.errors import DataError, SettingsError
from apo.model import Decoding, Message, Request
from apo.models import absent, local_model
from apo.storage.tables import VERSION

HEAD = {"answers": VERSION, "fields": list(FIELDS)}
ROW = ["k", "task", "m", "yes", "", "", 0, None, 0, 3, 1, 0, 0]


def made(root: Path, *, model: str = "embedded", reuse: bool = False) -> Cell:
    values = {"name": "x", "tasks": ["word-problems"], "optimizers": ["random-search"], "seeds": 1}
    budget = {"max_calls": 120}
    experiment = parse_experiment({**values, "budget": budget, "models": [model]}, "test")
    return make_cells(experiment, root, reuse=reuse)[0]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Grid, Path]:
    """A grid of one cell that is finished, and the file of its answers."""
    root = tmp_path_factory.mktemp("kept")
    cell = made(root)
    assert run_cell(cell, root).state == "finished"
    grid = Grid([cell], root)
    assert keep_answers(grid.journals(), root / "a.xz") > 30
    return grid, root / "a.xz"


def test_a_replay_pays_nothing_and_comes_out_the_same(
    kept: tuple[Grid, Path], tmp_path: Path
) -> None:
    grid, file = kept
    take_answers(file, tmp_path)
    cell = made(tmp_path, reuse=True)
    assert cell == replace(grid.cells[0], reuse=True)  # The name does not hang on it.
    run_cell(cell, tmp_path)
    first, again = (g.folder(cell).result for g in (grid, Grid([cell], tmp_path)))
    assert first is not None
    assert again is not None
    assert again["verdict"] == first["verdict"]
    assert again["best_prompt"] == first["best_prompt"]
    assert again["spent"]["reused_calls"] == again["spent"]["calls"] == first["spent"]["calls"]


def test_the_same_answers_are_the_same_file(kept: tuple[Grid, Path], tmp_path: Path) -> None:
    grid, file = kept
    keep_answers([*grid.journals(), *grid.journals()], tmp_path / "b.xz")
    assert (tmp_path / "b.xz").read_bytes() == file.read_bytes()


def test_a_file_of_answers_grows(kept: tuple[Grid, Path], tmp_path: Path) -> None:
    grid, file = kept
    (tmp_path / "a.xz").write_bytes(
        lzma.compress("".join(f"{json.dumps(line)}\n" for line in (HEAD, ROW)).encode())
    )
    assert keep_answers(grid.journals(), tmp_path / "a.xz") == len(kept_answers(file)) + 1
    assert kept_answers(tmp_path / "a.xz") == {"k": ROW, **kept_answers(file)}
    (tmp_path / "c.xz").write_text("notes")
    with pytest.raises(DataError, match="is no file of answers"):
        keep_answers(grid.journals(), tmp_path / "c.xz")
    assert (tmp_path / "c.xz").read_text() == "notes"


def test_a_limit_on_answers_makes_another_cell(tmp_path: Path) -> None:
    values = {"name": "x", "tasks": ["word-problems"], "optimizers": ["ape"], "seeds": 1}
    ids = [
        make_cells(parse_experiment({**values, **more}, "test"), tmp_path)[0].id
        for more in ({}, {"max_answer": 32}, {"max_answer": 33})
    ]
    assert len(set(ids)) == 3
    with pytest.raises(SettingsError, match="max_answer"):
        parse_experiment({**values, "max_answer": 0}, "test")


def test_a_local_model_that_is_not_here_is_asked_in_the_same_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Path:
        raise SettingsError(f"The weights of {name} are not installed: pip.")

    assert absent.stand_in("embedded") is None
    monkeypatch.setattr(local_model, "find_weights", missing)
    model = absent.stand_in("local/smollm2")
    assert isinstance(model, absent.AbsentModel)
    assert (model.name, model.begins, model.continues) == ("local/smollm2", True, True)
    large = absent.AbsentModel("local/models/qwen2.5-7b.gguf", "")
    assert not large.begins
    with pytest.raises(SettingsError, match=r"not installed: pip\. The kept answers hold none"):
        asyncio.run(model.complete(Request((Message("user", "x"),), Decoding())))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (None, "is no file of answers"),
        ([[1]], "does not say what it holds"),
        ([{**HEAD, "answers": 0}], "of another version"),
        ([HEAD, ROW[:-1]], "is no answer with key"),
        ([HEAD, [*ROW[:3], 5, *ROW[4:]]], "is no answer with key"),
        ([HEAD, {"key": "k"}], "is no answer with key"),
        ([HEAD, ROW, "{"], "is no answer with key"),
    ],
)
def test_what_is_no_file_of_answers_is_told(
    lines: list[object] | None, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.xz"
    text = "".join(f"{json.dumps(line)}\n" for line in lines or [])
    file.write_bytes(b"hello" if lines is None else lzma.compress(text.encode()))
    with pytest.raises(DataError, match=said):
        take_answers(file, tmp_path / "root")
    with pytest.raises(DataError, match="cannot be read"):
        take_answers(tmp_path / "none.xz", tmp_path / "root")
