"""Folds as a user types them, on 60 Korean rows with the embedded model."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from apo.cli import app
from apo.errors import ApoError, RunError, SettingsError, TaskError
from apo.storage.folder import RunFolder, find_run
from apo.taskfile.folding import folds_hint, require_no_test

CUES = {
    "환불": ("돈을 돌려 주세요", "결제를 취소하고 싶어요", "두 번 결제됐어요"),
    "배송": ("택배가 아직 안 왔어요", "송장 번호를 알려 주세요", "언제 도착하나요"),
    "로그인": ("비밀번호를 잊었어요", "인증 문자가 안 와요", "계정이 잠겼어요"),
}
OPENINGS = ("안녕하세요", "급합니다 🙂", "어제 주문했는데", "앱에서 {{이름}}", "지난주부터")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run on folds."""
    place, rng = tmp_path_factory.mktemp("place"), random.Random(3)
    lines = [
        f"{rng.choice(OPENINGS)} {rng.choice(CUES[label])} {i}번,{label}"
        for i, label in enumerate([*CUES] * 20)
    ]
    (place / "data.csv").write_text("\n".join(["글,뜻", *lines]), encoding="utf-8")
    (place / "task.yaml").write_text(
        "name: 문의\nlanguage: ko\ninputs: [글]\ntarget: 뜻\nlabels: [환불, 배송, 로그인]\n"
        "data: data.csv\nprompt: 글을 읽고 뜻을 말하세요.\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        arguments = [".", "--folds", "5", "--max-calls", "900", "--no-track", "-o", "opro"]
        done = CliRunner().invoke(app, ["optimize", *arguments])
    assert done.exit_code == 0, done.exception
    (place / "told.txt").write_text(done.stdout, encoding="utf-8")
    return place


@pytest.fixture
def apo(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(place)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def folder(place: Path) -> RunFolder:
    (path,) = (place / ".apo" / "runs").glob("*-opro-folds-*")
    return RunFolder(path)


def error(result: Result) -> ApoError:
    assert isinstance(result.exception, ApoError), result.exception
    return result.exception


def test_the_report(place: Path) -> None:
    told = (place / "told.txt").read_text("utf-8")
    assert "on 60 rows in 5 folds" in told
    assert "The procedure was tested on all 60 rows; this prompt's own score was not." in told
    for i in range(1, 6):
        assert f"\nfold {i}    12 " in told
    assert "\nall       60 " in told
    assert "standard deviation" in told


def test_it_is_shown_and_listed_as_one_run(apo: Callable[..., Result], folder: RunFolder) -> None:
    listed = json.loads(apo("runs", "--json").stdout)
    assert [row["run_id"] for row in listed] == [folder.id]
    shown = apo("show", "last").stdout
    assert "The procedure was tested on all 60 rows" in shown
    assert "candidates" in shown
    document: dict[str, Any] = json.loads(apo("show", "last", "--json", "--flips").stdout)
    assert document["procedure"]["folds"] == 5
    assert document["flips"]["groups"][0]["n"] == 60
    assert document["spent"]["calls"] <= 900
    assert len(document["candidates"]) > 1


def test_export_says_what_was_tested(apo: Callable[..., Result], folder: RunFolder) -> None:
    result = folder.result
    assert result is not None
    assert result["outcome"]["kind"] == "no better than a constant"
    done = apo("export", folder.id, "--best", "--format", "json")
    assert json.loads(done.stdout)["instruction"] == result["best_prompt"]["instruction"]
    assert "this prompt's own score was not" in done.stderr
    assert "This is the seed prompt (no better than a constant)." in apo("export", folder.id).stderr


def test_resuming_a_finished_one_gives_its_result(
    apo: Callable[..., Result], folder: RunFolder
) -> None:
    before = folder.result
    done = apo("resume", "last", "--json")
    assert done.exit_code == 0, done.exception
    after = json.loads(done.stdout)
    assert before is not None
    assert {**after, "spent": before["spent"]} == before
    assert "parted" in str(error(apo("resume", "last", "--max-calls", "9000")))


def test_refused(apo: Callable[..., Result]) -> None:
    few = error(apo("optimize", ".", "--folds", "9", "--max-calls", "50"))
    assert isinstance(few, SettingsError)
    assert "9 folds are 10 runs, which share the 50 calls" in str(few)
    assert "--folds 30 or less" in str(error(apo("optimize", ".", "--folds", "31")))
    assert "at least 2" in str(error(apo("optimize", ".", "--folds", "-1")))
    assert "leave --folds out" in str(error(apo("estimate", ".", "--folds", "5")))


def test_few_rows_are_told_of_folds(
    apo: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--folds 5" in apo("check", ".").stdout
    monkeypatch.setenv("APO_HOME", str(tmp_path))
    none = apo("optimize", ".", "--max-calls", "23", "--no-track", "-o", "opro")
    assert none.exit_code == 0, none.exception
    assert "apo optimize --folds 5 tests all rows" in none.stderr
    said = find_run("last", tmp_path).settings["data"]
    assert said["validation"] + said["test"] < sum(said["of"])
    assert f"With {said['train'] + sum(said['of'])} rows in all, " in none.stderr
    assert "--folds" not in apo("check", "support-tickets").stdout


def test_folds_are_named_with_what_stands_against_them(place: Path, tmp_path: Path) -> None:
    """A task that sets its pools is told what to change, as it would be refused."""
    text = (place / "task.yaml").read_text("utf-8").replace("data: data.csv", "data: {data}")
    hints = {
        "data.csv": "tests all rows.",
        "{train: data.csv, test: data.csv}": "are put into train.",
        "data.csv\nsplit: {column: 뜻}": "column is taken out of split in task.yaml.",
    }
    for data, hint in hints.items():
        (tmp_path / "task.yaml").write_text(text.replace("{data}", data), encoding="utf-8")
        assert folds_hint(tmp_path).endswith(hint)
        if hint != "tests all rows.":
            with pytest.raises(TaskError, match="all rows in turn"):
                require_no_test(tmp_path)


def test_a_damaged_result_is_told(apo: Callable[..., Result], folder: RunFolder) -> None:
    before = (folder.path / "result.json").read_text("utf-8")
    try:
        damages: list[dict[str, Any]] = [{"folds": "5"}, {"by_fold": [{}]}, {"tested": None}]
        for damage in damages:
            result = json.loads(before)
            result["procedure"] |= damage
            folder.write("result.json", result)
            assert isinstance(error(apo("show", "last")), RunError)
    finally:
        folder.write_text("result.json", before)
