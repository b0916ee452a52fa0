"""Slices and must-pass marks: read, kept through sampling and storing, and no part of identity."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.data import stored
from apo.data.cells import Row
from apo.data.examples import Columns
from apo.data.marks import NO, YES
from apo.data.pools import Pools, make_pools
from apo.data.split import Split
from apo.data.stored import read_pools
from apo.errors import DataError, TaskError
from apo.task import Example
from apo.taskfile.load import load_task, task_from_data

COLUMNS = Columns(inputs={"x": "x"}, targets=("y",), slices=("채널", "product"), must_pass="must")


def row(i: int, must: str | None = "", **more: str | None) -> Row:
    return {"x": f"text {i}", "y": "a", "채널": "앱", "product": "P1", "must": must, **more}


def pools(rows: list[Row], columns: Columns = COLUMNS) -> Pools:
    return make_pools({"data": rows}, columns)


def examples(found: Pools) -> dict[str, Example]:
    return {e.inputs["x"]: e for e in (*found.train, *found.validation, *found.test)}


@pytest.mark.parametrize("mark", [*sorted(YES), "TRUE", " X ", "Yes"])
def test_what_marks_an_example(mark: str) -> None:
    found = examples(pools([row(0, mark), *(row(i) for i in range(1, 12))]))
    assert [text for text, e in found.items() if e.must_pass] == ["text 0"]
    assert found["text 0"].slices == {"채널": "앱", "product": "P1"}


@pytest.mark.parametrize("mark", [*sorted(NO), None, " ", "FALSE"])
def test_what_does_not(mark: str | None) -> None:
    found = pools([row(i, mark) for i in range(12)])
    assert not any(e.must_pass for e in examples(found).values())
    assert "No example of the pools is marked" in found.notes[-1]


@pytest.mark.parametrize("mark", ["maybe", "2", "🙂", "{must}", "예외"])
def test_a_mark_that_says_neither_is_an_error(mark: str) -> None:
    with pytest.raises(DataError, match=r"'must' is .* for the input 'text 3'.*leave the others"):
        pools([row(i, mark if i == 3 else "") for i in range(12)])


def test_the_marks_are_no_part_of_what_an_example_is() -> None:
    plain = Example({"x": "1"}, ("a",))
    marked = Example({"x": "1"}, ("a",), {"channel": "web"}, must_pass=True)
    assert plain == marked
    assert (plain.id, hash(plain)) == (marked.id, hash(marked))
    # So marking rows moves none of them.
    rows = [row(i) for i in range(30)]
    marked_rows: list[Row] = [{**r, "must": "x"} for r in rows]
    assert pools(rows).test == pools(marked_rows).test


def test_where_marks_have_come_to_lie_is_told() -> None:
    found = pools([row(i, "예") for i in range(20)])
    assert "train 8, validation 4, test 8" in found.notes[-1]
    assert not [n for n in pools([row(i) for i in range(20)], Columns(
        inputs={"x": "x"}, targets=("y",))).notes if "must pass" in n]  # fmt: skip


def test_repeated_rows_give_the_same_marks_in_any_order() -> None:
    copies = [row(0, "x"), row(0, "", product=None), row(0, "no", product="P2")]
    rest = [row(i) for i in range(1, 10)]
    for order in permutations(copies):
        found = examples(pools([*order, *rest]))["text 0"]
        assert found.must_pass
        assert found.slices == {"채널": "앱", "product": ""}


@given(st.text())
def test_a_slice_may_be_any_text(value: str) -> None:
    found = examples(pools([row(0, product=value), *(row(i) for i in range(1, 10))]))
    assert found["text 0"].slices["product"].encode().decode() == found["text 0"].slices["product"]


def test_half_a_surrogate_pair_in_a_slice_does_no_harm() -> None:
    found = examples(pools([row(0, product="\ud800"), *(row(i) for i in range(1, 10))]))
    assert found["text 0"].slices["product"] == "?"


@pytest.mark.parametrize("columns", [{"slices": ("gone",)}, {"must_pass": "musst"}])
def test_a_column_that_is_not_there(columns: dict[str, object]) -> None:
    fields: dict[str, Any] = {**vars(COLUMNS), **columns}
    given_columns = Columns(**fields)
    with pytest.raises(DataError, match="there is no column"):
        pools([row(i) for i in range(9)], given_columns)


def test_stored_pools_keep_the_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "LARGE", 20)
    path = tmp_path / "data.csv"
    lines = "".join(f"text {i},a,앱 {i % 3},P,{'x' if i % 5 == 0 else ''}\n" for i in range(40))
    path.write_text(f"x,y,채널,product,must\n{lines}", encoding="utf-8")
    once, again = (
        read_pools({"data": path}, COLUMNS, Split(), tmp_path / "splits", "task") for _ in range(2)
    )
    assert list((tmp_path / "splits" / "pools").iterdir())
    marks = [(e.slices, e.must_pass) for e in (*once.train, *once.validation, *once.test)]
    assert marks == [(e.slices, e.must_pass) for e in (*again.train, *again.validation,
                                                       *again.test)]  # fmt: skip
    assert sum(must for _, must in marks) == 8
    assert {slices["채널"] for slices, _ in marks} == {"앱 0", "앱 1", "앱 2"}


def test_a_task_file_says_which_columns(tmp_path: Path) -> None:
    lines = "".join(f"글 {i},긍정,{'모바일' if i % 2 else '웹'},{i % 4 == 0}\n" for i in range(40))
    (tmp_path / "data.csv").write_text(f"글,라벨,채널,필수\n{lines}", encoding="utf-8")
    (tmp_path / "task.yaml").write_text(
        "name: 리뷰\ninputs: [글]\ntarget: 라벨\nslices: 채널\nmust_pass: 필수\ndata: data.csv\n"
        "prompt: 감성을 말하세요.\n",
        encoding="utf-8",
    )
    task = load_task(tmp_path)
    every = [*task.train, *task.validation, *task.test]
    assert {e.slices["채널"] for e in every} == {"모바일", "웹"}
    assert sum(e.must_pass for e in every) == 10


@pytest.mark.parametrize("column", ["x", "y", "channel"])
def test_a_column_that_says_something_else_marks_nothing(column: str) -> None:
    rows = [{"x": f"{i}", "y": "a", "channel": "web"} for i in range(10)]
    with pytest.raises(TaskError, match="says something else already"):
        task_from_data(rows, inputs="x", target="y", prompt="?", slices="channel",
                       must_pass=column)  # fmt: skip


@pytest.mark.parametrize("slices", [[], [1], ["a", "a"], ""])
def test_slices_are_names_of_columns(slices: object) -> None:
    rows = [{"x": f"{i}", "y": "a"} for i in range(10)]
    with pytest.raises(TaskError, match="slices"):
        task_from_data(rows, inputs="x", target="y", prompt="?", slices=slices)
