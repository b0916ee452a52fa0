"""`apo judge`: what is read, asked, told and kept."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from apo.cli import app
from apo.errors import ApoError, DataError, SettingsError, TaskError
from apo.model import Request
from apo.testing.fakes import FakeModel

TASK = """
name: 답변
language: ko
inputs: {text: 문의}
target: 모범
data: data.csv
prompt: 답하세요.
scorer: {name: judge, rubric: 정확하고 공손하다.}
"""
WORDS = ["모름", "네", "네 알겠습니다", "네 확인해 드릴게요", "네 고객님, 바로 확인해 드리겠습니다"]


class Counting(FakeModel):
    """A judge that grades by the number of letters, and "noise" by nothing at all."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.rng = Random(name)

    def answer(self, request: Request) -> str:
        said = request.messages[0].content.rpartition("<answer>\n")[2].partition("\n</answer>")[0]
        near = [len(word) for word in WORDS]
        grade = near.index(len(said.strip("!"))) + 1
        return f"<grade>{self.rng.randint(1, 5) if self.name == 'noise' else grade}</grade>"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "task.yaml").write_text(TASK, encoding="utf-8")
    lines = [f"{i}번 주문 😀 {{왜}}" for i in range(60)]
    data = "".join(f"{line},답 {i}\n" for i, line in enumerate(lines))
    (tmp_path / "t" / "data.csv").write_text(f"문의,모범\n{data}", encoding="utf-8")
    rated = "".join(f'{line},"{WORDS[i % 5]}",{i % 5 + 1}\n' for i, line in enumerate(lines))
    (tmp_path / "rated.csv").write_text(f"문의,답변,평점\n{rated}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def open_one(options: object, name: str) -> Counting:
        return Counting(name)

    monkeypatch.setattr("apo.evaluation.endpoints.open_with", open_one)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_good_judge(folder: Path) -> None:
    done = run("judge", "t", "rated.csv", "--judge-model", "good")
    assert done.exit_code == 0, done.exception
    for words in (
        "Rated answers: 60; ratings understood as 1 to 5, the judge's own scale.",
        "Agreement with people beyond chance: almost perfect.",
        "120 calls",
    ):
        assert words in done.output
    (kept,) = (folder / ".apo" / "judges").glob("*.json")
    assert json.loads(kept.read_text("utf-8"))["people"]["kappa"] == 1
    assert "rubric" not in done.output


def test_a_judge_of_noise_is_warned_of(folder: Path) -> None:
    done = run("judge", "t", "rated.csv", "--judge-model", "noise")
    assert done.exit_code == 0, done.exception
    for words in ("Not better than chance", "do not optimize for it", "within ± 0.1"):
        assert words in done.output


def test_several_judges_as_json(folder: Path) -> None:
    flags = ("--judge-model", "good", "--judge-model", "noise", "--json")
    done = run("judge", "t", "rated.csv", *flags)
    document: dict[str, Any] = json.loads(done.stdout)
    assert [one["judge"] for one in document["judges"]] == ["good", "noise", "good + noise"]
    assert [one["better_than_chance"] for one in document["judges"]][:2] == [True, False]
    assert document["between"][0]["n"] == 60
    assert document["spent"]["calls"] == 240
    assert len({one["file"] for one in document["judges"]}) == 3
    told = run("judge", "t", "rated.csv", *flags[:-1]).stdout
    assert "good and noise agree with each other" in told


def test_only_as_many_answers_as_there_are_calls(folder: Path) -> None:
    done = run("judge", "t", "rated.csv", "--judge-model", "good", "--max-calls", "21", "--json")
    document = json.loads(done.stdout)
    assert document["judges"][0]["people"]["n"] == 10
    assert "10 of 60 answers" in document["notes"][-1]


def test_the_same_again_asks_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run("judge", "t", "rated.csv", "--judge-model", "noise", "--json")

    def never(self: object, request: Request) -> str:
        raise AssertionError("asked")

    monkeypatch.setattr(Counting, "answer", never)
    again = run("judge", "t", "rated.csv", "--judge-model", "noise", "--json")
    figures = [json.loads(done.stdout)["judges"] for done in (first, again)]
    assert figures[0] == figures[1]


def test_a_judge_that_gives_no_grade_keeps_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vague(self: object, request: Request) -> str:
        return "좋아요"

    monkeypatch.setattr(Counting, "answer", vague)
    done = run("judge", "t", "rated.csv", "--judge-model", "x")
    assert "nothing is known of this judge" in done.output
    assert "Answers without a score: 60" in done.output
    assert not (folder / ".apo" / "judges").exists()


def test_a_scorer_that_asks_no_model_can_be_compared_with_people(folder: Path) -> None:
    task = TASK.replace("{name: judge, rubric: 정확하고 공손하다.}", "chrf")
    (folder / "t" / "task.yaml").write_text(task, encoding="utf-8")
    rated = (folder / "rated.csv").read_text("utf-8").replace(",1\n", ",아니오\n")
    for grade in "2345":
        rated = rated.replace(f",{grade}\n", ",예\n")
    (folder / "rated.csv").write_text(rated, encoding="utf-8")
    done = run("judge", "t", "rated.csv")
    assert done.exit_code == 0, done.exception
    assert "ratings understood as yes or no" in done.output
    assert "0 calls" in done.output


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["t", "rated.csv"], SettingsError, "Name the model that judges"),
        (["t", "none.csv", "--judge-model", "x"], DataError, "no data file none.csv"),
        (["none", "rated.csv", "--judge-model", "x"], TaskError, "no task 'none'"),
        (["t", "rated.csv", "--judge-model", "x", "--draws", "0"], SettingsError, "at least once"),
        (["t", "rated.csv", "--judge-model", "x", "--max-calls", "1"], SettingsError, "too few"),
        (["t", "rated.csv", "--judge-model", "x", "--answer", "답"], DataError, "mean '답변'"),
        (
            ["support-tickets", "rated.csv", "--judge-model", "x", "--judge-model", "y"],
            SettingsError,
            "only where the scorer is judge",
        ),
    ],
)
def test_wrong_arguments(
    folder: Path, arguments: list[str], kind: type[ApoError], words: str
) -> None:
    done = run("judge", *arguments)
    assert isinstance(done.exception, kind)
    assert words in str(done.exception)
