"""MLflow's scorers in apo, and apo's in MLflow; no model is asked, and no server."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apo.assessment.evaluate import evaluate
from apo.assessment.to_mlflow import to_mlflow
from apo.environment import prepare_environment
from apo.errors import ModelUnavailable, TaskError
from apo.prompts.prompt import Prompt
from apo.scorers.awaited import AwaitedScorer, Ungraded
from apo.scorers.judge import Judge
from apo.scorers.mlflow_scorers import MlflowScorer, is_mlflow
from apo.scorers.registry import Exact, make_scorer
from apo.task import Example, Score
from apo.taskfile.load import load_task, task_from_data

prepare_environment()

from mlflow.entities import Feedback  # noqa: E402 (after the environment is prepared)
from mlflow.genai import make_judge  # noqa: E402
from mlflow.genai.scorers import Guidelines, scorer  # noqa: E402

EXAMPLE = Example({"질문": "수도는?"}, ("서울", "서울시"))


def made(function: Callable[..., Any], **settings: Any) -> MlflowScorer:
    """The function as an MLflow scorer, and that as one of apo's."""
    return MlflowScorer(scorer=scorer(function), name="mine", **settings)


def score(given: Any, output: str = "부산") -> Score:
    """The score of an answer."""

    async def ask(questions: Any) -> list[str]:
        raise AssertionError("asked")

    found: Score = asyncio.run(given.score(output, EXAMPLE, ask))
    return found


def test_inputs_outputs_and_expectations_are_given() -> None:
    seen: dict[str, Any] = {}

    def look(inputs: Any, outputs: Any, expectations: Any) -> bool:
        seen.update(inputs=inputs, outputs=outputs, expectations=expectations)
        return True

    assert score(made(look)) == Score(1.0)
    assert seen == {
        "inputs": {"질문": "수도는?"},
        "outputs": "부산",
        "expectations": {
            "expected_response": "서울",
            "accepted_responses": ["서울", "서울시"],
        },
    }


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (True, 1),
        (False, 0),
        (0.25, 0.25),
        (1, 1),
        ("yes", 1),
        (" No", 0),
        (Feedback(value="yes"), 1),
        (Feedback(value=0.5, rationale="절반"), 0.5),
        ([Feedback(name="a", value=True), Feedback(name="b", value="no")], 0.5),
    ],
)
def test_what_it_gives_becomes_a_score(given: Any, value: float) -> None:
    assert score(made(lambda: given)).value == value


def test_the_rationale_is_the_feedback_and_assessments_are_parts() -> None:
    assert score(made(lambda: Feedback(value="no", rationale="틀렸다"))).feedback == "틀렸다"
    assert score(made(lambda: Feedback(value="yes", rationale="맞다"))).feedback == ""
    assert score(made(lambda: False)).feedback == "Expected '서울'."
    both = [Feedback(name="a", value=True), Feedback(name="b", value="no", rationale="짧다")]
    found = score(made(lambda: both))
    assert found.parts == {"a": 1, "b": 0}
    assert found.feedback == "b: 짧다"


def test_grades_on_a_scale_of_their_own() -> None:
    assert score(made(lambda: 4, lowest=1, highest=5)).value == 0.75
    with pytest.raises(TaskError, match=r"gave 4 on example .* lowest: 1, highest: 5"):
        score(made(lambda: 4))


@pytest.mark.parametrize("given", ["maybe", float("nan"), float("inf"), -0.1, "", "아니오"])
def test_what_is_no_score_is_explained(given: Any) -> None:
    with pytest.raises(TaskError, match="yes or no, true or false, or a number from 0 to 1"):
        score(made(lambda: given))


@pytest.mark.parametrize(
    "given", [None, "unknown", [], Feedback(value=None), Feedback(error=ValueError("no answer"))]
)
def test_no_value_is_no_score(given: Any) -> None:
    with pytest.raises(Ungraded):
        score(made(lambda: given))


def test_a_scorer_that_fails() -> None:
    def fail(outputs: str) -> bool:
        raise ValueError("깨짐")

    with pytest.raises(TaskError, match=r"MLflow scorer mine failed on example .*ValueError: 깨짐"):
        score(made(fail))


def test_a_judge_that_gets_no_answer_stops_the_run_and_is_no_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = make_judge(name="q", instructions="Is {{ outputs }} good?", model="gateway:/none")
    given = MlflowScorer(scorer=judge, name="q")
    assert "asks gateway:/none itself" in given.note

    def refuse(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no way")

    monkeypatch.setattr(type(judge), "run", refuse)
    with pytest.raises(ModelUnavailable, match="judge q failed: ConnectionError: no way"):
        score(given)


def test_what_needs_a_trace_is_refused_at_once() -> None:
    def traced(trace: Any) -> bool:
        return True

    def session(session: Any) -> bool:
        return True

    for function in (traced, session):
        with pytest.raises(TaskError, match=f"needs a {function.__name__[:5]}"):
            made(function)
    judge = make_judge(name="t", instructions="Is {{ trace }} good?", model="openai:/none")
    with pytest.raises(TaskError, match="needs a trace"):
        MlflowScorer(scorer=judge, name="t")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lowest": 5, "highest": 5}, "must be below highest"),
        ({"lowest": "1"}, "mine.lowest is '1', not a number"),
        ({"highest": True}, "not a number"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        made(lambda: True, **settings)


FILE = """
from mlflow.genai.scorers import Guidelines, Scorer, scorer

@scorer
def right(outputs, expectations):
    return outputs == expectations["expected_response"]

class Short(Scorer):
    name: str = "short"
    def __call__(self, *, outputs):
        return len(outputs) < 10

polite = Guidelines(name="polite", guidelines=["Be polite."], model="gateway:/mine")
"""


@pytest.mark.parametrize("name", ["right", "Short", "polite"])
def test_a_task_file_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.py").write_text(FILE, encoding="utf-8")
    found = make_scorer(f"mine.py:{name}", folder=tmp_path)
    assert isinstance(found, MlflowScorer)
    assert isinstance(found, AwaitedScorer)
    assert found.n_calls == 0
    with pytest.raises(TaskError, match="takes the settings lowest and highest, not lowst"):
        make_scorer({"name": "mine.py:right", "lowst": 1}, folder=tmp_path)


def test_a_task_with_a_judge_of_mlflow_says_that_its_calls_are_not_counted(tmp_path: Path) -> None:
    rows = "".join(f"질문 {i},답 {i}\n" for i in range(20))
    (tmp_path / "data.csv").write_text(f"input,target\n{rows}", encoding="utf-8")
    (tmp_path / "mine.py").write_text(FILE, encoding="utf-8")
    task = "name: t\ninputs: [input]\ntarget: target\ndata: data.csv\nprompt: Say.\n"
    (tmp_path / "task.yaml").write_text(f"{task}scorer: mine.py:polite\n", encoding="utf-8")
    assert any("neither counts nor limits" in note for note in load_task(tmp_path).notes)
    (tmp_path / "task.yaml").write_text(f"{task}scorer: mine.py:right\n", encoding="utf-8")
    assert not any("judge of MLflow" in note for note in load_task(tmp_path).notes)


def test_an_evaluation_with_a_scorer_given_in_python() -> None:
    @scorer
    def says_hello(outputs: str) -> bool:
        return "hello" in outputs.lower()

    rows = [{"input": f"hello {i}", "target": "hello"} for i in range(20)]
    task = task_from_data(rows, inputs="input", target="target", prompt="Say.", scorer=says_hello)
    found = evaluate(task, Prompt("Repeat."), split="validation")
    assert len(found.answered) == len(task.validation)


def test_what_is_of_mlflow() -> None:
    assert is_mlflow(Guidelines(name="g", guidelines=["x"]))
    assert not is_mlflow(Exact())
    assert not is_mlflow(Guidelines)


# --- the other way ------------------------------------------------------------------------------


def test_a_scorer_of_apo_serves_in_mlflow() -> None:
    given = to_mlflow("exact")
    assert given.name == "exact"
    found = given.run(
        inputs={"question": "?"}, outputs="서울", expectations={"expected_response": "서울"}
    )
    assert (found.value, found.rationale) == (1, None)
    found = given.run(
        inputs="?", outputs="부산", expectations={"expected_response": ["서울", "서울시"]}
    )
    assert found.value == 0
    assert "서울" in found.rationale


def test_parts_and_awaited_scorers_serve_too() -> None:
    async def half(output: str, example: Example) -> float:
        return 0.5

    expectations = {"expected_response": "y"}
    found = to_mlflow(half, name="half").run(inputs={}, outputs="x", expectations=expectations)
    assert found.value == 0.5
    parts = [
        {"name": "format", "scorer": {"name": "regex", "pattern": "^x"}, "weight": 5},
        {"name": "right", "scorer": "exact", "weight": 15},
    ]
    found = to_mlflow({"name": "reward", "parts": parts}).run(
        inputs={"a": 1}, outputs="x", expectations=expectations
    )
    assert found.value == 0.25
    assert found.metadata == {"format": "5", "right": "0"}


@pytest.mark.parametrize("wanted", [None, {}, {"expected_response": 3}, {"expected_response": []}])
def test_without_a_right_answer_there_is_no_score(wanted: Any) -> None:
    with pytest.raises(TaskError, match="expectations with expected_response"):
        to_mlflow("exact").run(inputs={"x": "y"}, outputs="z", expectations=wanted)


def test_a_judge_needs_a_model() -> None:
    with pytest.raises(TaskError, match="give judge_model"):
        to_mlflow(Judge(rubric="Good."))
    with pytest.raises(TaskError, match="There is no scorer 'exakt'"):
        to_mlflow("exakt")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # What MLflow warns of when it loads its own modules.
def test_in_an_evaluation_of_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    from mlflow import genai

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    data = [
        {
            "inputs": {"question": "수도는?"},
            "outputs": output,
            "expectations": {"expected_response": "서울"},
        }
        for output in ("서울", "부산", "서울", "대전")
    ]
    try:
        found: Any = genai.evaluate(data=data, scorers=[to_mlflow("exact")])  # pyright: ignore[reportUnknownMemberType] (untyped)
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # As at first.
    assert found.metrics["exact/mean"] == 0.5
