"""Large data are read once: what is stored is what reading gives, and never anything older."""

import json
import logging
import os
from collections.abc import Callable, Generator, Iterator
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo.cli.console import listen
from apo.data import examples as examples_module
from apo.data import stored
from apo.data.cells import NoText, Row
from apo.data.examples import Columns
from apo.data.memory import SplitMemory
from apo.data.pools import Pools, Split, make_pools
from apo.data.rows import read_rows
from apo.data.stored import read_pools
from apo.task import content_hash, text_hash

pa: Any = import_module("pyarrow")  # Untyped.
pq: Any = import_module("pyarrow.parquet")

COLUMNS = Columns(inputs={"x": "x"}, targets=("y",), labels=("a", "b", "c"))
SPLIT = Split(caps={"train": 20, "validation": 6, "test": 10})


def lines(n: int, start: int = 0) -> str:
    return "".join(f"text {i},{'abc'[i % 3]}\n" for i in range(start, start + n))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 300 rows, which is large in these tests."""
    monkeypatch.setattr(stored, "LARGE", 200)
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + lines(300), encoding="utf-8")
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the sources read, one for each time."""
    found: list[str] = []

    def counted(source: Any, **options: Any) -> Iterator[Row]:
        found.append(Path(source).name)
        return read_rows(source, **options)

    monkeypatch.setattr(stored, "read_rows", counted)
    return found


def pools(file: Path, split: Split = SPLIT, columns: Columns = COLUMNS) -> Pools:
    return read_pools({"data": file}, columns, split, file.parent / "splits", "task")


def stored_file(file: Path) -> Path:
    (path,) = (file.parent / "splits" / "pools").iterdir()
    return path


def test_a_large_file_is_read_once(file: Path, reads: list[str]) -> None:
    first = pools(file)
    assert pools(file) == first
    assert reads == ["data.csv"]
    assert first == make_pools({"data": read_rows(file)}, COLUMNS, SPLIT)
    assert (first.rows, len(first.train), len(first.test)) == (300, 20, 10)


def test_a_small_one_every_time(
    file: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LARGE", 301)
    assert pools(file).test == pools(file).test
    assert reads == ["data.csv"] * 2
    assert not (file.parent / "splits" / "pools").exists()


def test_without_a_folder_nothing_is_stored(file: Path, reads: list[str]) -> None:
    for _ in range(2):
        read_pools({"data": file}, COLUMNS, SPLIT, None, "task")
    assert reads == ["data.csv"] * 2
    assert list(file.parent.iterdir()) == [file]


def test_data_that_are_no_file_are_not_stored(file: Path) -> None:
    rows = list(read_rows(file))
    read_pools({"data": rows}, COLUMNS, SPLIT, file.parent / "splits", "task")
    assert not (file.parent / "splits" / "pools").exists()


def test_a_file_that_grew_is_read_again(file: Path, reads: list[str]) -> None:
    before = pools(file)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(lines(30, 300))
    after = pools(file)
    assert (before.rows, after.rows) == (300, 330)
    assert before.test == after.test  # As ever: no row moves.
    assert reads == ["data.csv"] * 2


def test_a_change_is_seen_though_size_and_time_are_the_same(file: Path) -> None:
    before, state = pools(file), file.stat()
    changed = next(e.inputs["x"] for e in before.test if e.target == "a")
    text = file.read_text("utf-8").replace(f"{changed},a\n", f"{changed},b\n")
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert file.stat().st_size == state.st_size
    after = pools(file)
    assert {e.target for e in after.test if e.inputs["x"] == changed} == {"b"}


def test_other_settings_read_again(file: Path, reads: list[str]) -> None:
    fewer = Split(caps={"train": 10, "validation": 3, "test": 5})
    assert len(pools(file).train) == 20
    assert len(pools(file, fewer).train) == 10
    renamed = Columns(inputs={"word": "x"}, targets=("y",), labels=COLUMNS.labels)
    assert set(pools(file, SPLIT, renamed).train[0].inputs) == {"word"}
    assert len(reads) == 3


def test_each_seed_is_stored_for_itself(file: Path, reads: list[str]) -> None:
    seeds = [Split(seed=seed, caps=SPLIT.caps) for seed in (0, 1, 0, 1)]
    found = [pools(file, split) for split in seeds]
    assert found[0] == found[2] != found[1] == found[3]
    assert reads == ["data.csv"] * 2


def test_a_deleted_split_is_drawn_anew(file: Path, reads: list[str]) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(lines(300, 300))
    whole = pools(file)
    memory = SplitMemory.of(file.parent / "splits", "task")
    assert memory.path is not None
    memory.path.unlink()
    assert pools(file) == whole
    assert reads == ["data.csv"] * 2


DAMAGE: dict[str, Callable[[str], str]] = {
    "empty": lambda text: text[:0],
    "torn": lambda text: text[:-9],
    "list": lambda text: f"[{text}]",
    "object": lambda text: '{"pools": {}}',
    "other text": lambda text: text.replace('"text ', '"test ', 1),
    "other number": lambda text: text.replace('"rows": 300', '"rows": 301', 1),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_store_is_not_believed(
    file: Path, reads: list[str], damage: Callable[[str], str]
) -> None:
    first = pools(file)
    path = stored_file(file)
    text = path.read_text("utf-8")
    assert damage(text) != text
    path.write_text(damage(text), encoding="utf-8")
    assert pools(file).test == first.test
    assert len(reads) == 2


def test_a_store_that_cannot_be_written_is_done_without(file: Path, reads: list[str]) -> None:
    (file.parent / "splits").mkdir()
    (file.parent / "splits" / "pools").write_text("", encoding="utf-8")
    assert pools(file).test == pools(file).test
    assert reads == ["data.csv"] * 2


def test_several_accepted_answers_come_back(file: Path) -> None:
    rows = [{"x": f"{i}", "y": ["USA", "U.S."]} for i in range(300)]
    path = file.with_suffix(".jsonl")
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    free = Columns(inputs={"x": "x"}, targets=("y",))
    assert pools(path, SPLIT, free) == pools(path, SPLIT, free)
    assert pools(path, SPLIT, free).train[0].targets == ("USA", "U.S.")


# --- what is said


def test_what_was_looked_at_only_in_the_sample_is_said(file: Path) -> None:
    said = " ".join(pools(file).notes)
    assert "inputs drawn by content; repeats and different targets were looked for among" in said
    assert "looked for among" not in " ".join(pools(file, Split(seed=3)).notes)


def test_reading_much_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(examples_module, "TOLD", 150)
    logger = logging.getLogger("apo")
    before = list(logger.handlers), logger.level
    try:
        listen()
        listen()  # Once is enough.
        pools(file)
    finally:
        logger.handlers[:], logger.level = before[0], before[1]
    err = capsys.readouterr().err
    assert err.count("Read 150 rows of data.") == err.count("Read 300 rows of data.") == 1


# --- Parquet


def test_only_the_wanted_columns_of_a_parquet_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = {" x": ["a"], "y.z": [7.0], "raw": [b"\xff"]}
    pq.write_table(pa.table(table), path)
    assert list(read_rows(path, wanted=["y.z", "x"])) == [{"x": "a", "y.z": "7"}]
    for wanted in ([], ["x", "gone"]):  # All, so that what is wrong can be said.
        assert list(read_rows(path, wanted=wanted)) == [
            {"x": "a", "y.z": "7", "raw": NoText("bytes")}
        ]


def test_a_column_of_parts_is_not_mixed_up_with_one_that_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [{"b": 1}], "a.b": ["text"]}), path)
    assert list(read_rows(path, wanted=["a.b"])) == [{"a.b": "text"}]
    assert list(read_rows(path, wanted=["a"])) == [{"a": '{"b": 1}'}]


def test_memory_does_not_grow_with_a_row_group(tmp_path: Path) -> None:
    path, random = tmp_path / "x.parquet", Random(0)
    texts = [random.randbytes(50).hex() for _ in range(100_000)]
    pq.write_table(pa.table({"x": texts}), path, compression="none", use_dictionary=False)
    del texts
    before = pa.total_allocated_bytes()
    rows = cast("Generator[Row]", read_rows(path, wanted=["x"]))
    next(rows)
    held = pa.total_allocated_bytes() - before
    rows.close()
    assert pq.ParquetFile(path).metadata.num_row_groups == 1
    assert held < 4_000_000 < path.stat().st_size


# --- ids


TEXTS = st.text(st.characters(exclude_categories=[]))  # Surrogates, too.


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(TEXTS, TEXTS), st.lists(TEXTS))
def test_the_quick_hash_of_texts_is_the_one_hash(inputs: dict[str, str], more: list[str]) -> None:
    assert text_hash(inputs) == content_hash(inputs)
    assert text_hash([inputs, tuple(more)]) == content_hash([inputs, tuple(more)])
