"""Reading rows: no cell changes, damage is named with its line, and files are streamed."""

import csv
import datetime
import io
import json
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from apo.data.cells import NoText, Row, cell
from apo.data.examples import Columns, Rejected, usable
from apo.data.rows import read_rows
from apo.errors import DataError

AWKWARD = [
    "NA",
    "None",
    "null",
    "",
    "007",
    "1.0",
    "true",
    " a ",
    "라벨",
    "🙂",
    "a,b",
    'say "x"',
    "l\n2",
]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path, encoding: str = "utf-8") -> list[Row]:
    return list(read_rows(path, encoding=encoding))


# --- what stays as it is


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_cells_of_csv_stay_text(tmp_path: Path, suffix: str, delimiter: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(["input", "n"])
    writer.writerows([text, str(n)] for n, text in enumerate(AWKWARD))
    path = write(tmp_path / f"a{suffix}", buffer.getvalue())
    assert [row["input"] for row in read(path)] == AWKWARD


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9), min_size=1)
)
def test_csv_round_trip(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["a"], *[[text] for text in cells]])
    path = write(tmp_path_factory.mktemp("csv") / "a.csv", buffer.getvalue())
    assert [row["a"] for row in read(path)] == cells


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
def test_json_values_become_canonical_text(tmp_path: Path, name: str) -> None:
    values = {
        "t": "007",
        "i": 7,
        "f": 7.0,
        "g": 0.1,
        "b": True,
        "n": None,
        "l": ["가", 1],
        "o": {"k": None},
    }
    texts = {
        "t": "007",
        "i": "7",
        "f": "7",
        "g": "0.1",
        "b": "true",
        "n": None,
        "l": '["가", 1]',
        "o": '{"k": null}',
    }
    text = json.dumps([values]) if name == "a.json" else json.dumps(values) + "\n\n"
    assert read(write(tmp_path / name, text)) == [texts]


def test_a_json_object_with_one_list(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", '{"version": 1, "data": [{"a": "x"}, {"a": "y"}]}')
    assert [row["a"] for row in read(path)] == ["x", "y"]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.csv", "a\nx\n", "utf-8-sig")) == [{"a": "x"}]
    assert read(write(tmp_path / "a.jsonl", '{"a": "x"}', "utf-8-sig")) == [{"a": "x"}]


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "CP949"])
def test_other_encodings_are_read_when_named(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.csv", "리뷰,감성\r\n좋아요,긍정\r\n", encoding)
    assert read(path, encoding) == [{"리뷰": "좋아요", "감성": "긍정"}]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "a.csv", "a,b\n\n1,2\n\n"))) == 1


def test_huge_cells_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"a\n{'x' * 300_000}\n")
    assert len(read(path)[0]["a"] or "") == 300_000


def test_names_of_class_labels_that_a_parquet_file_notes(tmp_path: Path) -> None:
    names = {"names": ["neg", "pos"], "_type": "ClassLabel"}
    for noted, wanted in (
        (json.dumps({"info": {"features": {"y": names, "x": {"dtype": "string"}}}}),
         ["pos", None, "neg"]),
        ("{", ["1", "-1", "0"]),
        ('{"info": {"features": [1]}}', ["1", "-1", "0"]),
    ):  # fmt: skip
        table: Any = import_module("pyarrow").table({"x": ["a", "b", "c"], "y": [1, -1, 0]})
        stored = table.replace_schema_metadata({"huggingface": noted})
        import_module("pyarrow.parquet").write_table(stored, tmp_path / "d.parquet")
        assert [row["y"] for row in read_rows(tmp_path / "d.parquet")] == wanted


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    table = arrow.table({"t": ["NA", None], "i": [7, None], "f": [7.0, math.nan], "l": [["a"], []]})
    parquet.write_table(table, path)
    assert read(path) == [
        {"t": "NA", "i": "7", "f": "7", "l": '["a"]'},
        {"t": None, "i": None, "f": None, "l": "[]"},
    ]


def excel(path: Path, rows: list[list[Any]]) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_excel(tmp_path: Path) -> None:
    date = datetime.date(2026, 3, 1)
    rows: list[list[Any]] = [
        ["a", "b", None],
        ["007", 7, None],
        [None, None, None],
        ["NA", None, None],
        [7.5, date, None],
    ]
    assert read(excel(tmp_path / "a.xlsx", rows)) == [
        {"a": "007", "b": "7"},
        {"a": "NA", "b": None},
        {"a": "7.5", "b": "2026-03-01"},
    ]


def test_data_frames() -> None:
    frame = pd.DataFrame(
        {"a": ["NA", None], "b": [1, None], "c": [pd.Timestamp("2026-03-01"), pd.NaT]}
    )
    assert list(read_rows(frame)) == [
        {"a": "NA", "b": "1", "c": "2026-03-01"},
        {"a": None, "b": None, "c": None},
    ]


def test_datasets_give_class_labels_by_name() -> None:
    datasets: Any = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    values = {"text": ["good", "?"], "label": [1, -1]}
    made = datasets.Dataset.from_dict(values, features=features)
    expected = [{"text": "good", "label": "pos"}, {"text": "?", "label": None}]
    assert list(read_rows(made)) == expected
    assert list(read_rows(made.to_iterable_dataset())) == expected
    with pytest.raises(DataError, match="several splits"):
        list(read_rows(datasets.DatasetDict({"train": made})))


def test_lists_of_dicts_and_generators() -> None:
    assert list(read_rows([{"a": 1}, {"a": "x"}])) == [{"a": "1"}, {"a": "x"}]
    assert list(read_rows({"a": n} for n in range(2))) == [{"a": "0"}, {"a": "1"}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.int64(3), "3"),
        (np.float64("nan"), None),
        (np.array([1, 2]), "[1, 2]"),
        (pd.NA, None),
        (pd.NaT, None),
        (-0.0, "0"),
        (1e300, "1e+300"),
        (False, "false"),
        ({"d": datetime.date(2026, 1, 2)}, '{"d": "2026-01-02"}'),
    ],
)
def test_canonical_text(value: Any, text: str | None) -> None:
    assert cell(value) == text


# --- what is refused, and how

CSV_DAMAGE = [
    ("a,b\n1,2\n3\n", "line 3: 1 cells, but the header names 2"),
    ("a,b\n1,2,3\n", "line 2: 3 cells"),
    ("a,\n1,2\n", "column 2 has no name, and line 2 has '2'"),
    (",a\nx1,2\n", "column 1 has no name, and line 2 has 'x1'"),
    (",\n1,2\n", "column 1 has no name"),
    ("a,b,a\n1,2,3\n", "two columns are named 'a'"),
    ('a\n"open\n', "line 2: .*quote"),
    ('a\n"x"y\n', "line 2"),
    ("a\nx\0y\n", "line 2: a NUL byte"),
    ("\n", "no header"),
    ("", "is empty"),
]


@pytest.mark.parametrize(("text", "words"), CSV_DAMAGE)
def test_damaged_csv(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(write(tmp_path / "a.csv", text))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", "3", "list of objects"),
        ("a.json", '{"a": [], "b": []}', "2 lists"),
        ("a.json", "[1]", "item 1 must be an object"),
        ("a.json", "[" * 200_000, "not valid JSON"),
        ("a.jsonl", '{"a": 1}\n\n{"a": \n', "line 3 is not valid JSON"),
        ("a.jsonl", '{"a": 1}\n\n[1]\n', "line 3 must be an object"),
        ("a.jsonl", '{"a": 1, "a": 2}\n', "line 1: the key 'a' stands twice"),
        ("a.xls", "x", "no kind of file"),
        ("a.parquet", "x", "as Parquet"),
        ("a.xlsx", "x", "as an Excel file"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(write(tmp_path / name, text))


def test_a_wrong_encoding_names_line_and_byte(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b\nok,ok\n좋아요,긍정\n", "cp949")
    with pytest.raises(DataError, match=r"not utf-8 at line 3, byte 1 \(0xC1\).*cp949.*encoding:"):
        read(path)
    with pytest.raises(DataError, match=r"not ascii \(byte 0xC1\)"):
        read(path, "ascii")
    with pytest.raises(DataError, match="unknown; common ones: utf-8, cp949"):
        read(path, "korean-excel")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf_16_without_being_told(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DataError, match="utf-16"):
        read(write(tmp_path / "a.csv", "a,b\n1,2\n", encoding))


def test_a_list_for_each_column() -> None:
    assert list(read_rows({"a": [1, None], "b": ("x", "y")})) == [
        {"a": "1", "b": "x"},
        {"a": None, "b": "y"},
    ]


def test_excel_needs_a_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the first sheet is empty"):
        read(excel(tmp_path / "a.xlsx", []))
    with pytest.raises(DataError, match="row 2: a cell stands beyond"):
        read(excel(tmp_path / "b.xlsx", [["a"], ["x", "y"]]))


NO_DATA: list[Any] = [None, 3, {"a": 1}, {"a": "x"}, {"a": [{}]}, object()]


@pytest.mark.parametrize("source", NO_DATA)
def test_no_data(source: Any) -> None:
    with pytest.raises(DataError, match="cannot be read from"):
        read_rows(source)


def test_duplicate_columns_of_a_frame() -> None:
    frame = pd.DataFrame([["x", "y"]], columns=["a", "a"])
    with pytest.raises(DataError, match="two columns are named 'a'"):
        list(read_rows(frame))


@pytest.mark.parametrize(
    "value", [b"x", bytearray(b"x"), {"bytes": b"x", "path": None}, [[b"x"]], object()]
)
def test_what_is_no_text_stops_only_a_task_that_uses_it(value: object) -> None:
    rows = list(read_rows([{"a": value, "b": "x", "y": "z"}]))
    used, unused = (Columns(inputs={"f": name}, targets=("y",)) for name in ("a", "b"))
    assert [inputs for inputs, _, _ in usable(rows, unused, Rejected(), "data")] == [{"f": "x"}]
    with pytest.raises(DataError, match=r"data, row 1: the column 'a' holds (bytes|objects)"):
        list(usable(rows, used, Rejected(), "data"))


def test_images_of_a_data_set_are_not_looked_at_and_labels_have_names() -> None:
    datasets: Any = import_module("datasets")
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "x": datasets.Value("string"),
            "tags": datasets.List(datasets.ClassLabel(names=["bug", "urgent"])),
            "of": {"kind": datasets.ClassLabel(names=["p", "q"])},
        }
    )
    row = {
        "image": {"bytes": b"no image", "path": None},
        "x": "a",
        "tags": [1, 0],
        "of": {"kind": 1},
    }
    made = datasets.Dataset.from_list([row], features=features)
    for source in (made, made.to_iterable_dataset()):
        (found,) = read_rows(source)
        assert found == {
            "image": NoText("bytes"),
            "x": "a",
            "tags": '["urgent", "bug"]',
            "of": '{"kind": "q"}',
        }


def test_a_name_that_is_too_long_for_a_file_is_told() -> None:
    with pytest.raises(DataError, match="cannot be read: File name too long"):
        list(read_rows("a" * 5000))


def test_a_missing_file_shows_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no data file"):
        read(tmp_path / "nothing.csv")


@pytest.mark.parametrize("source", ["hf:", "hf:gsm8k", "hf:a/b/c/d", "hf:a b/c"])
def test_hub_names_of_the_wrong_form(source: str) -> None:
    with pytest.raises(DataError, match="does not read like"):
        list(read_rows(source))


def test_without_a_connection_to_the_hub_it_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # The discard port: nobody listens.
    with pytest.raises(
        DataError, match=r"no connection to http://127\.0\.0\.1:9.*HF_HUB_OFFLINE=1"
    ):
        list(read_rows("hf:openai/gsm8k:main/train"))


def test_the_hub_is_streamed_and_taken_from_the_cache_when_offline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    datasets: Any = pytest.importorskip("datasets")
    asked: list[Any] = []

    def load(
        name: str, config: str | None, *, split: str, revision: str | None, streaming: bool
    ) -> list[dict[str, Any]]:
        asked.append((name, config, split, revision, streaming))
        if split == "gone":
            raise ValueError("unknown split")
        return [{"a": "x"}]

    def connect(*args: Any, **options: Any) -> io.BytesIO:
        return io.BytesIO()

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr("apo.data.libraries.socket.create_connection", connect)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert list(read_rows("hf:o/n")) == [{"a": "x"}]
    assert list(read_rows("hf:o/n:c/train[:5]@v1.0")) == list(read_rows("hf:o/n@refs/pr/1"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert list(read_rows("hf:o/n:c/test")) == [{"a": "x"}]
    assert asked == [
        ("o/n", None, "train", None, True),
        ("o/n", "c", "train[:5]", "v1.0", False),
        ("o/n", None, "train", "refs/pr/1", True),
        ("o/n", "c", "test", None, False),
    ]
    with pytest.raises(DataError, match=r"hf:o/n/gone cannot be read: ValueError: unknown split"):
        list(read_rows("hf:o/n/gone"))


# --- streams


def long_csv(path: Path) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("a,b\n")
        file.writelines(f"{'x' * 100}{n},y\n" for n in range(20_000))
    return path


def long_jsonl(path: Path) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f'{{"a": "{"x" * 100}{n}", "b": "y"}}\n' for n in range(20_000))
    return path


@pytest.mark.parametrize(("name", "make"), [("a.csv", long_csv), ("a.jsonl", long_jsonl)])
def test_long_files_are_not_held_in_memory(
    tmp_path: Path, name: str, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path / name)
    size = path.stat().st_size
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_rows(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < size / 10


def test_reading_starts_no_heavy_library(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a\nx\n")
    code = (
        "import sys; from apo.data.rows import read_rows; "
        f"list(read_rows({str(path)!r})); "
        "print([m for m in ('pandas', 'datasets', 'pyarrow', 'openpyxl') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_iterator_is_not_read_ahead() -> None:
    taken: list[int] = []

    def rows() -> Iterator[dict[str, int]]:
        for n in range(10):
            taken.append(n)
            yield {"a": n}

    stream = read_rows(rows())
    next(stream)
    assert taken == [0]
