"""Optimizing data at once: what `apo init` would write is used, and what it guessed is said."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import apo
from apo.drafting.from_data import guessed_task
from apo.errors import DataError
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


@pytest.mark.parametrize("kind", [list, tuple, pd.Series, np.array])
def test_a_list_for_each_column_is_data(kind: Any) -> None:
    texts = [f"ticket number {n}" for n in range(60)]
    columns = {"text": kind(texts), "label": kind([("bug", "login")[n % 2] for n in range(60)])}
    task = guessed_task(columns)
    assert (task.labels, len(task.train) + len(task.validation) + len(task.test)) == (
        ("bug", "login"),
        60,
    )
    by_pool = guessed_task({"train": columns, "test": {"text": ["x y"], "label": ["bug"]}})
    assert [example.inputs["text"] for example in by_pool.test] == ["x y"]
    with pytest.raises(DataError, match="'text' has 60, 'label' has 1"):
        guessed_task({"text": kind(texts), "label": kind(["bug"])})


def test_a_file_of_columns_and_a_pool_by_another_name(tmp_path: Path) -> None:
    columns = {"text": [f"ticket {n}" for n in range(60)], "label": ["bug", "login"] * 30}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(columns), "utf-8")
    assert guessed_task(path).labels == ("bug", "login")
    rows = [{"text": f"ticket {n}", "label": "ab"[n % 2]} for n in range(60)]
    with pytest.raises(DataError, match="'training' is no pool"):
        guessed_task({"training": rows, "test": rows[:9]})


def test_data_without_such_a_column_are_refused() -> None:
    with pytest.raises(apo.DataError, match=r"There is no column 'kid'\. Did you mean 'kind'"):
        apo.optimize(ROWS, target="kid")
    with pytest.raises(apo.DataError, match="cannot be read from a int"):
        apo.optimize(3)
