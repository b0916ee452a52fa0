"""Optimizing data at once: what `apo init` would write is used, and what it guessed is said."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import apo
from apo.drafting.from_data import guessed_task
from apo.testing import FakeModel

ROWS = [{"id": i, "text": f"ticket number {i} says", "kind": "ab"[i % 2]} for i in range(80)]


def as_file(folder: Path) -> Path:
    path = folder / "tickets.csv"
    pd.DataFrame(ROWS).to_csv(path, index=False, sep=";", encoding="utf-16")
    return path


@pytest.mark.parametrize("kind", ["frame", "list", "generator", "path", "pools"])
def test_data_of_every_kind(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    makers: dict[str, Any] = {
        "frame": lambda: pd.DataFrame(ROWS),
        "list": lambda: ROWS,
        "generator": lambda: (row for row in ROWS),
        "path": lambda: as_file(tmp_path),
        "pools": lambda: {"train": ROWS[:60], "test": pd.DataFrame(ROWS[60:])},
    }
    with caplog.at_level(logging.WARNING):
        task = guessed_task(makers[kind]())
    assert task.input_fields == ("text",)
    assert task.labels == ("a", "b")
    assert task.name == ("tickets" if kind == "path" else "data")
    assert "The target is taken to be 'kind', as few values" in caplog.text
    if kind == "pools":
        assert len(task.test) == 20


def test_a_run_on_a_frame(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    result = apo.optimize(
        pd.DataFrame(ROWS),
        "random-search",
        model=FakeModel(),
        budget=apo.Budget(max_calls=120),
        options=apo.Options(track=False),
        home=tmp_path,
        inputs="text",
        target="kind",
    )
    assert result.verdict is not None
    assert "The task is guessed from the data" in caplog.text


def test_data_without_such_a_column_are_refused() -> None:
    with pytest.raises(apo.DataError, match=r"There is no column 'kid'\. Did you mean 'kind'"):
        apo.optimize(ROWS, target="kid")
    with pytest.raises(apo.DataError, match="cannot be read from a int"):
        apo.optimize(3)
