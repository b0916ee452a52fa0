"""Feedback from use: read, kept once, and a deployed prompt improved by it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource
from mlflow.exceptions import MlflowException

from apo import Prompt
from apo.cli import app
from apo.errors import DataError, TaskError
from apo.production.feedback import Feedback, read_feedback
from apo.production.improving import ROWS_FILE, TASK_FILE, settle_round, write_round
from apo.production.kept import (
    FILE,
    keep_feedback,
    kept_feedback,
    settled,
    told_disagreeing,
)
from apo.production.traces import trace_feedback
from apo.taskfile.load import load_task
from tests.commands import RUNNER

TASK = """name: shop
inputs: [text]
target: label
labels: [good, bad]
data: rows.csv
prompt: Label the text as good or bad.
"""
OLD = [f"{w} {i},{t}" for i in range(15) for w, t in (("love it", "good"), ("poor", "bad"))]
DEPLOYED = Prompt("Label the text as good or bad.\n- good: love\n- bad: poor", template="{{text}}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/task.yaml").write_text(TASK)
    (tmp_path / "shop/rows.csv").write_text("\n".join(["text,label", *OLD]))
    return tmp_path / "shop"


def said(**parts: Any) -> Feedback:
    given: dict[str, Any] = {"inputs": {"text": "x"}, **parts}
    return Feedback(**given)


# --- tables


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"answer": "good", "thumbs": "👎", "correction": "bad"}, ("good", False, "bad", "bad")),
        ({"output": "good", "평가": "좋아요"}, ("good", True, "", "good")),
        ({"Response": "good", "Thumb": "0"}, ("good", False, "", "")),
        ({"Response": "good", "Rating": "down"}, ("good", False, "", "")),
        ({"label": "bad", "source": "LLM_JUDGE"}, ("", None, "bad", "bad")),
        ({"kind": "bad"}, ("", None, "bad", "bad")),
    ],
)
def test_what_tables_call_it(row: dict[str, str | None], expected: tuple[Any, ...]) -> None:
    [found], notes = read_feedback([{"text": " x ", **row}], ["text"], ["kind"])
    assert (found.answer, found.right, found.target, found.wanted) == expected
    assert found.inputs == {"text": "x"}
    assert found.by == ("judge" if "source" in row else "person")
    assert notes == []


def test_rows_that_say_nothing_are_counted_and_odd_ones_refused() -> None:
    rows: list[dict[str, str | None]] = [
        {"text": "x", "answer": "good", "thumbs": None},
        {"text": " ", "answer": "good", "thumbs": "up"},
    ]
    assert read_feedback(rows, ["text"], []) == (
        [],
        ["Rows without an input, or without a word about the answer: 2."],
    )
    with pytest.raises(DataError, match=r"row 1: 'so so' says neither up nor down"):
        read_feedback([{"text": "x", "thumbs": "so so"}], ["text"], [])
    many: list[dict[str, str | None]] = [{"text": str(n), "thumbs": "up"} for n in range(18)]
    odd: dict[str, str | None] = {"text": "y", "thumbs": "so so"}
    found, notes = read_feedback([*many, odd, {**odd, "correction": "good"}], ["text"], [])
    assert (len(found), found[-1].right, found[-1].target) == (19, None, "good")
    assert notes == [
        "Thumbs that say neither up nor down do not count: row 19: 'so so', row 20: 'so so'."
    ]
    dashes: list[dict[str, str | None]] = [
        *many,
        {"text": "x", "thumbs": "-"},
        {"text": "z", "thumbs": "n/a"},
    ]
    assert len(read_feedback(dashes, ["text"], [])[0]) == 18
    with pytest.raises(DataError, match=r"row 20: '4' says neither up nor down"):
        read_feedback([*many, odd, {"text": "x", "thumbs": "4"}], ["text"], [])
    with pytest.raises(DataError, match=r"no column 'text'\. Did you mean 'texts'"):
        read_feedback([{"texts": "x"}], ["text"], [])


@pytest.mark.parametrize(
    ("name", "cells", "refused"),
    [
        ("rating", "11", "Every rating is 1, which may be"),
        ("평가", "00", "Every rating is 0"),
        ("rating", "15", "row 2: '5' says neither"),
        ("rating", "10", ""),
        ("thumbs", "11", ""),
    ],
)
def test_stars_are_no_thumbs(name: str, cells: str, refused: str) -> None:
    rows: list[dict[str, str | None]] = [{"text": "x", "answer": "good", name: c} for c in cells]
    if refused:
        with pytest.raises(DataError, match=refused):
            read_feedback(rows, ["text"], [])
        return
    found, _ = read_feedback(rows, ["text"], [])
    assert [one.right for one in found] == [cell == "1" for cell in cells]


def test_it_is_kept_once_and_a_person_overrules_a_judge(folder: Path) -> None:
    first = [said(right=True, answer="good"), said(target="bad", by="judge")]
    assert keep_feedback(folder, [*first, first[0]]) == 2
    assert keep_feedback(folder, first) == 0
    assert kept_feedback(folder) == first
    assert settled(first) == [first[0]]
    assert settled([*first, said(target="bad")])[0].wanted == "bad"
    # A judge's word is none beside a person's.
    assert told_disagreeing(first) == told_disagreeing([first[0], first[0]]) == []
    told = ["Inputs on which the feedback disagrees: 1; what came last counts."]
    assert told_disagreeing([first[0], said(target="bad")]) == told
    assert told_disagreeing([first[0], said(right=False, answer="good")]) == told
    (folder / FILE).write_text('{"inputs": 3}\n')
    with pytest.raises(DataError, match="cannot be read"):
        kept_feedback(folder)


# --- a round


def rows_of(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / ROWS_FILE).read_text().splitlines()]


def test_a_round_holds_old_rows_that_must_pass_and_new_ones(folder: Path) -> None:
    before = load_task(folder)
    keep_feedback(folder, [
        *(Feedback(inputs={"text": f"it leaks {i}"}, right=False, target="bad") for i in range(20)),
        Feedback(inputs={"text": "love it 3"}, target="bad"),
        Feedback(inputs={"text": "poor 3"}, target="bad"),
        Feedback(inputs={"text": "no idea"}, right=False),
    ])  # fmt: skip
    made = write_round(str(folder), DEPLOYED)
    assert (made.n_old, made.n_new) == (29, 21)
    assert made.notes == (
        "Feedback without a right answer is left out: 1.",
        "Feedback that agrees with a row of the task: 1.",
    )
    found = {row["text"]: row for row in rows_of(folder)}
    assert found["love it 3"]["label"] == "bad"
    assert [found[t]["must_pass"] for t in ("love it 3", "it leaks 1", "poor 3")] == [
        "no",
        "no",
        "yes",
    ]
    after = load_task(made.path)
    assert after.seed_prompts == (DEPLOYED,)
    for pool in ("train", "validation", "test"):
        old = {example.inputs["text"] for example in getattr(before, pool)}
        new = {example.inputs["text"] for example in getattr(after, pool)}
        assert old <= new
        assert len(new) > len(old)


def test_what_led_to_a_promoted_prompt_must_pass_from_then_on(folder: Path) -> None:
    keep_feedback(folder, [Feedback(inputs={"text": f"it leaks {i}"}, target="bad") for i in "ab"])
    write_round(str(folder), DEPLOYED)
    pools = {row["text"]: row["pool"] for row in rows_of(folder)}
    settle_round(folder)
    keep_feedback(folder, [Feedback(inputs={"text": "it leaks c"}, target="bad")])
    made = write_round(str(folder), DEPLOYED)
    assert made.n_new == 1
    again = {row["text"]: row for row in rows_of(folder)}
    assert [again[f"it leaks {i}"]["must_pass"] for i in "abc"] == ["yes", "yes", "no"]
    assert {text: again[text]["pool"] for text in pools} == pools
    write_round(str(folder), DEPLOYED, may_lose=True)
    assert {row["must_pass"] for row in rows_of(folder)} == {"no"}


def test_a_right_answer_is_one_of_the_labels_or_does_not_count(folder: Path) -> None:
    words = {"a": "BAD", "b": " good. ", "c": '["good", "Bad"]', "d": "모르는큐", "e": "goods"}
    rows = [json.dumps({"text": text, "correction": word}) for text, word in words.items()]
    (folder / "use.jsonl").write_text("\n".join(rows))
    done = RUNNER.invoke(app, ["feedback", str(folder), str(folder / "use.jsonl"), "--json"])
    told = json.loads(done.stdout)
    strange = (
        "Right answers that name no label of the task do not count: 2 (모르는큐, goods). "
        "Its labels are: good, bad."
    )
    assert (told["added"], told["with_answer"], told["notes"]) == (5, 3, [strange])
    made = write_round(str(folder), DEPLOYED)
    assert (made.n_new, made.notes) == (3, (strange,))
    found = {row["text"]: row["label"] for row in rows_of(folder)}
    assert (found["a"], found["b"], json.loads(found["c"])) == ("bad", "good", ["good", "bad"])
    assert not {"d", "e"} & found.keys()
    load_task(made.path)


def test_a_right_answer_that_cannot_be_judged_does_not_count(folder: Path) -> None:
    settings = {**yaml.safe_load(TASK), "scorer": "numeric"}
    del settings["labels"]
    (folder / "task.yaml").write_text(yaml.safe_dump(settings))
    (folder / "rows.csv").write_text("\n".join(["text,label", *(f"{i},{i}" for i in range(30))]))
    keep_feedback(folder, [said(target="many")])
    strange = r"Right answers that the task cannot judge do not count: 1 \(many\)\."
    with pytest.raises(DataError, match=strange):
        write_round(str(folder), DEPLOYED)
    keep_feedback(folder, [Feedback(inputs={"text": "seven"}, target="7")])
    assert write_round(str(folder), DEPLOYED).n_new == 1


def test_groups_and_slices_stay(folder: Path) -> None:
    settings = {**yaml.safe_load(TASK), "group": "who", "slices": ["who"]}
    (folder / "task.yaml").write_text(yaml.safe_dump(settings))
    rows = [f"{row},{'abcdefghij'[i % 10]}" for i, row in enumerate(OLD)]
    (folder / "rows.csv").write_text("\n".join(["text,label,who", *rows]))
    keep_feedback(folder, [Feedback(inputs={"text": "it leaks"}, target="bad")])
    after = load_task(write_round(str(folder), DEPLOYED).path)
    examples = [*after.train, *after.validation, *after.test]
    assert {e.slices["who"] for e in examples} == {*"abcdefghij", ""}
    assert len({e.group for e in examples}) == 11


@pytest.mark.parametrize("said_of", [[], [said(right=False)], [said(target="bad")]])
def test_without_a_new_right_answer_there_is_no_round(
    said_of: list[Feedback], folder: Path
) -> None:
    if said_of and said_of[0].target:
        said_of = [Feedback(inputs={"text": "poor 3"}, target="bad")]
    keep_feedback(folder, said_of)
    with pytest.raises(DataError, match=r"holds no right answer|says nothing new"):
        write_round(str(folder), DEPLOYED)
    with pytest.raises(TaskError, match="is a built-in task"):
        write_round("support-tickets", DEPLOYED)


# --- the loop


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, with_tables: Callable[[Path], str]
) -> Iterator[MlflowClient]:
    uri = with_tables(tmp_path_factory.mktemp("registry"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        mlflow.set_tracking_uri(uri)
        yield MlflowClient(uri, registry_uri=uri)
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # As at first.


@pytest.mark.slow
def test_from_feedback_to_the_next_version(
    folder: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    client.create_prompt("shop")
    client.create_prompt_version("shop", f"{DEPLOYED.instruction}\n\n{{{{text}}}}")
    client.set_prompt_alias("shop", "production", 1)
    words = {"bad": ["snapped", "leaks", "dead"], "good": ["comfy", "crystal", "superb"]}
    lines = [
        f"{word} {i},down,{label}"
        for i in range(24)
        for label, several in words.items()
        for word in several
    ]
    Path("use.csv").write_text("\n".join(["text,thumbs,correction", *lines]))
    done = RUNNER.invoke(app, ["feedback", "shop", "use.csv", "--json"])
    assert json.loads(done.stdout)["added"] == 144
    command = ["improve", "prompts:/shop@production", "shop", "-o", "ape", "--json", "--no-track"]
    done = RUNNER.invoke(app, [*command, "--max-calls", "900"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["promoted"]) == (0, "prompts:/shop/2 (production)")
    aliases = {a: client.get_prompt_version_by_alias("shop", a).version for a in
               ("production", "previous")}  # fmt: skip
    assert {name: int(version) for name, version in aliases.items()} == {
        "production": 2,
        "previous": 1,
    }
    assert write_round(str(folder), DEPLOYED).n_new == 0
    done = RUNNER.invoke(app, [*command, "--max-calls", "200"])
    assert (done.exit_code, json.loads(done.stdout)["promoted"]) == (4, "")
    with pytest.raises(MlflowException):
        client.get_prompt_version("shop", "3")
    assert (folder / TASK_FILE).exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's own, which it takes for failed exports.
def test_traces_with_assessments(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # The experiment of the process, which is one for all tests, is put back at the end.
    monkeypatch.setattr("mlflow.tracking.fluent._active_experiment_id", None)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID")
    client.create_experiment("live")
    mlflow.set_experiment("live")
    human = AssessmentSource(source_type="HUMAN", source_id="kim")
    judge = AssessmentSource(source_type="LLM_JUDGE", source_id="m")
    requests: list[Any] = [
        {"text": "it leaks"}, {"messages": [{"role": "user", "content": "comfy"}]}, {"other": 1},
        {"text": "nobody said"},
    ]  # fmt: skip
    for number, request in enumerate(requests):
        with mlflow.start_span("answer") as span:
            span.set_inputs(request)
            span.set_outputs("good")
        mlflow.flush_trace_async_logging()
        if number == 0:
            mlflow.log_expectation(trace_id=span.trace_id, name="e", value="bad", source=human)
        elif number < 3:
            mlflow.log_feedback(trace_id=span.trace_id, name="ok", value=True, source=judge)
    found, notes = trace_feedback("traces:/live", ["text"])
    assert [(f.inputs["text"], f.wanted, f.by) for f in found] == [
        ("it leaks", "bad", "person"),
        ("comfy", "good", "judge"),
    ]
    assert notes == [
        "Traces without an assessment: 1.",
        "Traces whose request is none of the task's inputs: 1.",
    ]
    with pytest.raises(DataError, match="no experiment 'gone'"):
        trace_feedback("traces:/gone", ["text"])
