"""After a run: examples that all good prompts get wrong with the same answer."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apo.checking.suspects import MIN_PROMPTS, suspects
from apo.cli import app
from apo.storage.folder import RunFolder, find_run

WORDS = {"대출": "책 빌리기 연장", "시설": "주차장 열람실 화장실", "행사": "강연 모임 신청"}
PLACES = ("1층", "2층", "3층", "본관", "별관", "오늘", "내일", "주말", "방금", "아까")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run on a task with one wrong target."""
    monkeypatch.chdir(tmp_path)
    rows = [
        f"{place} {word} 문의드려요,{label}"
        for label, words in WORDS.items()
        for word in words.split()
        for place in PLACES
    ]
    rows[0] = rows[0].replace("대출", "행사")  # 책: everywhere else 대출.
    pools = {"train": rows[1::2], "validation": rows[0::4], "test": rows[2::4]}
    for name, some in pools.items():
        Path(f"{name}.csv").write_text("\n".join(["글,담당", *some]), "utf-8")
    Path("task.yaml").write_text(
        "name: 문의\nlanguage: ko\ninputs: [글]\ntarget: 담당\nlabels: [대출, 시설, 행사]\n"
        "data: {train: train.csv, validation: validation.csv, test: test.csv}\n"
        "prompt: 글을 읽고 대출, 시설, 행사 중 하나로 분류하세요.\n",
        "utf-8",
    )
    given = ("optimize", "task.yaml", "--max-calls", "800", "--no-track", "-o", "random-search")
    done = CliRunner().invoke(app, list(given))
    assert done.exit_code == 0, done.exception
    return find_run("last", tmp_path / ".apo")


def test_a_planted_wrong_target_is_found(run: RunFolder) -> None:
    [suspect] = suspects(run)
    assert suspect.example.inputs["글"] == "1층 책 문의드려요"
    assert (suspect.answer, suspect.example.target) == ("대출", "행사")
    assert suspect.n_prompts >= MIN_PROMPTS
    assert f"of {suspect.n_prompts} prompts say '대출', the target is '행사': 1층" in str(suspect)
    shutil.move("task.yaml", "moved.yaml")
    assert suspects(run) == []  # The run can still be shown.


def test_a_run_from_python_has_none(run: RunFolder) -> None:
    run.update(task_ref=None)
    assert suspects(run) == []
