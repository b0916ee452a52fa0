"""Every command where nothing can be written, and where things have odd names."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apo.cli import app
from apo.cli.console import typed
from apo.compare.settings import read_experiment
from apo.errors import SettingsError
from apo.storage.folder import find_run
from apo.taskfile.settings import task_name
from tests.commands import CALLS, CODES, COMMANDS, RUNNER, Place, main, stay

pytestmark = pytest.mark.slow  # Whole commands, and most of them ask models.
ROOT = Path(__file__).parents[1]
WRITERS = {
    "init": ("TaskError", "cannot be written"),
    "estimate": ("RunError", "give a folder that can be written"),
    "optimize": ("RunError", "give a folder that can be written"),
    "resume": ("JournalError", "cannot be used: "),
    "compare": ("RunError", "give a folder that can be written"),
    "report": ("SettingsError", "Give another file with --out."),
    "suggest": ("RunError", "suggestions.jsonl: "),
    "feedback": ("DataError", "feedback.jsonl cannot be written"),
    "improve": ("TaskError", "own cannot be written"),
}
"""What cannot work where nothing can be written, and how it is told."""
NOTES = {
    "evaluate": "The answers are not kept, as .apo cannot be written",
    "transfer": "transfer.json: ",
    "judge": "What was found is told here, and not kept.",
}


def namespace() -> list[str]:
    """What makes a folder read-only for root as well; without it root writes anywhere."""
    bwrap = shutil.which("bwrap")
    command = [bwrap or "", "--dev-bind", "/", "/"]
    works = bwrap and subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if works else []


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place.made(tmp_path_factory.mktemp("plain"))
    (place.path / "fresh").mkdir()
    shutil.rmtree(place.home / "splits")
    return place


@pytest.fixture(scope="module")
def told(plain: Place) -> Generator[dict[str, Any]]:
    """What every command said in a folder that may only be read."""
    command = namespace()
    if os.geteuid() == 0 and not command:
        pytest.skip("root can write anywhere, and bubblewrap does not work here")
    if os.geteuid() == 0:
        command += ["--ro-bind", str(plain.path), str(plain.path)]
        command += [sys.executable, "-m", "tests.commands", str(plain.path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        yield json.loads(done.stdout)
        return
    folders = [plain.path, *(path for path in plain.path.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield main(str(plain.path))
    finally:
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_may_only_be_read(name: str, told: dict[str, Any]) -> None:
    code, out, err, kind, text = told[name]
    if name in WRITERS:
        assert (kind, out) == (WRITERS[name][0], "")
        assert WRITERS[name][1] in text
        return
    assert code == CODES[name], (err, text)
    assert kind in (None, "SystemExit")
    assert CALLS[name][1] in out
    assert NOTES.get(name, "") in err


ODD = """-it's #1: 한글 "%s" {x}[red]?"""


def test_every_command_takes_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execve", stay)
    place = Place(tmp_path, ODD)
    place.make()
    for command, (_, words) in CALLS.items():
        done = place.invoke(command)
        assert done.exit_code == CODES[command], (command, done.output, done.exception)
        assert words in done.stdout


def test_a_run_is_used_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    place = Place(tmp_path / "here", "my task")
    place.make()
    run = place.run_id
    monkeypatch.chdir(tmp_path / "there")
    asking = CliRunner(env={"APO_HOME": str(place.home), "APO_TRUST": None})
    for more in (["transfer", run, "-m", "embedded"], ["audit", run, "--max-calls", "30"]):
        done = asking.invoke(app, more)
        assert done.exit_code == 0, (done.output, done.exception)
    find_run(run, place.home).update(cwd=str(tmp_path / "nowhere"))
    done = asking.invoke(app, ["transfer", run, "-m", "embedded"])
    assert "there/my task" in str(done.exception)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my grid.yaml", "my-grid"), ("-grid.yaml", "grid"), ("it's #2.yaml", "it-s-2"),
        ("한글 그리드.yaml", "한글-그리드"), ("#.yaml", "comparison"),
        (f"{'x' * 99}.yaml", "x" * 60),
    ],
)  # fmt: skip
def test_a_comparison_is_called_like_its_file(file: str, name: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text("tasks: [t]\n", "utf-8")
    assert read_experiment(tmp_path / file)["name"] == name


def test_a_name_that_cannot_be_a_folder_is_told_in_words() -> None:
    done = RUNNER.invoke(app, ["compare", "-t", "x", "-o", "opro", "--name", "my grid"])
    assert isinstance(done.exception, SettingsError)
    assert "at most 60 letters, digits" in str(done.exception)
    assert "\\w" not in str(done.exception)


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("it's #1", "it-s -1"),
        ("-dash", "dash"),
        ("😀", "task"),
        ("한글 폴더", "한글 폴더"),
        ("", "task"),
    ],
)
def test_a_task_is_called_like_its_folder(called: str, name: str) -> None:
    assert task_name(called) == name


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("a/b", "a/b"),
        ("my task", "'my task'"),
        ("문의", "문의"),
        ("-x", "./-x"),
        ("-x y", "'./-x y'"),
    ],
)
def test_a_path_is_told_as_one_types_it(path: str, word: str) -> None:
    assert typed(path) == word


@pytest.mark.parametrize("command", ["runs", "check", "compare", "evaluate"])
def test_a_home_that_is_a_file(command: str, plain: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plain.path)
    monkeypatch.setenv("APO_HOME", "")  # What --home sets for the process ends with the test.
    done = RUNNER.invoke(app, ["--home", "my.csv", *plain.arguments(command)])
    assert isinstance(done.exception, SettingsError)
    assert "my.csv is a file" in str(done.exception)


@pytest.mark.parametrize("command", ["tasks", "check", "optimize", "compare", "runs"])
def test_a_working_directory_that_was_deleted_is_told(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    given = {"check": ["support-tickets"], "optimize": ["support-tickets"], "compare": ["g.yaml"]}
    said = RUNNER.invoke(app, [command, *given.get(command, [])]).exception
    assert isinstance(said, SettingsError)
    assert "The working directory is not there any more." in str(said)
