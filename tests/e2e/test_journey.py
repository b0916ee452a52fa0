"""From a user's own CSV to an exported prompt, by the commands of the tutorial."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apo.cli import main
from apo.taskfile.places import builtin_tasks
from experiments.benchmarks.faults.forked import Forked
from tests.e2e.conftest import Done

QUESTIONS = {
    "대출": [
        "책을 빌리고 싶어요",
        "대출 권수가 몇 권인가요",
        "빌린 책을 연장하려고요",
        "대출증을 만들래요",
    ],
    "시설": [
        "열람실 자리가 없어요",
        "주차장이 어디인가요",
        "화장실이 고장났어요",
        "열람실이 너무 추워요",
    ],
    "행사": [
        "작가 강연 신청하려고요",
        "독서 모임 시간이 궁금해요",
        "강연 취소할게요",
        "행사 신청 되나요",
    ],
}
PLACES = [
    "1층",
    "2층",
    "3층",
    "본관",
    "별관",
    "어린이실",
    "오늘",
    "내일",
    "주말",
    "방금",
    "다음 주",
    "아까",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a CSV of a library's questions, its columns named as its owner likes."""
    with (tmp_path / "문의.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["번호", "문의 내용", "담당"])
        rows = [(p, q, t) for t, qs in QUESTIONS.items() for q in qs for p in PLACES]
        for number, (place, question, team) in enumerate(rows):
            writer.writerow([f"{number:03}", f"{place} {question}", team])
    return tmp_path


def apo(folder: Path, *arguments: str, code: int = 0) -> Done:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "APO_"))}
    process = Forked(main, arguments, folder, environment)
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return Done(out, err, code)


def document(done: Done) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_from_a_csv_to_an_exported_prompt(folder: Path) -> None:
    made = apo(
        folder, "init", "문의", "--data", "문의.csv", "--input", "문의 내용", "--target", "담당"
    )
    assert "choice" in made.stdout
    settings = (folder / "문의/task.yaml").read_text(encoding="utf-8")
    assert "language: ko" in settings
    assert "대출" in settings
    again = apo(folder, "init", "문의", "--data", "문의.csv", code=1)
    assert "문의" in again.stderr

    checked = apo(folder, "check", "문의", "--ping")
    assert "answered" in checked.stdout

    estimate = document(apo(folder, "estimate", "문의", "--max-calls", "300", "--json"))
    assert estimate["calls"] == 300

    result = document(apo(folder, "optimize", "문의", "--max-calls", "300", "--json"))
    assert result["spent"]["calls"] <= 300
    assert result["verdict"]["n"] > 20
    assert result["mlflow"]["complete"]

    shown = apo(folder, "show", "last")
    assert result["run_id"] in shown.stdout
    assert document(apo(folder, "show", "last", "--json"))["verdict"] == result["verdict"]
    listed: Any = json.loads(apo(folder, "runs", "--json").stdout)
    assert [run["run_id"] for run in listed] == [result["run_id"], estimate["run_id"]]

    test_score = result["verdict"]["best_score"]
    for form in ("messages", "json"):
        out = f"prompt.{form}.json"
        apo(folder, "export", "last", "--best", "--format", form, "--out", out)
        measured = document(
            apo(folder, "evaluate", "문의", "--prompt", out, "--like", "last", "--json")
        )
        assert measured["score"] == test_score, form
    assert "def messages" in apo(folder, "export", "last", "--format", "python").stdout
    assert not [path for path in folder.iterdir() if path.suffix == ".part"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["optimize", "suport-tickets"], "support-tickets"),
        (["optimize", "support-tickets", "-o", "opr"], "opro"),
        (["optimize", "support-tickets", "-o", "ape", "--set", "n_quries=3"], "n_queries"),
        (["optimize", "support-tickets", "-o", "ape", "--set", "n_queries=many"], "int"),
        (["optimize", "support-tickets", "--set", "n_queries"], "NAME=VALUE"),
        (["optimize", "support-tickets", "-m", "opnai/x"], "openai"),
        (["optimize", "support-tickets", "--max-calls", "0"], "greater than 0"),
        (["optimize", "support-tickets", "--max-calls", "5"], "too few"),
        (["optimize", "support-tickets", "-c", "0"], "max_concurrency"),
        (["optimize", "support-tickets", "--transport", "carrier"], "aiohttp"),
        (["optimize", "support-tickets", "--price", "x"], "x"),
        (["optimize", "support-tickets", "--prompt", "none.txt"], "none.txt"),
        (["optimize", "nowhere.py:task"], "nowhere.py"),
        (["optimize", "my.csv"], "apo init"),
        (["init", "p.txt"], "apo init p --data p.txt"),
        (["init", "new"], "apo init new --data FILE.csv"),
        (["init", "new", "p.txt", "--data", "q.txt"], "one file of examples"),
        (["optimize", "support-tickets", "--max-usd", "1"], "--max-calls"),
        (["optimize", "support-tickets", "--meta-prompt", "induc=p.txt"], "induce"),
        (["ui"], "nothing has been logged there yet"),
        (["show", "last"], "Start one first"),
        (["show", "nothing"], "nothing"),
        (["export", "nothing"], "nothing"),
        (["resume", "nothing"], "nothing"),
        (["evaluate", "support-tickets", "--prompt", "nothing"], "nothing"),
        (["evaluate", "support-tickets", "--prompt", "p.txt", "--split", "tset"], "test"),
    ],
)
def test_errors_teach(
    arguments: list[str], told: str, tmp_path: Path, here: Callable[..., Done]
) -> None:
    (tmp_path / "p.txt").write_text("Say the intent.", encoding="utf-8")
    done = here(*arguments)
    assert done.code == 1
    assert told in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_an_error_is_a_document_too(tmp_path: Path) -> None:
    done = apo(tmp_path, "optimize", "support-tickets", "-o", "opr", "--json", code=1)
    assert document(done)["error"]["type"] == "SettingsError"
    assert "opro" in document(done)["error"]["message"]


def test_the_version(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "apo", "--version"]
    told = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"apo \d+\.\d+\.\d+\n", told)


def test_the_builtin_tasks_are_listed_and_checked(tmp_path: Path) -> None:
    names = [line.split()[0] for line in apo(tmp_path, "tasks").stdout.splitlines()]
    assert sorted(names) == builtin_tasks()
    for name in ("order-fields", "small-functions"):
        levels = {f["level"] for f in json.loads(apo(tmp_path, "check", name, "--json").stdout)}
        assert levels <= {"ok", "note"}


def test_mlflow_away_and_back(
    tmp_path: Path, with_tables: Callable[[Path], str], here: Callable[..., Done]
) -> None:
    """Nothing is lost while the server is away; a later sync makes it complete."""
    away = ["--tracking-uri", "http://127.0.0.1:9"]
    flags = ["-o", "random-search", "--max-calls", "150"]
    done = apo(tmp_path, "optimize", "support-tickets", *flags, *away, "--json")
    result = document(done)
    assert not result["mlflow"]["complete"]
    assert f"apo sync {result['run_id']}" in result["mlflow"]["problem"]
    synced = here("sync", "--tracking-uri", with_tables(tmp_path / "back"))
    assert synced.code == 0
    assert "complete" in synced.stdout
    assert document(apo(tmp_path, "show", "last", "--json"))["mlflow"]["complete"]
    assert "Everything is logged" in here("sync").stdout


def test_a_missing_key_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = apo(tmp_path, "optimize", "support-tickets", "-m", "openai/gpt-5-mini", code=1)
    assert "OPENAI_API_KEY" in done.stderr
