"""Answers that runs leave each other: paid once, counted all the same, and never in the way."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from apo import Budget, Options, Price, Result, optimize
from apo.errors import JournalError
from apo.storage.journal import Journal
from apo.storage.rows import Entry
from apo.storage.tables import VERSION
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from apo.usage import Usage

PRICES = {"fake": Price(1.0, 2.0), "fake-optimizer": Price(3.0, 4.0)}


def run(home: Path, *, reuse: bool, seed: int = 0, calls: int = 300) -> tuple[Result, int]:
    """Run, and count the calls that were really made."""
    task_model, optimizer_model = FakeModel(), FakeOptimizerModel()
    result = optimize(
        fake_task(),
        "random-search",
        model=task_model,
        optimizer_model=optimizer_model,
        budget=Budget(max_calls=calls),
        options=Options(track=False, reuse=reuse, prices=PRICES, seed=seed),
        home=home,
    )
    return result, len(task_model.requests) + len(optimizer_model.requests)


def entry(key: str, error: str = "") -> Entry:
    usage = Usage(input_tokens=3, output_tokens=2, cached_tokens=1)
    return Entry(key=key, role="task", model="m", reply="x", error=error, usage=usage)


def test_a_second_run_pays_nothing_that_the_first_paid(tmp_path: Path) -> None:
    first, made = run(tmp_path, reuse=True)
    assert made == first.spent.calls
    assert (first.spent.reused_calls, first.spent.reused_usd) == (0, 0)

    second, made = run(tmp_path, reuse=True)
    assert made == 0
    assert second.best == first.best
    assert second.verdict == first.verdict
    assert second.spent.calls == second.spent.reused_calls == first.spent.calls
    assert second.spent.usd == pytest.approx(first.spent.usd)
    assert second.spent.reused_usd == pytest.approx(first.spent.usd)

    longer, made = run(tmp_path, reuse=True, calls=600)
    alone, alone_made = run(tmp_path / "elsewhere", reuse=False, calls=600)
    assert longer.best == alone.best
    assert made == alone_made - longer.spent.reused_calls
    assert longer.spent.reused_calls > 0


def test_without_reuse_nothing_is_left_and_nothing_taken(tmp_path: Path) -> None:
    run(tmp_path, reuse=False)
    assert not (tmp_path / "answers.db").exists()
    run(tmp_path, reuse=True)
    result, made = run(tmp_path, reuse=False)
    assert made == result.spent.calls
    assert result.spent.reused_calls == 0


def test_refusals_are_not_shared(tmp_path: Path) -> None:
    shared = tmp_path / "answers.db"
    with Journal(tmp_path / "a.db", shared) as journal:
        journal.add(entry("good"))
        journal.add(entry("bad", error="ContentFilterError: no"))
    with Journal(tmp_path / "b.db", shared) as journal:
        found = journal.find_all(["good", "bad"])
        assert {key: each.reused for key, each in found.items()} == {"good": True}
        assert found["good"].usage == entry("good").usage


def test_what_others_leave_in_the_middle_is_found_by_a_charge_alone(tmp_path: Path) -> None:
    """A charge counts what it finds; an answer found after it would be counted nowhere."""
    shared = tmp_path / "answers.db"
    with Journal(tmp_path / "a.db", shared) as journal:
        with Journal(tmp_path / "b.db", shared) as other:
            other.add(entry("k"))
        assert journal.find("k") is None
        assert journal.find_all(["k"])["k"].reused
        assert journal.find("k") is not None


def test_a_run_that_is_killed_leaves_its_answers_when_it_ends_later(tmp_path: Path) -> None:
    shared = tmp_path / "answers.db"
    with Journal(tmp_path / "a.db") as journal:
        journal.add(entry("k"))
    with Journal(tmp_path / "a.db", shared) as journal:
        found = journal.find("k")
        assert found is not None
        assert not found.reused
    with Journal(tmp_path / "b.db", shared) as journal:
        assert "k" in journal.find_all(["k"])


@pytest.mark.parametrize("damage", ["garbage", "version", "columns"])
def test_answers_that_cannot_be_used_are_named(tmp_path: Path, damage: str) -> None:
    shared = tmp_path / "answers.db"
    if damage == "garbage":
        shared.write_bytes(b"no database" * 1000)
    else:
        with closing(sqlite3.connect(shared)) as db:
            db.execute("CREATE TABLE calls (key TEXT)")
            db.execute(f"PRAGMA user_version = {VERSION if damage == 'columns' else 1}")
            db.commit()
    with (
        pytest.raises(JournalError, match=r"answers\.db cannot be used.*--reuse.*delete"),
        Journal(tmp_path / "a.db", shared) as journal,
    ):
        journal.find_all(["k"])
    with Journal(tmp_path / "a.db") as journal:  # Not locked, not damaged.
        assert journal.find_all(["k"]) == {}


@pytest.mark.parametrize("version", [0, 1, VERSION + 1])
def test_a_journal_of_another_version_is_not_gone_on_with(tmp_path: Path, version: int) -> None:
    path = tmp_path / "a.db"
    with Journal(path) as journal:
        journal.add(entry("k"))
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    for _ in range(2):  # The lock is free again.
        with pytest.raises(JournalError, match=rf"another version of apo \({version} "):
            Journal(path)


LEAVE = """
import sys
from pathlib import Path
from apo.storage.journal import Journal
from apo.storage.rows import Entry
home, name = Path(sys.argv[1]), sys.argv[2]
with Journal(home / f"{name}.db", home / "answers.db") as journal:
    print("open", flush=True)
    sys.stdin.readline()
    for i in range(200):
        key = f"{name if i % 2 else 'both'} {i}"
        journal.add(Entry(key=key, role="task", model="m", reply=name))
        journal.find_all([f"both {i}"])
"""


def test_processes_at_once_leave_all_their_answers(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", LEAVE, str(tmp_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in running:  # All have it open before one goes on.
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        process.communicate(timeout=60)
        assert process.returncode == 0
    keys = [f"{name} {i}" for name in names for i in range(1, 200, 2)]
    with Journal(tmp_path / "d.db", tmp_path / "answers.db") as journal:
        assert len(journal.find_all([*keys, *(f"both {i}" for i in range(0, 200, 2))])) == 400
