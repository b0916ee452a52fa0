"""The journal: what is written stays, one process writes, and damage is said in words."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import Usage
from apo.errors import ContentFilterError, ContextLengthError, JournalError
from apo.storage.journal import Journal
from apo.storage.rows import Entry, Event, open_for_reading, read_events
from apo.storage.tables import LATER
from apo.task import content_hash

PURE = settings(deadline=None, derandomize=True, max_examples=50)
ODD = "한국어 🙂 {{x}} %s \x00 \r\n ' \" \\ \u2028"


def entry(key: str, reply: str | None = "a", **values: Any) -> Entry:
    values.setdefault("at", 1.0)
    return Entry(key=key, role="task", model="m", reply=reply, **values)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


# --- what is written stays ------------------------------------------------------------------


def test_an_answer_comes_back_as_it_was_after_reopening(path: Path) -> None:
    full = Entry(
        key="k", role="optimizer", model=ODD, request=ODD, reply=ODD,
        usage=Usage(input_tokens=5, output_tokens=0, cached_tokens=3),
        truncated=True, retries=2, seconds=1.25, at=2.5, served="x [fp]",
        waited=0.5, bound=128,
    )  # fmt: skip
    with Journal(path) as journal:
        journal.add(full)
        assert journal.find("k") == full
        assert journal.find("other") is None
    with Journal(path) as journal:
        assert journal.find("k") == full


def test_a_journal_of_an_earlier_version_is_gone_on_with(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(entry("k", "yes")._replace(seconds=9.0))
    with sqlite3.connect(path) as old:
        for column in LATER:
            old.execute(f"ALTER TABLE calls DROP COLUMN {column}")
    old.close()
    with Journal(path) as journal:
        found = journal.find("k")
        assert found is not None
        assert (found.reply, found.seconds, found.waited, found.bound) == ("yes", 9.0, None, None)
        journal.add(entry("new")._replace(waited=0.25, bound=64))
        assert [took for _, took in journal.times()] == [9.0, 0.0]
    with Journal(path) as journal:
        again = journal.find("new")
        assert again is not None
        assert (again.waited, again.bound) == (0.25, 64)


def test_unknown_usage_stays_unknown(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(entry("k", ""))
    with Journal(path) as journal:
        found = journal.find("k")
    assert found is not None
    assert found == entry("k", "")
    assert found.usage.input_tokens is None


def test_the_first_answer_to_a_key_counts() -> None:
    with Journal() as journal:
        journal.add(entry("k", "first"))
        journal.add(entry("k", "second"))
        found = journal.find("k")
        assert found is not None
        assert found.reply == "first"


@pytest.mark.parametrize("kind", [ContentFilterError, ContextLengthError])
def test_refusals_for_good_are_made_anew(kind: type[Exception], path: Path) -> None:
    with Journal(path) as journal:
        journal.add(entry("k", None, error=f"{kind.__name__}: too: long 한국어"))
    with Journal(path) as journal:
        found = journal.find("k")
        assert found is not None
        error = found.failure()
    assert type(error) is kind
    assert str(error) == "too: long 한국어"


def test_events_stay_in_order_and_are_written_once(path: Path) -> None:
    with Journal(path) as journal:
        journal.note("first", "a", {"text": ODD})
        journal.note("second", "a", {"n": 1, "usd": None})
        journal.note("first", "a", {"text": "another"})
    with Journal(path) as journal:
        journal.note("second", "a", {"n": 2})
        journal.note("second", "b", {"n": 3})
        events = list(journal.events())
    assert [event[1:] for event in events] == [
        ("first", "a", {"text": ODD}),
        ("second", "a", {"n": 1, "usd": None}),
        ("second", "b", {"n": 3}),
    ]
    assert events == sorted(events)


def test_halves_of_characters_do_not_break_it() -> None:
    with Journal() as journal:
        journal.note("first", "a", {"text": "half \ud83d 한"})
        journal.add(entry("k", request="half \ud83d"))
        assert next(journal.events()).body == {"text": "half \ud83d 한"}
        found = journal.find("k")
        assert found is not None
        assert found.request == "half ?"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@PURE
@given(st.dictionaries(TEXT, TEXT), st.dictionaries(TEXT, TEXT | st.none() | st.floats(0, 1)))
def test_any_text_comes_back(replies: dict[str, str], body: dict[str, Any]) -> None:
    with Journal() as journal:
        kept = [entry(content_hash(key), reply, request=reply) for key, reply in replies.items()]
        for one in kept:
            journal.add(one)
        journal.note("x", "y", body)
        assert journal.find_all([*(one.key for one in kept), "?"]) == {e.key: e for e in kept}
        assert list(journal.events()) == [Event(1, "x", "y", body)]


def test_money_lost_in_all_sessions(path: Path) -> None:
    for session in range(3):
        with Journal(path) as journal:
            tokens, usd = journal.lost()
            assert tokens == 100 * session
            assert usd == pytest.approx(0.25 * session)
            journal.note("lost", f"k:{session}", {"usd": 0.25, "tokens": 100})
            journal.note("first", f"k:{session}", {})


def test_a_lost_call_of_no_whole_tokens_is_told(path: Path) -> None:
    with Journal(path) as journal:
        journal.note("lost", "k", {"usd": 0.25, "tokens": "100"})
        with pytest.raises(JournalError, match="a lost call"):
            journal.lost()


# --- time -----------------------------------------------------------------------------------


def test_earlier_seconds_are_those_of_the_sessions_before(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.earlier_seconds() == 0
    with sqlite3.connect(path) as db:
        db.execute("UPDATE sessions SET start = 100, last = 112.5")
        db.execute("INSERT INTO sessions (start, last) VALUES (200, 230), (500, 400)")
    db.close()
    with Journal(path) as journal:
        assert journal.earlier_seconds() == 42.5  # The clock went back in the last; it took none.
    with Journal(path) as journal:
        assert 42.5 <= journal.earlier_seconds() < 60


@pytest.mark.parametrize("day", [1000.0, 1000.0 - 7200, 1000.0 + 7200])
def test_a_killed_session_has_its_time_counted_whatever_the_clock_is_set_to(
    path: Path, monkeypatch: pytest.MonkeyPatch, day: float
) -> None:
    now, passed = [1000.0], [5.0]
    monkeypatch.setattr("apo.storage.journal.time.time", lambda: now[0])
    monkeypatch.setattr("apo.storage.journal.time.monotonic", lambda: passed[0])
    journal = Journal(path)
    now[0], passed[0] = day, 35.0
    journal.add(entry("k"))
    passed[0] = 45.0  # Nothing was written since: this is not known.
    with open_for_reading(path) as db:
        assert db.execute("SELECT start, last FROM sessions").fetchall() == [(1000.0, 1030.0)]
    db.close()
    journal.close()


# --- one writer -----------------------------------------------------------------------------


def test_a_second_writer_is_refused_and_told_who_holds_it(path: Path) -> None:
    with Journal(path):
        for _ in range(2):
            with pytest.raises(JournalError, match=f"in use by process {os.getpid()} on "):
                Journal(path)
    Journal(path).close()


def test_a_second_process_is_refused_until_the_first_is_killed(path: Path) -> None:
    holder = python(
        "import sys; from pathlib import Path; from apo.storage.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()",
        path,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    with pytest.raises(JournalError, match=f"in use by process {holder.pid} on "):
        Journal(path)
    kill(holder)
    Journal(path).close()


def test_a_reader_looks_on_while_it_is_written(path: Path) -> None:
    with Journal(path) as journal:
        reader = open_for_reading(path)
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        journal.note("x", "1", {})
        journal.note("x", "2", {})
        assert [event.key for event in read_events(reader)] == ["1", "2"]
        journal.note("x", "3", {})
        assert [event.key for event in read_events(reader, 2)] == ["3"]
        with pytest.raises(sqlite3.OperationalError):
            reader.execute("DELETE FROM events")
        reader.close()


def test_a_reader_needs_a_journal(path: Path) -> None:
    with pytest.raises(JournalError, match="There is no journal at"):
        open_for_reading(path)
    assert not path.exists()


@pytest.mark.parametrize("name", ["a#b", "a?mode=rw", "100%25", "한국어 폴더", "a'b"])
def test_any_folder_name_will_do(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "journal.db"
    path.parent.mkdir()
    with Journal(path) as journal:
        journal.note("x", "1", {})
    reader = open_for_reading(path)
    assert len(list(read_events(reader))) == 1
    reader.close()


# --- kill -9 --------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from apo.storage.journal import Journal
from apo.storage.rows import Entry

with Journal(Path(sys.argv[1])) as journal:
    for place in range(10**9):
        key = f"{sys.argv[2]}:{place}"
        journal.add(Entry(key=key, role="task", model="m", reply=key * 50, at=1.0))
        journal.note("x", key, {"text": key * 50})
        print(key, flush=True)
"""


def python(code: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(process: "subprocess.Popen[str]") -> str:
    process.kill()
    assert process.stdout is not None
    rest = process.stdout.read()  # Not communicate(), which passes over what is buffered.
    process.communicate()
    return rest


def test_kill_9_in_the_middle_of_writing_keeps_all_that_was_written(path: Path) -> None:
    promised: list[str] = []
    rng = random.Random(0)
    for session in range(3):
        process = python(WRITER, path, session)
        assert process.stdout is not None
        promised += [process.stdout.readline().strip() for _ in range(rng.randrange(1, 40))]
        rest = kill(process).splitlines(keepends=True)
        promised += [line.strip() for line in rest if line.endswith("\n")]
        with Journal(path) as journal:
            events = [event.key for event in journal.events()]
            assert events[: len(promised)] == promised[: len(events)]
            assert set(promised) <= set(events)
            for key in promised:
                assert journal.find(key) == entry(key, key * 50)
        promised = events


# --- damage ---------------------------------------------------------------------------------


def filled(path: Path) -> bytes:
    with Journal(path) as journal:
        for place in range(300):
            journal.add(entry(f"k{place:04}", "reply " * 50))
            journal.note("x", f"k{place:04}", {"text": "x" * 200})
    return path.read_bytes()


def use(path: Path) -> None:
    with Journal(path) as journal:
        for place in range(300):
            journal.find(f"k{place:04}")
        list(journal.events())
        journal.earlier_seconds()
        journal.lost()
        journal.add(entry("new"))


@pytest.mark.parametrize("size", [50, 100, 1000, 4096, 5000, 20_000, 100_000])
def test_a_truncated_database_is_said_in_words(size: int, path: Path) -> None:
    path.write_bytes(filled(path)[:size])
    with pytest.raises(JournalError, match="journal"):
        use(path)
    with FileLock(f"{path}.lock", timeout=0):
        pass  # Nobody holds it any more.


def test_a_database_that_is_none_is_said_in_words(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to have a header" * 100)
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(path)
    with pytest.raises(JournalError, match="damaged"):
        open_for_reading(path)


def test_overwritten_pages_are_said_in_words(path: Path) -> None:
    whole = filled(path)
    rng = random.Random(1)
    seen = 0
    for _ in range(20):
        start = rng.randrange(4096, len(whole) - 3000)
        path.write_bytes(whole[:start] + rng.randbytes(3000) + whole[start + 3000 :])
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        try:
            use(path)
        except JournalError:
            seen += 1
    assert seen


def test_a_folder_in_the_place_of_the_database(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(tmp_path)


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(tmp_path / "file" / "journal.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_leave_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(JournalError, match="cannot be used"):
            Journal(tmp_path / "journal.db")
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_said_in_words_and_lets_go_of_the_lock(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(entry("kept"))
        journal._db.execute("PRAGMA max_page_count = 1")  # pyright: ignore[reportPrivateUsage] (a disk that is full)
        words = r"cannot be written.*free the disk and resume"
        with pytest.raises(JournalError, match=words):
            journal.add(entry("long", "x" * 100_000))
    with Journal(path) as journal:
        assert journal.find("kept") == entry("kept")


# --- where nothing can be written -----------------------------------------------------------


def nothing_beside(path: Path) -> None:
    """Keep SQLite from making its file of shared memory, as a read-only disk does; for root too."""
    path.with_name(f"{path.name}-shm").mkdir()


def texts_of(path: Path) -> list[object]:
    with closing(open_for_reading(path)) as database:
        return [text for (text,) in database.execute("SELECT reply FROM calls ORDER BY key")]


def test_a_journal_on_a_read_only_disk_is_read(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(entry("k", "there"))
    nothing_beside(path)
    assert texts_of(path) == ["there"]


def test_so_is_one_that_a_killed_run_left_with_answers_beside_it(path: Path) -> None:
    there = path.parent / "there"
    there.mkdir()
    with Journal(path) as journal:
        journal.add(entry("k", "there"))
        journal.add(entry("l", "beside"))
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", there)
    assert (there / "journal.db-wal").stat().st_size > 0
    nothing_beside(there / "journal.db")
    assert texts_of(there / "journal.db") == ["there", "beside"]


def test_damage_is_told_there_too(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(entry("k", "there"))
    path.write_bytes(path.read_bytes()[:100] + b"x" * 9000)
    nothing_beside(path)
    with pytest.raises(JournalError, match="damaged"):
        texts_of(path)


def test_a_journal_that_may_not_be_read_is_not_called_damaged(path: Path) -> None:
    path.mkdir()
    with pytest.raises(JournalError, match=r"journal\.db cannot be read: Is a directory"):
        open_for_reading(path)
