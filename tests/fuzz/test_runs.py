"""A run's folder of any content is told of, or ends as an error that names the file."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo import Budget, Options, optimize
from apo.cli.export import export
from apo.cli.look import runs, show
from apo.errors import JournalError, RunError
from apo.storage.folder import RunFolder, find_run, list_runs
from apo.storage.journal import Journal
from apo.storage.record import Record
from apo.storage.rows import Entry, open_for_reading, read_events
from apo.storage.summary import summary
from tests.fuzz.hostile import damaged, fuzzed, fuzzed_slowly, json_values, texts, told


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that came to its end."""
    home = tmp_path_factory.mktemp("whole") / ".apo"
    result = optimize(
        "support-tickets",
        "random-search",
        budget=Budget(max_calls=120),
        home=home,
        options=Options(track=False),
    )
    return find_run(result.run_id, home)


@pytest.fixture
def folder(whole: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A copy of it to damage, in a home of its own."""
    path = tmp_path / "runs" / whole.id
    shutil.copytree(whole.path, path)
    monkeypatch.setenv("APO_HOME", str(tmp_path))
    return RunFolder(path)


def _look(folder: RunFolder, *names: str) -> None:
    """Do what people do with a run; each may fail by itself."""
    home = folder.path.parent.parent
    works: list[Callable[[], Any]] = [
        lambda: summary(folder),
        lambda: show(folder.id),
        lambda: show(folder.id, json=True),
        lambda: export(folder.id, best=True),
        lambda: [found.id for found in list_runs(home)],
        lambda: runs(),
        lambda: runs(json=True),
    ]
    for work in works:
        told(work, *names)


@pytest.mark.parametrize("name", ["run.json", "result.json"])
def test_a_damaged_file_of_a_run_is_told_of(name: str, folder: RunFolder) -> None:
    path = folder.path / name
    good = path.read_bytes()

    @fuzzed_slowly
    @given(damaged(good))
    def check(data: bytes) -> None:
        path.write_bytes(data)
        _look(folder)

    check()


@pytest.mark.parametrize("name", ["run.json", "result.json"])
def test_a_file_of_a_run_with_other_values_is_told_of(name: str, folder: RunFolder) -> None:
    path = folder.path / name
    good: dict[str, Any] = json.loads(path.read_text())

    @fuzzed_slowly
    @given(st.sampled_from(sorted(good)), json_values | st.just(...))
    def check(key: str, value: Any) -> None:
        changed = {k: v for k, v in good.items() if k != key}
        path.write_text(json.dumps(changed if value is ... else {**changed, key: value}))
        _look(folder)

    check()


def test_a_journal_with_damaged_bytes_is_read_or_told_of(folder: RunFolder) -> None:
    path = folder.journal_path
    good = path.read_bytes()

    @fuzzed_slowly
    @given(damaged(good), st.booleans())
    def check(data: bytes, beginning: bool) -> None:
        path.write_bytes(data if not beginning else damage_head(data))
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        told(lambda: summary(folder))
        told(lambda: _record(folder))

    def damage_head(data: bytes) -> bytes:
        return data[:16] + bytes(b ^ 0xFF for b in data[16:60]) + data[60:]

    check()


def _record(folder: RunFolder) -> Record:
    record = Record()
    with closing(open_for_reading(folder.journal_path)) as journal:
        record.read(journal)
    return record


cells = st.none() | st.integers(-(2**60), 2**60) | st.floats() | st.binary(max_size=9) | texts


@pytest.mark.parametrize("kind", ["candidate", "evaluation", "refused", "lost"])
def test_an_event_of_any_body_is_told_of(kind: str, folder: RunFolder) -> None:
    with closing(sqlite3.connect(folder.journal_path)) as db:
        row = db.execute("SELECT body FROM events WHERE kind = ? LIMIT 1", (kind,)).fetchone()
    good: dict[str, Any] = json.loads(row[0]) if row else {"tokens": 3, "usd": 0.1}
    swapped = st.tuples(st.sampled_from(sorted(good)), json_values).map(
        lambda pair: json.dumps({**good, pair[0]: pair[1]})
    )
    bodies = cells | json_values.map(json.dumps) | damaged(json.dumps(good).encode()) | swapped

    @fuzzed_slowly
    @given(bodies)
    def check(body: Any) -> None:
        if isinstance(body, str):
            body = body.encode("utf-8", "replace").decode()
        with closing(sqlite3.connect(folder.journal_path)) as db, db:
            db.execute("DELETE FROM events WHERE key = 'x'")
            db.execute("INSERT INTO events (kind, key, body) VALUES (?, 'x', ?)", (kind, body))
        told(lambda: summary(folder))
        told(lambda: _record(folder))
        told(lambda: _lost(folder.journal_path))

    check()


def _lost(path: Path) -> tuple[int, float]:
    with Journal(path) as journal:  # It checks its bytes.
        return journal.lost()


@fuzzed
@given(st.lists(cells, min_size=16, max_size=16))
def test_a_call_that_apo_did_not_write_is_told_of(
    tmp_path_factory: pytest.TempPathFactory, row: list[Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "calls.db"
    if not path.exists():
        Journal(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        columns = [name for _, name, *_ in db.execute("PRAGMA table_info(calls)")][1:]
        db.execute("INSERT OR REPLACE INTO calls (key) VALUES ('k')")
        for column, value in zip(columns, row, strict=False):
            clean = value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
            db.execute(f"UPDATE calls SET {column} = ?", (clean,))
    with pytest.raises(JournalError):
        Journal(path)


@fuzzed
@given(st.dictionaries(texts, json_values, max_size=3), texts)
def test_what_a_journal_takes_it_gives_back(body: dict[str, Any], request: str) -> None:
    with Journal() as journal:
        journal.note("other", "k", body)
        journal.add(Entry(key="k", role="task", model="m", request=request, reply="r"))
        (event,) = journal.events()
        assert json.dumps(event.body) == json.dumps(body)
        entry = journal.find("k")
        assert entry is not None
        assert entry.reply == "r"
        assert read_events is not None


names = texts | st.sampled_from(["..", ".", "/", "../x", "/etc", "\0", "a/../../b", "C:\\x", "~"])


@fuzzed
@given(names)
def test_a_runs_name_is_one_of_the_known_ones(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    home = tmp_path_factory.getbasetemp() / "names"
    outside = home / "x"
    for path in (home / "runs" / "a-b-1", home / "runs" / "a-c-2", outside):
        path.mkdir(parents=True, exist_ok=True)
        (path / "run.json").write_text("{}")
    try:
        found = find_run(name, home)
    except RunError:
        return
    assert found.path.parent == home / "runs"
