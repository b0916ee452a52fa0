"""DSPy's LMs, examples and metrics in apo."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import apo
from apo.bridges.dspy_engine import dspy_module
from apo.data.rows import read_rows
from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContextLengthError,
    LikelihoodError,
    RateLimitError,
    TaskError,
    TransportError,
)
from apo.model import Message, Request
from apo.scorers.registry import make_scorer, scorer_of
from apo.testing.fakes import FakeModel, FakeOptimizerModel, fake_task

DSPY = dspy_module("a test")
KINDS = DSPY.lm15


@dataclass
class Engine:
    """Answers as a function of what it is asked, or fails."""

    answer: Callable[[Any], str]
    error: Exception | None = None

    def complete(self, request: Any) -> Any:
        if self.error is not None:
            raise self.error
        said = KINDS.Message(role="assistant", parts=(KINDS.TextPart(self.answer(request)),))
        return KINDS.Response(
            id=None, model=request.model, message=said, finish_reason="length",
            usage=KINDS.Usage(input_tokens=7, output_tokens=2, total_tokens=9),
        )  # fmt: skip


class AsyncEngine(Engine):
    async def complete(self, request: Any) -> Any:
        return super().complete(request)


def lm(engine: Any, *, awaited: bool = False) -> Any:
    both = {"async_engine": AsyncEngine(engine.answer, engine.error)} if awaited else {}
    return DSPY.LM("some/model", engine=engine, temperature=0.9, **both)


def echo(request: Any) -> str:
    turns = [(turn.role, turn.text) for turn in request.messages]
    config = request.config
    return repr([request.system, turns, config.temperature, config.max_tokens, config.stop])


# --- a dspy.LM as a model -------------------------------------------------------------------


@pytest.mark.parametrize("awaited", [False, True])
def test_an_lm_is_asked_what_the_prompt_says(awaited: bool) -> None:
    model = apo.DspyModel(lm(Engine(echo), awaited=awaited))
    told = (Message("system", "S"), Message("user", "U"), Message("assistant", "A"),
            Message("user", "V"))  # fmt: skip
    decoding = apo.Decoding(temperature=0.0, max_tokens=5, stop=("#",))
    found = asyncio.run(model.complete(Request(told, decoding)))
    turns = [("user", "U"), ("assistant", "A"), ("user", "V")]
    assert found.text == repr(["S", turns, 0.0, 5, ("#",)])
    assert (found.usage.input_tokens, found.usage.output_tokens) == (7, 2)
    assert found.truncated
    assert model.name == "some/model"
    with pytest.raises(LikelihoodError):
        asyncio.run(model.complete(Request(told, continuation="x")))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KINDS.ContextLengthError("so it is"), ContextLengthError),
        (KINDS.AuthError("so it is"), AuthenticationError),
        (KINDS.RateLimitError("so it is", retry_after=3.0), RateLimitError),
        (KINDS.InvalidRequestError("so it is"), BadRequestError),
        (KINDS.ServerError("so it is"), TransportError),
    ],
)
def test_its_errors_are_told_apart(error: Exception, kind: type[apo.ModelError]) -> None:
    model = apo.DspyModel(lm(Engine(echo, error)))
    with pytest.raises(kind, match=r"^some/model: so it is$") as caught:
        asyncio.run(model.complete(Request((Message("user", "x"),))))
    if isinstance(caught.value, RateLimitError):
        assert caught.value.retry_after == 3.0


def test_an_lm_answers_and_writes_in_a_search(tmp_path: Path) -> None:
    def answered(model: FakeModel) -> Callable[[Any], str]:
        def answer(request: Any) -> str:
            system = [Message("system", request.system)] if request.system else []
            turns = [Message(turn.role, turn.text) for turn in request.messages]
            return model.answer(Request((*system, *turns), seed=request.config.seed or 0))

        return answer

    result = apo.optimize(
        fake_task(), "opro", model=apo.DspyModel(lm(Engine(answered(FakeModel())))),
        optimizer_model=apo.DspyModel(lm(Engine(answered(FakeOptimizerModel())))),
        budget=apo.Budget(max_calls=200), options=apo.Options(track=False), home=tmp_path,
    )  # fmt: skip
    assert result.verdict is not None
    assert "+" in result.best.prompt.instruction


# --- examples as data -----------------------------------------------------------------------

ROWS = [
    DSPY.Example(mail=f"Mail {i} about {'money' if i % 2 else 'a parcel'}",
                 team="billing" if i % 2 else "delivery").with_inputs("mail")
    for i in range(60)
]  # fmt: skip


def test_examples_are_rows_and_name_inputs_and_target() -> None:
    assert list(read_rows(ROWS[:1])) == [{"mail": "Mail 0 about a parcel", "team": "delivery"}]
    made = apo.task_from_data(ROWS, inputs="mail", target="team", prompt="Which team? {{mail}}")
    assert made.input_fields == ("mail",)
    assert {row.target for row in made.train} == {"billing", "delivery"}


@pytest.mark.parametrize("pools", [False, True])
def test_a_search_takes_examples_alone(pools: bool, tmp_path: Path) -> None:
    turned = [DSPY.Example(a=row.team, z=row.mail).with_inputs("z") for row in ROWS]
    data = {"train": turned[:20], "validation": turned[20:40], "test": turned[40:]}
    result = apo.optimize(
        data if pools else turned, "random-search", budget=apo.Budget(max_calls=120),
        options=apo.Options(track=False), home=tmp_path,
    )  # fmt: skip
    assert result.best.prompt.variables == ("z",)  # Though another column would be guessed.
    assert {e.example.target for e in result.best.rollouts} == {"billing", "delivery"}


# --- metrics as scorers ---------------------------------------------------------------------

METRICS = """
import dspy

def exact(gold, pred, trace=None):
    return gold.team == pred.team

def for_gepa(gold, pred, trace, pred_name, pred_trace):
    right = gold["team"] == pred["team"]
    told = "" if right else f"{pred.team} for {gold.mail}"
    return dspy.Prediction(score=float(right), feedback=told)

def graded(example, prediction, trace=None):
    return dict(score=0.5, feedback="half")

def wrong(example, prediction, trace=None):
    return "good"
"""
EXAMPLE = apo.Example({"mail": "m"}, ("billing", "accounts"))


def metric(tmp_path: Path, name: str, **settings: Any) -> Any:
    (tmp_path / "metrics.py").write_text(METRICS, encoding="utf-8")
    spec = {"name": f"metrics.py:{name}", "output": "team", **settings}
    return make_scorer(spec, folder=tmp_path)


def test_a_metric_scores_answers(tmp_path: Path) -> None:
    exact = metric(tmp_path, "exact")
    assert exact("billing", EXAMPLE) == exact("accounts", EXAMPLE) == apo.Score(1.0)
    assert exact("login", EXAMPLE) == apo.Score(0.0, feedback="Expected billing")
    gepa = metric(tmp_path, "for_gepa")
    assert gepa("login", EXAMPLE) == apo.Score(0.0, feedback="login for m")
    assert metric(tmp_path, "graded")("x", EXAMPLE) == apo.Score(0.5, feedback="half")


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("exact", {"output": "answer"}, "set output to the name that the metric reads"),
        ("wrong", {}, "gave 'good'; it must give a number, or a score"),
        ("exact", {"tolerance": 1}, "takes one setting, output"),
    ],
)
def test_a_metric_that_does_not_fit_is_told(
    name: str, settings: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(TaskError, match=re.escape(words)):
        metric(tmp_path, name, **settings)("billing", EXAMPLE)


def test_functions_of_other_orders_stay_what_they_are() -> None:
    def own(output: str, example: apo.Example, strict: bool = False) -> bool:
        return output == example.target

    assert scorer_of(own, "own")("billing", EXAMPLE).value == 1
