"""Flips, the front and a transfer are files of the MLflow run."""

import json
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, Options, optimize
from apo.errors import RunError
from apo.optimizers import RandomSearch
from apo.report.run_page import FILE
from apo.storage.folder import RunFolder
from apo.storage.record import Record
from apo.testing.fakes import FakeModel, FakeOptimizerModel, fake_task
from apo.tracking.files import EXAMPLES, FLIPS, FRONT, TABLES, TRANSFER, write_files


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    done = optimize(
        fake_task(),
        RandomSearch(),
        model=FakeModel(),
        optimizer_model=FakeOptimizerModel(),
        budget=Budget(max_calls=300),
        options=Options(track=False),
        home=tmp_path / "home",
    )
    return RunFolder(tmp_path / "home" / "runs" / done.run_id)


def written(folder: RunFolder, target: Path) -> dict[str, Any]:
    target.mkdir()
    write_files(folder, Record(), target)
    return {p.name: json.loads(p.read_text("utf-8")) for p in target.glob("*.json")}


def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def test_what_is_known_at_the_end_is_written(folder: RunFolder, tmp_path: Path) -> None:
    found = written(folder, tmp_path / "files")
    assert set(found) == set(TABLES)
    verdict = (folder.result or {})["verdict"]
    whole = rows(found[FLIPS])[0]
    assert list(whole)[:4] == ["group", "won", "lost", "points"]  # What a screen shows.
    assert (whole["group"], whole["n"]) == ("all", verdict["n"])
    assert whole["points"] == round(100 * verdict["difference"], 1)
    assert whole["interval"] == " to ".join(f"{100 * end:+.1f}" for end in verdict["interval"])
    assert list(rows(found[EXAMPLES])[0])[:4] == ["flip", "target", "seed_output", "best_output"]
    assert (whole["won"], whole["lost"]) == (verdict["wins"], verdict["losses"])
    front = rows(found[FRONT])
    assert front[0]["score"] == (folder.result or {})["validation"]["best"]
    assert [row for row in front if row["front"]]
    assert all(isinstance(row["instruction"], str) for row in front)


def test_a_transfer_is_written_where_there_is_one(folder: RunFolder, tmp_path: Path) -> None:
    (folder.path / TRANSFER).write_text('{"models": ["가\\u0000"]}', encoding="utf-8")
    assert written(folder, tmp_path / "files")[TRANSFER] == {"models": ["가\0"]}


def test_the_page_of_a_run_is_among_its_files(folder: RunFolder, tmp_path: Path) -> None:
    (folder.path / "audit.json").write_text('{"task": "x"}', encoding="utf-8")
    with pytest.raises(RunError, match=r"audit\.json has no 'model'"):
        written(folder, tmp_path / "damaged")
    (folder.path / "audit.json").unlink()
    written(folder, tmp_path / "files")
    page = (tmp_path / "files" / FILE).read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")
    assert page.startswith("<!DOCTYPE html>")
    assert "p = " in page
    assert (folder.result or {})["outcome"]["reason"] in page


def test_before_the_end_there_is_neither(folder: RunFolder, tmp_path: Path) -> None:
    (folder.path / "result.json").unlink()
    assert FLIPS not in written(folder, tmp_path / "files")
    assert not (tmp_path / "files" / FILE).exists()
