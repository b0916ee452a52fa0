"""Multiple choice and columns of pools: what is used is right, and the rest is told."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from apo.drafting.draft import draft_task, write_draft
from apo.drafting.format import Wanted
from apo.errors import DataError
from apo.taskfile.load import load_task

TEXTS = ["a red one", "a blue one", "a green one"]


def asked(options: Any, keys: list[Any], column: str = "choices", key: str = "answer") -> Any:
    return [
        {"question": f"what is number {i}?", column: options, key: keys[i % 3]} for i in range(60)
    ]


def saved(path: Path, rows: Any) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


@pytest.mark.parametrize(
    "rows",
    [
        asked({"text": TEXTS, "label": ["A", "B", "C"]}, ["A", "B", "C"], key="answerKey"),
        asked({"text": TEXTS, "label": ["1", "2", "3"]}, ["1", "2", "3"], key="answerKey"),
        asked(TEXTS, [0, 1, 2]),
        asked(TEXTS, [1, 2, 3], key="label"),
        asked(TEXTS, TEXTS, column="options"),
    ],
)
def test_options_stand_in_the_question(rows: Any, tmp_path: Path) -> None:
    draft = draft_task("t", saved(tmp_path / "d.jsonl", rows))
    assert "each after a letter" in draft.explanations[0]
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert task.labels == ("A", "B", "C")
    for example in task.train:
        text = example.inputs["question"]
        assert text.endswith("\n\nA. a red one\nB. a blue one\nC. a green one")
        number = int(text.partition("?")[0].split()[-1])
        assert example.target == "ABC"[number % 3]


@pytest.mark.parametrize(
    ("options", "keys", "words"),
    [
        (TEXTS, ["A", "B", "D"], "do not all name an option"),
        (TEXTS, [1, 1, 2], "could name two options"),
        (["2", "1", "0"], [0, 1, 2], "could name two options"),
    ],
)
def test_keys_that_are_not_clear_stop(
    options: Any, keys: list[Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=f"{words}.*leave 'choices' out"):
        draft_task("t", saved(tmp_path / "d.jsonl", asked(options, keys)))


def test_lists_that_are_no_options_stay(tmp_path: Path) -> None:
    rows = asked(["red", "blue"], ["bug", "login", "bug"], column="options", key="label")
    draft = draft_task("t", saved(tmp_path / "d.jsonl", rows))
    assert (draft.rows, "Not used: options." in draft.explanations) == ((), True)


def parted(path: Path, values: list[str], name: str = "split") -> Path:
    rows = [
        {"text": f"ticket number {i}", "kind": "ab"[i % 2], name: values[i // 2 % len(values)]}
        for i in range(120)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "values",
    [["train", "val", "holdout"], ["Train", "Dev", "Test"], ["training", "eval", "held-out"]],
)
def test_usual_names_of_pools_are_used(values: list[str], tmp_path: Path) -> None:
    draft = draft_task("t", parted(tmp_path / "d.csv", values))
    assert f"{values[1]} is validation" in " ".join(draft.explanations)
    assert not any("Not used" in text for text in draft.explanations)
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert [len(pool) for pool in (task.train, task.validation, task.test)] == [40, 40, 40]


@pytest.mark.parametrize("values", [["train", "blind"], ["train", "test", "x"]])
def test_values_that_name_no_pool_stop(values: list[str], tmp_path: Path) -> None:
    path = parted(tmp_path / "d.csv", values)
    with pytest.raises(DataError, match=r"not all its values are clear.*name --input and --target"):
        draft_task("t", path)
    draft = draft_task("t", path, Wanted(inputs=["text"], target="kind"))
    assert "all rows are shared out anew" in " ".join(draft.explanations)


@pytest.mark.parametrize("name", ["fold", "split", "Subset"])
def test_fold_numbers_are_told(name: str, tmp_path: Path) -> None:
    draft = draft_task("t", parted(tmp_path / "d.csv", ["0", "1", "2"], name))
    assert f"The column {name!r} ('0', '1', '2') is not used" in " ".join(draft.explanations)
