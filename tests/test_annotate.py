"""Inputs that good prompts disagree about come first; labels go to train, and no row moves."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apo import (
    Budget,
    DataError,
    Example,
    Options,
    Prompt,
    Request,
    SettingsError,
    TaskError,
    load_task,
    optimize,
)
from apo.assessment.annotation import affordable, arank, votes_of
from apo.cli import app
from apo.data.append import appended
from apo.taskfile.adding import TaskData
from apo.testing import FakeModel, fake_task

LABELS = ("billing", "login")
TASK = (
    "name: small\ninputs: [text]\ntarget: label\nlabels: [billing, login]\ndata: rows.csv\n"
    "prompt: |\n  Choose one of: billing, login.\n  - login: password\n  The label only.\n"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task of 60 rows, in a folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APO_HOME", str(tmp_path / ".apo"))
    rows = [f"invoice {i},billing\npassword {i},login" for i in range(30)]
    Path("t").mkdir()
    Path("t/rows.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    Path("t/task.yaml").write_text(TASK)
    return tmp_path


def data(here: Path) -> TaskData:
    return TaskData.of("t", here / ".apo" / "splits")


class ByLength(FakeModel):
    """Each prompt gives another label from another length of input on."""

    def answer(self, request: Request) -> str:
        limit, text = int(request.messages[0].content), request.messages[-1].content
        return f"Label: {LABELS[len(text) > limit]}"


def test_what_prompts_disagree_about_comes_first() -> None:
    task = replace(load_task("support-tickets"), labels=LABELS)
    inputs = [Example({"ticket": "x" * n}, ("",)) for n in (5, 15, 25, 35)]
    prompts = [Prompt(f"{limit}", template="{{ticket}}") for limit in (10, 20, 21, 30)]
    model = ByLength()
    ranked, spent = asyncio.run(arank(task, prompts, inputs, model=model))
    assert [one.number for one in ranked] == [1, 2, 0, 3]
    assert ranked[0].votes == {"billing": 3, "login": 1}
    assert [round(one.entropy, 3) for one in ranked] == [0.811, 0.811, 0, 0]
    assert [one.disagreement for one in ranked] == [0.5, 0.5, 0.25, 0.25]
    assert len(model.requests) == spent.calls == 16


def test_answers_that_say_the_same_are_one() -> None:
    numbers = load_task("word-problems")
    example = Example({"problem": "?"}, ("",))
    assert votes_of(numbers, example, ["It is 5.", "5", "five", "6"]) == {"It is 5.": 3, "6": 1}
    words = fake_task()
    assert votes_of(words, example, ["Yes", "yes!", "No", ""]) == {"Yes": 2, "No": 1, "": 1}
    tickets = load_task("support-tickets")
    said = votes_of(tickets, example, ["bug", "It is a bug.", "no idea", "(refused)"])
    assert said == {"bug": 2, "(no label)": 1, "(refused)": 1}


def test_what_can_be_paid() -> None:
    assert affordable(100, 5, 1, None) == 100
    assert affordable(100, 5, 2, 99) == 9
    with pytest.raises(
        SettingsError, match="--max-calls 4 is too few: 5 prompts on one input take 5"
    ):
        affordable(100, 5, 1, 4)
    with pytest.raises(SettingsError, match="Two prompts at least"):
        affordable(100, 1, 1, None)


def test_added_rows_go_to_train_and_no_other_moves(here: Path) -> None:
    found = data(here)
    before = after = found.load()
    old = Path("t/rows.csv").read_bytes()
    for i in range(15):  # Shares of the pools would have sent most of them elsewhere.
        row = found.row({"text": f'a "quoted", {i}\nline'}, "login")
        first, after = found.add([row])
        assert len(after.train) == len(first.train) + 1
    assert Path("t/rows.csv").read_bytes().startswith(old)
    assert {e.id for e in after.test} == {e.id for e in before.test}
    assert {e.id for e in after.validation} == {e.id for e in before.validation}
    assert Example({"text": 'a "quoted", 7\nline'}, ("login",)) in after.train
    assert load_task("t", memory=here / ".apo" / "splits").fingerprint == after.fingerprint


def test_what_cannot_be_added_changes_nothing(here: Path) -> None:
    found = data(here)
    found.load()
    files = [Path("t/rows.csv"), here / ".apo/splits/small.json"]
    before = [file.read_bytes() for file in files]
    with pytest.raises(DataError, match="'logn' is none of the labels"):
        found.add([found.row({"text": "new"}, "logn")])
    assert [file.read_bytes() for file in files] == before
    text = (here / "t/task.yaml").read_text()
    (here / "t/task.yaml").write_text(text.replace("rows.csv", "rows.parquet"))
    with pytest.raises(DataError, match="no file that rows can be added to: CSV, TSV and JSONL"):
        appended(Path("t/rows.parquet"), [])
    with pytest.raises(TaskError, match="support-tickets is built in: no rows are added"):
        TaskData.of("support-tickets", here / "splits").add([])
    with pytest.raises(TaskError, match=r"x.py:task is made in Python"):
        TaskData.of("x.py:task", here)


def test_the_form_of_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("문장;답\r\n가;나".encode("cp949"))
    _, new = appended(path, [{"답": "라", "문장": "다;"}], encoding="cp949", delimiter=";")
    assert new.decode("cp949") == '문장;답\r\n가;나\r\n"다;";라\r\n'
    with pytest.raises(DataError, match="is in cp949, which has no '✓'"):
        appended(path, [{"답": "✓"}], encoding="cp949", delimiter=";")
    with pytest.raises(DataError, match="has no column 'x'; it has 문장, 답"):
        appended(path, [{"x": ""}], encoding="cp949", delimiter=";")
    path.write_bytes("\ufefftext,label\na,b\n".encode())
    _, new = appended(path, [{"text": "é", "label": "b"}])
    assert new.decode() == "\ufefftext,label\na,b\né,b\n"
    lines = tmp_path / "rows.jsonl"
    lines.write_text('{"text": "a", "order": {"n": 1}}')
    _, new = appended(lines, [{"text": "5", "order": '{"n": 2}'}])
    assert new.decode().splitlines()[1] == '{"text": "5", "order": {"n": 2}}'


def test_a_group_of_the_test_split_is_left_alone(here: Path) -> None:
    rows = [f"text {i},{LABELS[i % 2]},g{i // 3}" for i in range(90)]
    Path("t/rows.csv").write_text("\n".join(["text,label,talk", *rows]) + "\n")
    Path("t/task.yaml").write_text(TASK + "group: talk\n")
    found = data(here)
    before = found.load()
    with pytest.raises(DataError, match="is in test, which stays as it is"):
        found.add([found.row({"text": "new", "talk": before.test[0].group}, "login")])
    own = found.row({"text": "new", "talk": before.train[0].group}, "login")
    _, after = found.add([own, found.row({"text": "other", "talk": "new talk"}, "billing")])
    assert len(after.train) == len(before.train) + 2
    assert {e.id for e in after.test} == {e.id for e in before.test}


def test_the_command(here: Path) -> None:
    optimize("t", "ape", budget=Budget(max_calls=300), options=Options(track=False),
             home=here / ".apo", prompt=Prompt("Choose.", template="{{text}}"))  # fmt: skip
    texts = [f"{word} {i}" for i in range(6) for word in ("invoice", "receipt", "password")]
    Path("new.csv").write_text("\n".join(["text", *texts, "invoice 77", "invoice 77"]) + "\n")

    def run(*given: str, typed: str = "") -> Any:
        done = CliRunner().invoke(app, ["annotate", "t", *given], input=typed)
        assert done.exit_code == 0, done.output
        return done

    ranked = json.loads(run("new.csv", "--json").stdout)["ranked"]
    assert len(ranked) == 7  # Those that the task has are left out, and what is there twice.
    assert {one["inputs"]["text"] for one in ranked} == {*texts[1::3], "invoice 77"}
    told = run("new.csv", "--max-calls", "20", "--out", "lab.csv")
    assert "calls at most; those with kept answers" in told.stderr
    rows = Path("lab.csv").read_text().splitlines()
    assert rows[0] == "text,label,votes"
    Path("lab.csv").write_text("\n".join([rows[0], rows[1].replace(",,", ",login,"), *rows[2:]]))
    assert "1 row added to t/rows.csv: train 24 → 25; validation (12) and test (24) are as" in (
        run("lab.csv", "--add").stdout
    )
    assert "Nothing to add" in run("lab.csv", "--add").stdout
    asked = run("new.csv", "--ask", typed="2\nlogn\nbilling\n\nq\n")
    assert "'logn' is none of the labels. Did you mean 'login'" in asked.stderr
    assert "2 rows added" in asked.stdout
    left = json.loads(run("new.csv", "--json", "--top", "99").stdout)["ranked"]
    assert len(left) == 4
    Path("other.csv").write_bytes("text;label\nübrig;logn\n".encode("cp1252"))
    wrong = CliRunner().invoke(app, ["annotate", "t", "other.csv", "--add"])
    assert "other.csv: 'logn' is none of the labels. Did you mean 'login'" in str(wrong.exception)
    none = CliRunner().invoke(app, ["annotate", "t", "t/rows.csv"])
    assert "All 63 inputs of t/rows.csv are in the task's data already" in str(none.exception)
