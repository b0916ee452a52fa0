"""Typed cells: one text for each value by every reader, and the shortest that means it."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from apo.data.cells import NoText, Row, cell
from apo.data.examples import Columns, Rejected, usable
from apo.data.rows import read_rows
from apo.drafting.draft import draft_task
from apo.errors import DataError

pa: Any = import_module("pyarrow")
pq: Any = import_module("pyarrow.parquet")

DAY, NOON = dt.datetime(2025, 2, 12), dt.datetime(2025, 2, 12, 12, 30)
SEOUL = dt.timezone(dt.timedelta(hours=9))

ARROW = [
    (pa.float16(), [np.float16(19.99)], ["19.98"]),
    (pa.float32(), [19.99, 7.0, 1e-5, None], ["19.99", "7", "1e-05", None]),
    (pa.float64(), [0.1, 7.0, float("nan")], ["0.1", "7", None]),
    (pa.int8(), [7, None], ["7", None]),
    (pa.uint64(), [2**64 - 1], ["18446744073709551615"]),
    (pa.decimal128(10, 2), [Decimal("19.90"), Decimal("100.00")], ["19.9", "100"]),
    (pa.decimal256(50, 20), [Decimal("123456789012345678901234567890.5")],
     ["123456789012345678901234567890.5"]),
    (pa.bool_(), [True, False], ["true", "false"]),
    (pa.date32(), [DAY.date()], ["2025-02-12"]),
    (pa.date64(), [DAY.date()], ["2025-02-12"]),
    *((pa.timestamp(unit), [DAY], ["2025-02-12"]) for unit in ("s", "ms", "us", "ns")),
    (pa.timestamp("us"), [DAY, NOON, None], ["2025-02-12T00:00:00", "2025-02-12T12:30:00", None]),
    (pa.timestamp("us", tz="Asia/Seoul"), [NOON.replace(tzinfo=SEOUL)],
     ["2025-02-12T12:30:00+09:00"]),
    (pa.time32("s"), [dt.time(14, 30)], ["14:30:00"]),
    (pa.time64("us"), [dt.time(14, 30, 0, 500000)], ["14:30:00.5"]),
    (pa.duration("s"), [dt.timedelta(days=1, minutes=90), -dt.timedelta(seconds=5)],
     ["25:30:00", "-0:00:05"]),
    (pa.string(), ["NA", ""], ["NA", ""]),
    (pa.large_string(), ["007"], ["007"]),
    (pa.binary(), [b"x"], [NoText("bytes")]),
    (pa.list_(pa.float32()), [[19.99, None], []], ["[19.99, null]", "[]"]),
    (pa.list_(pa.string()), [["a", "b"]], ['["a", "b"]']),
    (pa.list_(pa.date32()), [[DAY.date()]], ['["2025-02-12"]']),
    (pa.struct([("a", pa.float32()), ("b", pa.int32())]), [{"a": 0.1, "b": 1}],
     ['{"a": 0.1, "b": 1}']),
    (pa.map_(pa.string(), pa.float32()), [[("a", 0.1)]], ['{"a": 0.1}']),
    (pa.dictionary(pa.int8(), pa.string()), ["x", "y"], ["x", "y"]),
    (pa.dictionary(pa.int8(), pa.float32()), [19.99], ["19.99"]),
    (pa.null(), [None], [None]),
]  # fmt: skip


def texts(source: Any) -> list[str | None]:
    return [row["v"] for row in read_rows(source)]


@pytest.mark.parametrize(("kind", "values", "expected"), ARROW, ids=lambda value: str(value)[:30])
def test_every_arrow_type(
    kind: Any, values: list[Any], expected: list[Any], tmp_path: Path
) -> None:
    array = pa.array(values, type=kind)
    table = pa.table({"v": array})
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    assert texts(path) == expected
    if kind != pa.null():
        frame = pd.DataFrame({"v": pd.Series(pd.arrays.ArrowExtensionArray(array))})
        assert texts(frame) == expected


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("float32", [19.99, 7.0], ["19.99", "7"]),
        ("Float32", [19.99, None], ["19.99", None]),
        ("float16", [0.1], ["0.1"]),
        ("float64", [3.0, None], ["3", None]),
        ("Int64", [3, None], ["3", None]),
        ("UInt8", [255], ["255"]),
        ("boolean", [True, None], ["true", None]),
        ("bool", [True, False], ["true", "false"]),
        ("datetime64[ns]", [DAY, None], ["2025-02-12", None]),
        ("datetime64[s]", [DAY, NOON], ["2025-02-12T00:00:00", "2025-02-12T12:30:00"]),
        ("datetime64[ns, Asia/Seoul]", [NOON.replace(tzinfo=SEOUL)], ["2025-02-12T12:30:00+09:00"]),
        ("timedelta64[ns]", [dt.timedelta(hours=26)], ["26:00:00"]),
        ("category", ["a", None], ["a", None]),
        ("string", ["NA", None], ["NA", None]),
        ("period[M]", ["2025-02"], ["2025-02"]),
        ("Sparse[float32]", [19.99], ["19.99"]),
        (
            "object",
            [Decimal("1.50"), DAY.date(), np.float32(19.99)],
            ["1.5", "2025-02-12", "19.99"],
        ),
        ("object", [{"a": np.float32(0.1), "b": [np.int64(1)]}], ['{"a": 0.1, "b": [1]}']),
        ("object", [np.array([0.1], np.float32), {"b", "a"}], ["[0.1]", '["a", "b"]']),
    ],
)
def test_every_pandas_type(kind: str, values: list[Any], expected: list[Any]) -> None:
    frame = pd.DataFrame({"v": pd.Series(values, dtype=kind)})
    assert texts(frame) == expected


def test_categories_of_single_precision() -> None:
    frame = pd.DataFrame({"v": pd.Categorical(np.array([19.99, 7], np.float32))})
    assert texts(frame) == ["19.99", "7"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(19.99), "19.99"),
        (np.longdouble(1.5), "1.5"),
        (np.datetime64("2025-02-12T00:00:00", "ns"), "2025-02-12"),
        (np.datetime64("NaT"), None),
        (np.timedelta64(90, "m"), "1:30:00"),
        (np.array(["2025-02-12"], "datetime64[ns]"), '["2025-02-12"]'),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.00"), "0"),
        (Decimal("NaN"), None),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        ([1.5, float("nan")], "[1.5, null]"),
        ({1: Decimal("2.50")}, '{"1": "2.5"}'),
        (pd.Timestamp("2025-02-12T00:00:00.000000001"), "2025-02-12T00:00:00.000000001"),
    ],
)
def test_values_by_themselves(value: Any, text: str | None) -> None:
    assert cell(value) == text


def _list(values: list[dt.datetime], _: Path) -> Any:
    return [{"v": value} for value in values]


def _frame(values: list[dt.datetime], _: Path) -> Any:
    return pd.DataFrame({"v": values})


def _dataset(values: list[dt.datetime], _: Path) -> Any:
    return pytest.importorskip("datasets").Dataset.from_dict({"v": values})


def _parquet(values: list[dt.datetime], folder: Path) -> Any:
    pq.write_table(pa.table({"v": values}), folder / "a.parquet")
    return folder / "a.parquet"


def _excel(values: list[Any], folder: Path) -> Any:
    return excel(folder / "a.xlsx", [["v"], *[[value] for value in values]])


def excel(path: Path, rows: list[list[Any]]) -> Path:
    book = Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("make", [_list, _frame, _dataset, _parquet, _excel])
def test_a_midnight_is_a_date_where_its_whole_column_is(
    make: Callable[[list[dt.datetime], Path], Any], tmp_path: Path
) -> None:
    assert texts(make([DAY, DAY], tmp_path)) == ["2025-02-12"] * 2
    mixed = ["2025-02-12T00:00:00", "2025-02-12T12:30:00"]
    assert texts(make([DAY, NOON], tmp_path)) == mixed


def test_what_comes_only_once_is_read_cell_by_cell() -> None:
    def stream() -> Iterator[dict[str, Any]]:
        yield {"v": DAY}
        yield {"v": NOON}

    assert texts(stream()) == ["2025-02-12", "2025-02-12T12:30:00"]


def test_single_precision_in_a_data_set() -> None:
    datasets: Any = pytest.importorskip("datasets")
    features = datasets.Features(
        {"v": datasets.Value("float32"), "l": datasets.List(datasets.Value("float32"))}
    )
    made = datasets.Dataset.from_dict({"v": [19.99], "l": [[0.1]]}, features=features)
    for source in (made, made.to_iterable_dataset()):
        assert list(read_rows(source)) == [{"v": "19.99", "l": "[0.1]"}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (19.99, "19.99"),
        (7.0, "7"),
        (DAY.date(), "2025-02-12"),
        (dt.time(14, 30), "14:30:00"),
        (dt.timedelta(hours=26), "26:00:00"),
        (True, "true"),
        (Decimal("1.50"), "1.5"),
    ],
)
def test_what_excel_shows(value: Any, text: str, tmp_path: Path) -> None:
    assert texts(excel(tmp_path / "a.xlsx", [["v"], [value]])) == [text]


@pytest.mark.parametrize("formula", ["=A2&A3", '=IF(A2="x","bug","login")', "=1+1"])
def test_formulas_without_stored_values_are_named(formula: str, tmp_path: Path) -> None:
    path = excel(tmp_path / "a.xlsx", [["a", "v", None], ["x", formula, None], ["y", None, None]])
    rows = list(read_rows(path))
    assert isinstance(rows[0]["v"], NoText)
    assert rows[1] == {"a": "y", "v": None}
    with pytest.raises(DataError, match="column 'v' holds formulas without stored values"):
        list(usable(rows, Columns(inputs={"a": "a"}, targets=("v",)), Rejected(), "data"))


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!"])
def test_a_spreadsheets_error_is_no_target(error: str) -> None:
    rows: list[Row] = [{"a": "x", "v": error}, {"a": "y", "v": "bug"}, {"a": error, "v": "bug"}]
    rejected = Rejected()
    columns = Columns(inputs={"a": "a"}, targets=("v",), labels=("bug", "login"))
    assert [inputs for inputs, _, _ in usable(rows, columns, rejected, "data")] == [{"a": "y"}]
    assert rejected.notes() == [
        f"Rows left out, the spreadsheet's error {error} in place of a value: 2 "
        "(first: data, row 1)."
    ]


def test_init_names_formulas_and_leaves_errors_out_of_the_labels(tmp_path: Path) -> None:
    cells = [[f"ticket {n}", "#N/A" if n == 5 else ("bug", "login")[n % 2]] for n in range(20)]
    draft = draft_task("t", excel(tmp_path / "a.xlsx", [["text", "label"], *cells]))
    assert "labels: [bug, login]" in draft.yaml
    assert any("error (#N/A) in 'label': 1" in note for note in draft.explanations)
    formulas = [[f"ticket {n}", f'="bug{n % 2}"'] for n in range(20)]
    path = excel(tmp_path / "b.xlsx", [["text", "label"], *formulas])
    with pytest.raises(DataError, match=r"label \(it holds formulas without stored values"):
        draft_task("t", path)
