"""What a figure hides is told: who was refused and why, and answers that are all one text."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apo import Budget, Example, Options, Prompt, Score, aoptimize
from apo.cli import app
from apo.errors import ContentFilterError, ContextLengthError, ModelError
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.evaluation.noticed import noticed
from apo.model import Completion, Request
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from apo.testing.server import serve

LABELS = ("bug", "login")
N = 12
TASK = """name: tickets
inputs: [text]
target: label
labels: [bug, login]
scorer: choice
data: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl}
prompt: Give the label.
"""
LONG = "This model's maximum context length is 4096 tokens."


class Odd(FakeModel):
    """Answers rightly, but the first rows as it is told to."""

    def __init__(self, say: Callable[[], str], rows: int) -> None:
        super().__init__()
        self.say, self.rows = say, rows

    async def complete(self, request: Request) -> Completion:
        row = int(request.messages[-1].content.partition("Row ")[2].split()[0])
        return Completion(text=self.say() if row < self.rows else LABELS[row % 2])


def fails(error: ModelError) -> Callable[[], str]:
    def say() -> str:
        raise error

    return say


@pytest.mark.parametrize(
    ("say", "rows", "score", "words"),
    [
        (fails(ContextLengthError(LONG)), 4, "66.7 % on 12 test", "4 of 12 requests to"),
        (fails(ContextLengthError(LONG)), 4, "4 refused", "4 for more than the model takes"),
        (fails(ContextLengthError(LONG)), 4, "4 refused", LONG.rstrip(".")),
        (fails(ContentFilterError("No.")), 6, "50.0 % on 12 test", "6 for a content filter"),
        (lambda: "", N, "0.0 % on 12 test", "12 of 12 answers of"),
        (lambda: "Under maintenance", 5, "5 malformed", "5 of 12 answers are the same text"),
        (lambda: "Rate limit exceeded.", N, "12 malformed", '"Rate limit exceeded"'),
        (lambda: "Under maintenance", 4, "4 malformed", ""),
        (lambda: "bug", N, "6 wrong", ""),
    ],
)
def test_evaluate_says_why(
    say: Callable[[], str],
    rows: int,
    score: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    for split in ("train", "validation", "test"):
        data = [{"text": f"Row {i} of {split}", "label": LABELS[i % 2]} for i in range(N)]
        text = "\n".join(map(json.dumps, data))
        (tmp_path / f"{split}.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "task.yaml").write_text(TASK, encoding="utf-8")
    (tmp_path / "p.txt").write_text("Give the label.\n\n{{text}}", encoding="utf-8")
    with serve(Odd(say, rows)) as server:
        given = ["evaluate", ".", "--prompt", "p.txt", "-m", server.model_name]
        done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.exception
    assert score in done.stdout
    assert words in done.stdout
    if not words:
        assert "same text" not in done.stdout
        assert "refused" not in done.stdout


class Expired(FakeModel):
    """Has answers for the search, and none any more for the verdict."""

    def answer(self, request: Request) -> str:
        last = request.messages[-1].content
        tested = any(last == example.inputs["input"] for example in EXPIRING.test)
        return "You have exceeded your daily quota." if tested else super().answer(request)


EXPIRING = fake_task()


def test_a_notice_in_the_answers_of_the_verdict_is_told(tmp_path: Path) -> None:
    result = asyncio.run(
        aoptimize(
            EXPIRING,
            "random-search",
            model=Expired(),
            optimizer_model=FakeOptimizerModel(),
            budget=Budget(max_calls=400),
            options=Options(track=False),
            home=tmp_path,
        )
    )
    told = [note for note in result.notes if "on the test split are the same text" in note]
    assert [("seed prompt" in note, "best prompt" in note) for note in told] == [
        (True, False),
        (False, True),
    ]
    assert all("daily quota" in note and "notice of its server?" in note for note in told)
    assert result.gap is None


def evaluation(outputs: list[str | None], target: str = "bug") -> Evaluation:
    """Answers of a scorer that knows no malformed ones; None for one that nobody could grade."""
    rollouts = tuple(
        Rollout(Example({"text": f"{i}"}, (target,)), "?", None, "The judge gave no grade.")
        if said is None
        else Rollout(Example({"text": f"{i}"}, (target,)), said, Score(float(said == target)))
        for i, said in enumerate(outputs)
    )
    return Evaluation(Prompt("Do it."), rollouts)


def test_the_figure_is_of_the_answers_that_were_graded() -> None:
    found = evaluation(["bug", None, "login", None])
    assert (found.value, found.n_counted) == (0.5, 2)
    said = "2 of 4 answers to it could not be graded (The judge gave no grade). The figure is of"
    assert noticed(found, " to it")[0].startswith(said)
    assert not noticed(evaluation(["bug", "login"]))


@pytest.mark.parametrize(
    ("text", "target", "told"),
    [
        ("We are under maintenance", "bug", True),  # No scorer calls it malformed.
        ("login", "bug", False),
        ("We are under maintenance.", "we are under maintenance", False),
    ],
)
def test_a_wrong_answer_that_may_be_the_models_is_no_notice(
    text: str, target: str, told: bool
) -> None:
    assert bool(noticed(evaluation([text] * 6, target))) == told


def test_evaluate_says_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["evaluate", "support-tickets", "--prompt", "p.txt", "--split", "validation"]
    Path("p.txt").write_text("Choose the team.\n\n{{ticket}}")

    def said(*more: str) -> list[str]:
        done = CliRunner().invoke(app, [*given, "--json", *more])
        notes: list[str] = json.loads(done.stdout)["notes"]
        return [note for note in notes if "kept" in note]

    assert said() == []
    (note,) = said()
    assert re.fullmatch(
        r"104 answers kept from \d{4}-\d\d-\d\d, 0 asked now; --fresh asks again\.", note
    )
    assert said("--fresh") == []
