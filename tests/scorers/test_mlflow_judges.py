"""Judges of MLflow asked by apo: wire, budget and journal, over a server of this machine."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from apo.assessment.evaluate import evaluate
from apo.calls.budget import Budget
from apo.environment import prepare_environment
from apo.errors import BudgetExhausted
from apo.model import Completion, Request
from apo.prompts.prompt import Prompt
from apo.scorers.mlflow_scorers import MlflowScorer
from apo.storage.journal import Journal
from apo.task import Task
from apo.taskfile.load import task_from_data
from apo.testing.chat_server import ChatServer
from apo.testing.server import serve
from apo.usage import Usage

prepare_environment()

from mlflow.genai import make_judge  # noqa: E402 (after the environment is prepared)
from mlflow.genai.scorers import Guidelines  # noqa: E402

ROWS = [{"input": f"hello {i}", "target": "yes" if i % 2 else "no"} for i in range(24)]


class Referee:
    """Answers as MLflow asks judges to; without a grade where the input says 7."""

    name = "gpt-4.1-mini"

    async def complete(self, request: Request) -> Completion:
        said = request.messages[-1].content
        found = {"rationale": "It is short.", "result": "yes" if "Say" not in said else "no"}
        text = "no idea" if "hello 7" in said else json.dumps(found)
        return Completion(f"```json\n{text}\n```", Usage(20, 10))

    async def aclose(self) -> None:
        """Nothing to close."""


@pytest.fixture(scope="module")
def server() -> Generator[ChatServer]:
    with serve(Referee()) as found:
        yield found


@pytest.fixture(autouse=True)
def there(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-12345678")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)


def task(scorer: Any) -> Task:
    return task_from_data(ROWS, inputs="input", target="target", prompt="Say.", scorer=scorer)


def judge() -> Any:
    return make_judge(
        name="short",
        instructions="Is {{ outputs }} a short answer to {{ inputs }}?",
        model="openai:/gpt-4.1-mini",
        inference_params={"temperature": 0.5, "max_tokens": 50},
    )


def test_a_judge_of_mlflow_is_asked_within_the_journal(server: ChatServer, tmp_path: Path) -> None:
    given, before = task(judge()), server.requests
    assert not any("asks" in note for note in given.notes)
    assert given.calls_per_example == 2
    journal = Journal(tmp_path / "journal.db")
    found = evaluate(given, Prompt("Repeat."), split="validation", journal=journal)
    n = len(given.validation)
    assert server.requests - before == n
    body = server.seen[-1].body
    assert (body["temperature"], body["model"]) == (0.5, "gpt-4.1-mini")
    assert (body.get("max_tokens") or body.get("max_completion_tokens")) == 50
    assert body["response_format"]["json_schema"]["schema"]["properties"].keys() == {
        "result",
        "rationale",
    }
    ungraded = [r for r in found.rollouts if r.score is None]
    assert [r.example.inputs["input"] for r in ungraded] in ([], ["hello 7"])
    assert {r.score.value for r in found.rollouts if r.score is not None} == {1.0}
    again = evaluate(given, Prompt("Repeat."), split="validation", journal=journal)
    journal.close()
    assert (again, server.requests - before) == (found, n), "a resumed run asks nobody again"


def test_a_built_in_judge_is_bounded_by_the_budget(server: ChatServer) -> None:
    built_in = Guidelines(name="polite", guidelines=["Be polite."], model="openai:/gpt-4.1-mini")
    given, before = task(built_in), server.requests
    n = len(given.validation)
    with pytest.raises(BudgetExhausted):
        evaluate(given, Prompt("Repeat."), split="validation", budget=Budget(max_calls=n + 2))
    assert server.requests - before <= 2, "no judge is asked beyond the budget"


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("openai:/gpt-4.1-mini", ("openai/gpt-4.1-mini",)),
        ("bedrock:/claude", ("litellm/bedrock/claude",)),
        ("databricks", ()),
        ("endpoints:/mine", ()),
        ("gateway:/mine", ()),
    ],
)
def test_who_is_asked_by_apo(model: str, asked: tuple[str, ...]) -> None:
    given = MlflowScorer(scorer=Guidelines(name="g", guidelines=["x"], model=model), name="g")
    assert given.models == asked
    assert bool(given.note) == (not asked)
