"""Data files of any content end as rows of text or as a `DataError` that names the file."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unicodedata import normalize

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.data.cells import Row, cell
from apo.data.columns import language_of, look
from apo.data.examples import Columns
from apo.data.memory import SplitMemory
from apo.data.pools import make_pools
from apo.data.rows import read_rows
from apo.data.sniff import find_encoding
from apo.errors import DataError
from tests.fuzz.hostile import damaged, deep, encoded, fuzzed, json_values, texts, told

ROWS = [{"text": f"Where is order {i}? “정말”", "label": "ship"} for i in range(4)]
ENCODINGS = ["utf-8", "utf-16", "cp949", "latin-1", "utf-7", "utf-32", "idna", "rot13", "hex", "\0"]


def _csv(rows: list[dict[str, str]]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, ["text", "label"])
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def _parquet() -> bytes:
    file = io.BytesIO()
    arrow: Any = import_module("pyarrow")
    import_module("pyarrow.parquet").write_table(arrow.Table.from_pylist(ROWS), file)
    return file.getvalue()


def _xlsx() -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    for row in [["text", "label"], *([*r.values()] for r in ROWS)]:
        sheet.append(row)
    book.save(file)
    return file.getvalue()


GOOD = {
    ".csv": _csv(ROWS),
    ".tsv": _csv(ROWS).replace(b",", b"\t"),
    ".json": json.dumps(ROWS).encode(),
    ".jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode(),
    ".parquet": _parquet(),
    ".xlsx": _xlsx(),
}


def _read(path: Path, data: bytes, encoding: str = "utf-8") -> list[Row] | None:
    path.write_bytes(data)
    rows = told(lambda: list(read_rows(path, encoding=encoding)))
    for row in rows or []:
        assert all(
            type(name) is str and type(text) in (str, type(None)) for name, text in row.items()
        )
    return rows


@pytest.mark.parametrize("suffix", GOOD)
def test_a_damaged_file_gives_rows_or_says_what_is_wrong(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"data{suffix}"
    assert _read(path, GOOD[suffix]) == ROWS

    @fuzzed
    @given(damaged(GOOD[suffix]) | st.binary(min_size=1, max_size=80))
    def check(data: bytes) -> None:
        _read(path, data)

    check()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl"])
def test_a_text_file_in_any_encoding_gives_rows_or_says_what_is_wrong(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"data{suffix}"

    @fuzzed
    @given(texts.map(encoded) | damaged(GOOD[suffix]), st.sampled_from(ENCODINGS))
    def check(data: bytes, encoding: str) -> None:
        _read(path, data, encoding)
        if data:
            told(lambda: language_of(look(read_rows(path, encoding=find_encoding(path))).values()))

    check()


@pytest.fixture(scope="module")
def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(GOOD[".xlsx"])) as book:
        return {name: book.read(name) for name in book.namelist()}


def test_a_workbook_with_a_damaged_sheet_gives_rows_or_says_what_is_wrong(
    parts: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "data.xlsx"

    @fuzzed
    @given(st.data(), st.sampled_from(sorted(parts)))
    def check(data: st.DataObject, name: str) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as book:
            for part, content in parts.items():
                book.writestr(part, data.draw(damaged(content)) if part == name else content)
        _read(path, file.getvalue())

    check()


def test_a_workbook_of_nested_entities_does_not_unfold(
    parts: dict[str, bytes], tmp_path: Path
) -> None:
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    bomb = '<!DOCTYPE x [<!ENTITY a "' + "ha" * 100 + '">'
    for name, inner in zip("bcdefghij", "abcdefghi", strict=True):
        bomb += f'<!ENTITY {name} "{f"&{inner};" * 10}">'
    head, _, rest = sheet.partition("<worksheet")
    evil = f"{head}{bomb}]><worksheet{rest}".replace("Where is order 0?", "&j;", 1)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as book:
        for part, content in parts.items():
            changed = evil.encode() if part == "xl/worksheets/sheet1.xml" else content
            book.writestr(part, changed)
    assert _read(tmp_path / "data.xlsx", file.getvalue()) is None


rows = st.lists(st.fixed_dictionaries({"text": texts, "label": texts}), min_size=1, max_size=4)


def _writable(row: dict[str, str]) -> bool:
    return all("\0" not in t and t == t.encode("utf-8", "replace").decode() for t in row.values())


@fuzzed
@given(rows.filter(lambda found: all(map(_writable, found))))
def test_rows_written_by_the_standard_library_are_read_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, found: list[dict[str, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert _read(folder / "a.csv", _csv(found)) == found
    assert _read(folder / "a.json", json.dumps(found).encode()) == found
    lines = "\n".join(json.dumps(row) for row in found)
    assert _read(folder / "a.jsonl", lines.encode()) == found


@fuzzed
@given(st.lists(st.dictionaries(texts, json_values, max_size=3), min_size=1, max_size=3))
def test_json_of_any_shape_becomes_text_that_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, values: list[dict[str, Any]]
) -> None:
    found = _read(tmp_path_factory.getbasetemp() / "b.json", json.dumps(values).encode())
    for row, value in zip(found or [], values if found else [], strict=True):
        assert [*row] == [normalize("NFC", name.strip()) for name in value]
        assert [*row.values()] == [cell(item) for item in value.values()]


HUGE = {
    "field.csv": lambda: b"text,label\n" + b"x" * 3_000_000 + b",a\n",
    "quote.csv": lambda: b'text,label\n"' + b"x\n" * 500_000,
    "columns.csv": lambda: b",".join(b"c%d" % i for i in range(3000)) + b"\n",
    "same.csv": lambda: b"a," * 20_000 + b"a\n",
    "deep.json": lambda: deep("[", "]").encode(),
    "deep-cell.json": lambda: f'[{{"a": {deep("[", "]", 900)}}}]'.encode(),
    "deep.jsonl": lambda: deep('{"a":', "}").encode(),
    "digits.jsonl": lambda: b'{"a": ' + b"9" * 100_000 + b"}",
    "keys.json": lambda: json.dumps([{f"k{i}": i for i in range(20_000)}]).encode(),
    "twice.json": lambda: b"[{" + b'"a": 1,' * 50_000 + b'"a": 1}]',
    "blank.jsonl": lambda: b"\n" * 500_000,
    "bom.csv": lambda: b"\xef\xbb\xbf" * 3 + b"a,b\n1,2\n",
    "mixed.csv": lambda: b"a,b\r1,2\n3,4\r\n5,6\r",
}  # fmt: skip


@pytest.mark.parametrize("name", HUGE)
def test_a_file_of_extreme_shape_is_read_or_refused_in_good_time(name: str, tmp_path: Path) -> None:
    make: Callable[[], bytes] = HUGE[name]
    _read(tmp_path / name, make())


def test_two_keys_that_are_one_column_are_not_silently_one(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": "1", " a": "2"}]')
    with pytest.raises(DataError, match="'a'"):
        list(read_rows(tmp_path / "a.json"))


COLUMNS = Columns(inputs={"text": "text"}, targets=("label",), split="pool")


@fuzzed
@given(
    st.lists(st.dictionaries(st.sampled_from(["text", "label", "pool", "x"]), st.none() | texts))
)
def test_pools_are_apart_or_the_data_are_refused(found: list[Row]) -> None:
    pools = told(lambda: make_pools({"data": found}, COLUMNS))
    if pools is not None:
        every = [e.inputs["text"] for p in (pools.train, pools.validation, pools.test) for e in p]
        assert len(every) == len(set(every))


@fuzzed
@given(
    damaged(b'{"apo_split": 1, "seeds": {"0": {"ab": "train"}}}')
    | json_values.map(lambda v: json.dumps({"apo_split": 1, "seeds": v}).encode())
)
def test_a_damaged_memory_of_the_split_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "split.json"
    path.write_bytes(data)
    pools = told(lambda: SplitMemory(path).read(0), "split.json")
    assert pools is None or all(pool in ("train", "validation", "test") for pool in pools.values())
