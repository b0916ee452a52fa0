"""Every command as its output is read: by a program in a pipe, and by a person at 80 columns."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from typer.testing import Result

from apo.cli import app, main
from apo.cli.console import notes, print_json, results, tell, write_document
from apo.display.figures import percent
from apo.errors import SettingsError
from apo.language.catalogue import use
from apo.storage.lineage import short_ids
from tests.commands import CALLS, CODES, COMMANDS, RUNNER, Place, stay

pytestmark = pytest.mark.slow  # Whole commands, and most of them ask models.
OPTIONS = {
    name: {option for p in command.params for option in p.opts}
    for name, command in COMMANDS.items()
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place.made(tmp_path_factory.mktemp("place"))


@pytest.fixture
def apo(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command with its arguments, and more."""
    monkeypatch.chdir(place.path)
    monkeypatch.setattr(os, "execve", stay)  # What the server writes is its own.

    def run(name: str, *more: str) -> Result:
        done = place.invoke(name, *more)
        assert done.exit_code == CODES[name], (done.output, done.exception)
        return done

    return run


def test_every_command_is_looked_at() -> None:
    assert set(CALLS) == set(COMMANDS), "each command has a line in CALLS of tests/commands.py"


def test_a_narrow_table_of_a_comparison_says_what_it_leaves_out(
    apo: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_width", 80)
    monkeypatch.setattr(results, "_force_terminal", True)
    done = apo("compare")
    told = " ".join(done.stderr.split())
    assert "Not shown here: 95 %, " in told
    assert "table.md of the report and --csv have them." in told


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_gets_the_result_and_nothing_else(name: str, apo: Callable[..., Result]) -> None:
    done = apo(name)
    assert CALLS[name][1] in done.stdout
    assert bool(done.stdout) == (name != "ui")
    assert "Not shown here" not in done.stderr
    assert not re.search(r"\x1b|[╭╮╰╯┃┏┓└┘┌┐]|[ \t]$", done.stdout, re.MULTILINE)
    for note in ("Go on with:", "Look closer:", "Next: ", " · searching", " · measuring", "Start"):
        assert note not in done.stdout


@pytest.mark.parametrize("name", [n for n in COMMANDS if "--json" in OPTIONS[n]])
def test_json_is_one_document(name: str, apo: Callable[..., Result]) -> None:
    assert json.loads(apo(name, "--json").stdout)


@pytest.mark.parametrize("name", [n for n in COMMANDS if "--csv" in OPTIONS[n]])
def test_csv_is_one_table(name: str, apo: Callable[..., Result]) -> None:
    header, *lines = csv.reader(io.StringIO(apo(name, "--csv").stdout))
    assert len(header) > 1
    assert lines
    assert {len(line) for line in lines} == {len(header)}


@pytest.mark.parametrize("part", ["--flips", "--front", "--lineage", "--example"])
def test_each_part_of_a_run_is_a_table(part: str, apo: Callable[..., Result], place: Place) -> None:
    more = [part]
    if part == "--example":
        pairs = place.home / "runs" / place.run_id / "test.jsonl"
        more.append(json.loads(pairs.read_text("utf-8").splitlines()[0])["id"])
    header, *lines = csv.reader(io.StringIO(apo("show", *more, "--csv").stdout))
    assert {len(line) for line in lines} == {len(header)}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--json", "--csv"], "not both"),
        (["--flips", "--front", "--csv"], "one of flips, front"),
        (["--flips", "--lineage", "--csv"], "one of flips, lineage"),
    ],
)
def test_two_forms_or_tables_at_once_are_refused(
    more: list[str], words: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.path)
    done = RUNNER.invoke(app, [*place.arguments("show"), *more])
    assert isinstance(done.exception, SettingsError)
    assert words in str(done.exception)
    assert done.stdout == ""


def test_a_full_disk_is_told(place: Place) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "apo", "runs"],
            cwd=place.path,
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == 1
    assert done.stderr == b"error: Cannot write to standard output: No space left on device.\n"


def test_a_character_that_the_encoding_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open("ascii", "w", encoding="ascii") as poor:
        monkeypatch.setattr(sys, "stdout", poor)
        tell("문의")
        print_json("문의")
        with pytest.raises(SettingsError, match="PYTHONIOENCODING=utf-8"):
            write_document("문의")
    spelt = "\\ubb38\\uc758"
    assert Path("ascii").read_text("ascii") == f'{spelt}\n"{spelt}"\n'


@pytest.mark.parametrize("name", [n for n in COMMANDS if n != "export"])
def test_a_terminal_of_80_columns_holds_each_line(
    name: str, apo: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    for console in (results, notes):
        monkeypatch.setattr(console, "_width", 80)
        monkeypatch.setattr(console, "_force_terminal", True)
    done = apo(name)
    assert max(map(cell_len, done.stdout.splitlines()), default=0) <= 80


def test_an_id_is_never_cut(
    place: Place, apo: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_width", 40)
    monkeypatch.setattr(results, "_force_terminal", True)
    done = apo("runs")
    assert place.run_id in done.stdout
    assert "Not shown here: calls, started, seed, state, outcome." in done.stderr
    front = json.loads(apo("show", "--front", "--json").stdout)["front"]["candidates"]
    done = apo("show", "--front")
    assert all(one["id"] in done.stdout for one in front if one["front"])
    assert "Not shown here: latency" in done.stderr


@pytest.mark.parametrize("language", ["en", "ko"])
def test_candidates_keep_ids_and_scores_on_a_narrow_terminal(
    language: str, place: Place, apo: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = json.loads(apo("show", "--json").stdout)["candidates"]
    short = short_ids([one["id"] for one in shown])
    monkeypatch.setattr(results, "_width", 40)
    monkeypatch.setattr(results, "_force_terminal", True)
    use(language)
    try:
        done = apo("show")
    finally:
        use("")
    for one in shown[:10]:
        assert re.search(
            rf"^[ *!]  {short[one['id']]} +{percent(one['value'])} ", done.stdout, re.M
        )
    assert max(map(cell_len, done.stdout.splitlines())) <= 40
    assert ("Not shown here: length" if language == "en" else "여기에 없는 열: 길이") in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_goes_ends_a_command_quietly(
    name: str, place: Place, apo: object, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("APO_TRUST", "1")  # `apo trust` takes it away.
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(sys, "argv", ["apo", *place.arguments(name)])
    with open(writer, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == CODES[name]
    assert "error" not in capsys.readouterr().err
