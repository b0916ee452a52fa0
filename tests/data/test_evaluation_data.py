"""Evaluation data sets of MLflow as data: inputs and expectations are columns."""

from typing import Any

import pandas as pd
import pytest

from apo import DataError, task_from_data
from apo.data.rows import read_rows


def frame(*rows: Any) -> pd.DataFrame:
    """What `EvaluationDataset.to_df` gives, without the columns that nobody reads."""
    columns = ["inputs", "expectations", "dataset_record_id"]
    return pd.DataFrame([[*row, f"dr-{i}"] for i, row in enumerate(rows)], columns=columns)


def test_inputs_and_expectations_are_columns() -> None:
    given = frame(
        *[({"ticket": f"t {i} 한", "n": i}, {"expected_response": "ab"[i % 2]}) for i in range(30)]
    )
    rows = list(read_rows(given))
    assert rows[0] == {"ticket": "t 0 한", "n": "0", "expected_response": "a"}
    task = task_from_data(given, inputs="ticket", target="expected_response", prompt="Sort it.")
    assert sum(map(len, (task.train, task.validation, task.test))) == 30
    assert {example.target for example in task.train} == {"a", "b"}


WRONG: list[tuple[Any, str]] = [
    (({"a": "x"}, {"a": "y"}), "Record 1 .* has a among its inputs and its expectations"),
    (({}, {"a": "y"}), "Record 1 .* has no inputs"),
    ((None, {"a": "y"}), "no inputs"),
]


@pytest.mark.parametrize(("row", "words"), WRONG)
def test_records_that_are_no_rows(row: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        list(read_rows(frame(row)))


def test_a_record_without_an_expectation_is_told() -> None:
    given = frame(*[({"x": f"t {i}"}, {"y": "a"} if i else {}) for i in range(30)])
    task = task_from_data(given, inputs="x", target="y", prompt="Sort it.")
    assert sum(map(len, (task.train, task.validation, task.test))) == 29
    assert "Rows left out, no target: 1 (first: data, row 1)." in task.notes


@pytest.mark.slow  # MLflow makes its tables.
def test_a_data_set_of_mlflow(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("sets") / "mlflow.db"
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}")
        from mlflow.genai import datasets

        made: Any = datasets.create_dataset(name="tickets")
        made.merge_records([{"inputs": {"x": "a"}, "expectations": {"y": "b"}, "tags": {"t": "1"}}])
        assert list(read_rows(made)) == [{"x": "a", "y": "b"}]
