"""Files in folders of others: nothing of them runs, leads elsewhere, hangs or fills the memory."""

import asyncio
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from apo import files
from apo.calls.purse import Purse
from apo.compare.flag import Flag
from apo.compare.workers import Processes
from apo.data.rows import read_rows
from apo.errors import ApoError, DataError, JournalError, RunError
from apo.models.batches.log import BatchLog, Sent
from apo.results.flips import read_pairs
from apo.scorers.awaited import Question
from apo.scorers.pool import PooledScorer
from apo.scorers.registry import make_scorer
from apo.storage.folder import RunFolder, create_run, list_runs
from apo.storage.journal import Journal
from apo.storage.rows import open_for_reading
from apo.storage.versions import git_commit
from apo.task import Example
from apo.taskfile.load import load_task

# --- git ------------------------------------------------------------------------------------


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("trap", ["fsmonitor", "filter", "gitdir"])
def test_nothing_that_a_repository_configures_runs(
    trap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, trace = tmp_path / "work", tmp_path / "TRACE"
    folder.mkdir()
    _git(folder, "init", "-q")
    (folder / "rows.csv").write_text("a\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "m")
    commit = _git(folder, "rev-parse", "HEAD")
    evil = folder / ".git" / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {trace}\ncat\n")
    evil.chmod(0o755)
    with (folder / ".git" / "config").open("a") as config:
        if trap == "filter":
            config.write(f'[filter "x"]\n clean = {evil}\n')
        else:
            config.write(f"[core]\n fsmonitor = {evil}\n")
    (folder / ".git" / "info" / "attributes").write_text("* filter=x\n")
    if trap == "gitdir":
        (folder / ".git").rename(folder / "hidden")
        evil = folder / "hidden" / "evil.sh"
        (folder / ".git").write_text("gitdir: hidden\n")
        settings = folder / "hidden" / "config"
        settings.write_text(settings.read_text().replace(".git/evil.sh", "hidden/evil.sh"))
    (folder / "rows.csv").write_text("b\n")
    monkeypatch.chdir(folder)
    assert git_commit() == commit
    assert not trace.exists()
    _git(folder, "status")  # The trap is one.
    assert trace.exists()


# --- modules of the working directory ---------------------------------------------------------

SAFE_PATH = """
import os
def score(output, example):
    return float("PYTHONSAFEPATH" not in os.environ)
"""


@pytest.fixture(name="trace")
def _trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with modules that leave a trace when they are imported."""
    strange, trace = tmp_path / "strange", tmp_path / "TRACE"
    strange.mkdir()
    for module in ("multiprocessing", "apo", "json", "threading"):
        (strange / f"{module}.py").write_text(f"open({str(trace)!r}, 'w').close()\n1/0")
    monkeypatch.chdir(strange)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return trace


def test_workers_of_a_scorer_import_nothing_from_the_working_directory(
    trace: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(SAFE_PATH)
    scorer = make_scorer({"name": "mine.py:score", "workers": 1}, folder=tmp_path)
    assert isinstance(scorer, PooledScorer)
    with scorer.opened():
        score = asyncio.run(scorer.score("a", Example({"input": "x"}, ("a",)), _nobody))
    assert score.value == 1.0  # What a user's Python starts there is as it would be elsewhere.
    assert not trace.exists()
    assert "PYTHONSAFEPATH" not in os.environ


async def _nobody(questions: Sequence[Question]) -> list[str]:
    raise AssertionError("this scorer asks no model")


def test_workers_of_a_comparison_import_nothing_from_the_working_directory(
    trace: Path, tmp_path: Path
) -> None:
    workers = Processes(tmp_path, Flag.of(tmp_path), 1)
    try:
        error = workers.submit(cast("Any", None)).exception()
    finally:
        workers.close()
    assert error is None  # A worker was there, and saw that the flag is down.
    assert not trace.exists()


# --- links ----------------------------------------------------------------------------------


@pytest.fixture(name="mine")
def _mine(tmp_path: Path) -> Path:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    return mine


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / ".apo", "t", "ape", {})


@pytest.mark.parametrize("name", ["run.json", "result.json", "mlflow.json"])
def test_what_is_written_lies_in_the_folder(name: str, folder: RunFolder, mine: Path) -> None:
    for link in (f"{name}.part", name):
        (folder.path / link).unlink(missing_ok=True)
        (folder.path / link).symlink_to(mine)
    folder.write(name, {"a": 1})
    assert mine.read_text() == "mine"
    assert folder.read(name) == {"a": 1}
    assert not (folder.path / name).is_symlink()


def test_the_owner_of_a_journal_is_written_over_no_file(folder: RunFolder, mine: Path) -> None:
    owner = folder.path / "journal.db.owner"
    owner.symlink_to(mine)
    with folder.open_journal():
        assert owner.read_text().startswith("process ")
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal", "journal.db-journal"])
def test_a_journal_that_is_a_link_is_not_written(
    name: str, folder: RunFolder, tmp_path: Path
) -> None:
    target = tmp_path / "elsewhere"
    (folder.path / name).symlink_to(target)
    with pytest.raises(JournalError, match="it is a link, and apo writes to no file"):
        folder.open_journal()
    assert not target.exists()
    assert not folder.in_use()


def test_answers_of_other_runs_that_are_a_link_are_not_written(tmp_path: Path) -> None:
    (tmp_path / "answers.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match=r"answers.db cannot be used: it is a link"):
        Journal(tmp_path / "journal.db", tmp_path / "answers.db")
    assert not (tmp_path / "elsewhere").exists()


def test_a_journal_is_not_read_beside_links(folder: RunFolder, mine: Path) -> None:
    folder.open_journal().close()
    (folder.path / "journal.db-shm").symlink_to(mine)
    with pytest.raises(JournalError, match="it is a link"):
        open_for_reading(folder.journal_path)
    assert mine.read_text() == "mine"


def test_a_lock_that_is_a_link_ends_in_words(folder: RunFolder, mine: Path) -> None:
    folder.update(state="running")
    (folder.path / "journal.db.lock").symlink_to(mine)
    with pytest.raises(JournalError, match="cannot be used: Too many levels of symbolic links"):
        folder.open_journal()
    with pytest.raises(RunError, match=r"journal\.db\.lock is a link"):
        _ = folder.state


def test_other_files_of_apo_lie_where_they_are(tmp_path: Path, mine: Path) -> None:
    flag = Flag.of(tmp_path)
    flag.path.symlink_to(mine)
    with flag.up():
        assert flag.is_up()
    batches = tmp_path / "batches.jsonl"
    batches.symlink_to(mine)
    with pytest.raises(RunError, match="it is a link"):
        BatchLog(batches).intend(Sent(ids=["a"], token="t"))
    purse = tmp_path / "purse.db"
    purse.with_name("purse.db-journal").symlink_to(mine)
    with pytest.raises(RunError, match="it is a link"):
        Purse.fill(purse, 1, None, {})
    assert mine.read_text() == "mine"


def test_a_file_that_cannot_be_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        files.write_whole(path, "\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("name", [".", "/", ".."])
def test_a_folder_in_the_place_of_a_file_is_told(name: str) -> None:
    with pytest.raises(IsADirectoryError):
        files.write_out(Path(name), "text")


# --- pipes, and files without an end ----------------------------------------------------------


def _task(folder: Path, **keys: object) -> Path:
    (folder / "d.csv").write_text("text,label\n" + "".join(f"t{i},a\n" for i in range(40)))
    given = {"inputs": "text", "target": "label", "data": "d.csv", **keys}
    (folder / "task.yaml").write_text(json.dumps(given))
    return folder


def _bad(path: Path, kind: str) -> None:
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
        os.truncate(path, 2**34)  # Takes no room on the disk.


@pytest.mark.parametrize("kind", ["pipe", "long"])
@pytest.mark.parametrize("name", ["task.yaml", "p.txt", "s.json", "d.json"])
def test_a_task_with_a_file_that_does_not_end_is_refused(
    name: str, kind: str, tmp_path: Path
) -> None:
    keys: dict[str, dict[str, object]] = {
        "p.txt": {"prompt_file": "p.txt"},
        "s.json": {"prompt": "Say.", "scorer": {"name": "json_schema", "schema": "s.json"}},
        "d.json": {"prompt": "Say.", "data": "d.json"},
    }
    _task(tmp_path, **keys.get(name, {}))
    _bad(tmp_path / name, kind)
    with pytest.raises(ApoError, match=name):
        load_task(tmp_path)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_line_without_an_end_is_refused(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"d.{ending}"
    path.write_text("text,label\na,b\n" if ending == "csv" else '{"text": "a"}\n')
    os.truncate(path, 2**34)
    with pytest.raises(DataError, match=r"line [23]"):
        list(read_rows(path))
    monkeypatch.setattr("apo.data.text.LINE", 1000)
    path.write_text(("text,label\n" if ending == "csv" else "") + "a" * 1001)
    with pytest.raises(DataError, match="characters long"):
        list(read_rows(path))


@pytest.mark.parametrize("kind", ["pipe", "long"])
@pytest.mark.parametrize("name", ["run.json", "result.json", "mlflow.json"])
def test_a_file_of_a_run_that_does_not_end_is_refused(
    name: str, kind: str, folder: RunFolder
) -> None:
    _bad(folder.path / name, kind)
    said = "it is a pipe or a device" if kind == "pipe" else "it is 16,384 MB long"
    with pytest.raises(RunError, match=said):
        folder.read(name)
    other = create_run(folder.path.parents[1], "t", "ape", {})
    assert {run.id for run in list_runs(folder.path.parents[1])} == {folder.id, other.id}


def test_a_journal_or_answers_that_are_a_pipe_are_refused(folder: RunFolder) -> None:
    for name in ("journal.db", "test.jsonl"):
        os.mkfifo(folder.path / name)
    with pytest.raises(JournalError, match="it is a pipe"):
        open_for_reading(folder.journal_path)
    with pytest.raises(JournalError, match="it is a pipe"):
        folder.open_journal()
    with pytest.raises(RunError, match="it is a pipe"):
        read_pairs(folder)
