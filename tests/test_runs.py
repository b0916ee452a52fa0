"""Runs on disk: found by name, written whole, and damage is said in words."""

import errno
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from apo import Prompt, RunError
from apo.data.memory import SplitMemory
from apo.errors import JournalError
from apo.storage.folder import RunFolder, create_run, find_run, list_runs
from apo.storage.journal import Journal
from apo.storage.summary import candidates, summary
from apo.storage.versions import git_commit, versions


def run_of(home: Path, name: str, **settings: Any) -> RunFolder:
    folder = RunFolder(home / "runs" / name)
    folder.path.mkdir(parents=True)
    folder.update(**settings)
    return folder


def test_a_new_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = [create_run(tmp_path, "감정 분석", "ape", {"seed": 1}) for _ in range(5)]
    assert len({folder.id for folder in folders}) == 5
    assert folders[0].id.startswith("감정 분석-ape-")
    settings = folders[0].settings
    assert (settings["seed"], settings["state"], settings["id"]) == (1, "new", folders[0].id)
    assert settings["created"] <= settings["updated"]
    assert folders[0].result is None
    folders[0].set_state("running")
    assert folders[0].settings["state"] == "running"
    assert folders[0].settings["seed"] == 1


def test_a_home_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"Cannot make .*Not a directory"):
        create_run(tmp_path / "file", "t", "o", {})
    with pytest.raises(RunError, match="File name too long"):
        create_run(tmp_path, "t" * 300, "o", {})


def test_files_are_written_whole(tmp_path: Path) -> None:
    folder = run_of(tmp_path, "a")
    folder.write("x.json", {"text": "한 🙂 \ud83d {{x}}", "function": print})
    found = folder.read("x.json")
    assert found["text"] == "한 🙂 \ud83d {{x}}"
    assert "print" in found["function"]
    assert sorted(path.name for path in folder.path.iterdir()) == ["run.json", "x.json"]
    (folder.path / "y.json").mkdir()
    with pytest.raises(RunError, match="Cannot write"):
        folder.write("y.json", {})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"\xff\xfe", b"null"])
def test_a_damaged_file_is_said_in_words(content: bytes, tmp_path: Path) -> None:
    folder = run_of(tmp_path, "a")
    (folder.path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json"):
        _ = folder.settings


def test_missing_files(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "none")
    with pytest.raises(RunError, match="cannot be read"):
        folder.read("run.json")
    assert folder.result is None
    with pytest.raises(RunError):
        RunFolder(Path(__file__) / "x").open_journal()


def test_runs_are_found(tmp_path: Path) -> None:
    for place, name in enumerate(["mail-ape-aa11", "mail-opro-bb22", "news-ape-cc33"]):
        run_of(tmp_path, name, created=f"2026-01-0{place + 1}T00:00:00")
    assert [f.id[-4:] for f in list_runs(tmp_path)] == ["cc33", "bb22", "aa11"]
    assert find_run("last", tmp_path).id == "news-ape-cc33"
    assert find_run("mail-opro-bb22", tmp_path).id == "mail-opro-bb22"
    assert find_run("aa11", tmp_path).id == "mail-ape-aa11"
    assert find_run("news", tmp_path).id == "news-ape-cc33"
    with pytest.raises(RunError, match="'mail' fits several runs: mail-opro-bb22, mail-ape-aa11"):
        find_run("mail", tmp_path)
    with pytest.raises(RunError, match="Did you mean 'mail-opro-bb22'"):
        find_run("mail-opr-bb2", tmp_path)


def test_a_whole_id_beats_a_beginning(tmp_path: Path) -> None:
    run_of(tmp_path, "a-1")
    run_of(tmp_path, "a-12")
    assert find_run("a-1", tmp_path).id == "a-1"


def test_no_runs(tmp_path: Path) -> None:
    assert list(list_runs(tmp_path / "nothing")) == []
    for name in ("last", "x"):
        with pytest.raises(RunError, match=r"holds none\. Start one first"):
            find_run(name, tmp_path)


def test_one_damaged_run_does_not_hide_the_others(tmp_path: Path) -> None:
    run_of(tmp_path, "good", created="2026-01-01")
    (run_of(tmp_path, "bad").path / "run.json").write_text("{")
    assert [folder.id for folder in list_runs(tmp_path)] == ["good", "bad"]
    assert find_run("last", tmp_path).id == "good"
    assert find_run("good", tmp_path).settings["created"] == "2026-01-01"


# --- what a folder tells --------------------------------------------------------------------


SETTINGS = {
    "task": "t",
    "optimizer": {"name": "ape"},
    "model": "m",
    "optimizer_model": None,
    "state": "interrupted",
}


def test_a_run_that_has_not_begun(tmp_path: Path) -> None:
    folder = run_of(tmp_path, "a", **SETTINGS)
    found = summary(folder)
    assert (found["candidates"], found["seed_prompt"], found["best_prompt"]) == ([], None, None)
    assert found["spent"]["calls"] == 0
    assert (found["state"], found["verdict"], found["optimizer_model"]) == (
        "interrupted",
        None,
        "m",
    )


def note(journal: Journal, name: str, **evaluations: tuple[bool, int, float]) -> Prompt:
    prompt = Prompt(name)
    body: dict[str, Any] = {
        "operator": "seed" if name == "s" else "x",
        "parents": [],
        "prompt": prompt.to_dict(),
    }
    journal.note("candidate", prompt.id, body)
    for key, (whole, n, mean) in evaluations.items():
        error = n // 10  # The mean is of the others.
        figures = {"candidate": prompt.id, "whole": whole, "n": n, "value": mean, "error": error}
        figures["at_least"] = mean * (n - error) / max(1, n)
        figures |= {"right": 0, "wrong": 0, "malformed": 0, "tokens": 0, "calls": 0, "usd": None}
        journal.note("evaluation", f"{name} {key}", figures)
    return prompt


def test_a_run_that_is_under_way(tmp_path: Path) -> None:
    folder = run_of(tmp_path, "a", **{**SETTINGS, "state": "new"})
    with folder.open_journal() as journal:
        note(journal, "s", a=(True, 10, 0.4))
        note(journal, "parts", a=(False, 10, 0.8), b=(False, 30, 1.0), c=(False, 0, 0.0))
        note(journal, "none", a=(False, 0, 0.0))
        best = note(journal, "best", a=(False, 5, 1.0), b=(True, 10, 0.5), c=(False, 5, 0.0))
        note(journal, "new")
        found = summary(folder)  # While it is written.
    names = [row["prompt"]["instruction"] for row in found["candidates"]]
    assert names == ["best", "s", "parts", "none", "new"]
    parts = found["candidates"][2]
    assert (parts["n"], parts["value"], parts["whole"]) == (36, pytest.approx(0.95), False)
    assert found["candidates"][3]["n"] == 0
    assert found["best_prompt"] == best.to_dict()
    assert found["validation"] == {"seed": 0.4, "best": 0.5}
    assert json.loads(json.dumps(found)) == found


def test_a_damaged_journal_is_said_in_words(tmp_path: Path) -> None:
    folder = run_of(tmp_path, "a", **SETTINGS)
    folder.journal_path.write_bytes(b"no database" * 1000)
    with pytest.raises(JournalError, match="damaged"):
        candidates(folder)


# --- versions -------------------------------------------------------------------------------


def test_versions() -> None:
    found = versions()
    assert {"python", "apo", "mlflow", "scipy"} <= set(found)
    assert all(found.values())


def test_no_commit_outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit() is None
    monkeypatch.setenv("PATH", "")
    assert git_commit() is None


@pytest.mark.parametrize("held", [True, False])
def test_the_state_of_a_run_that_may_only_be_read(
    held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = create_run(tmp_path, "task", "opt", {})
    folder.set_state("running")
    holder = FileLock(f"{folder.journal_path}.lock")
    with holder if held else nullcontext():

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(FileLock, "acquire", refuse)
        assert folder.state == ("running" if held else "interrupted")
        monkeypatch.undo()


def test_a_split_that_is_as_remembered_is_not_written_again(tmp_path: Path) -> None:
    memory = SplitMemory.of(tmp_path, "task")
    memory.write(1, {"a": "train"})
    (tmp_path / "task.json").chmod(0o444)
    before = (tmp_path / "task.json").stat().st_ino
    memory.write(1, {"a": "train"})
    assert (tmp_path / "task.json").stat().st_ino == before
    memory.write(1, {"a": "test"})
    assert memory.read(1) == {"a": "test"}
