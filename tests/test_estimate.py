"""What a run will take, from a few calls that the run then uses; and one prompt measured."""

import asyncio
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from apo import (
    Budget,
    BudgetExhausted,
    DataError,
    Evaluation,
    Example,
    ModelError,
    Options,
    Price,
    Prompt,
    Rollout,
    Score,
    SettingsError,
    resume,
)
from apo.assessment.evaluate import aevaluate, evaluate
from apo.calls.budget import Spent
from apo.calls.call import Endpoint
from apo.calls.progress import Progress
from apo.errors import AuthenticationError
from apo.run.estimate import Estimate, aestimate
from apo.run.expected import parts, told
from apo.run.pacing import pace
from apo.storage.folder import find_run
from apo.storage.journal import Journal
from apo.testing import FakeModel, FakeOptimizerModel, fake_task

QUIET = Options(track=False, max_concurrency=4)
PRICES = {"fake": Price(1.0, 1.0), "fake-optimizer": Price(2.0, 2.0)}


def estimate(home: Path, **given: Any) -> Estimate:
    given.setdefault("model", FakeModel())
    given.setdefault("optimizer_model", FakeOptimizerModel())
    given.setdefault("options", QUIET)
    return asyncio.run(aestimate(fake_task(), "random-search", home=home, **given))


def test_the_probes_belong_to_the_run_that_is_then_resumed(tmp_path: Path) -> None:
    model = FakeModel()
    found = estimate(tmp_path, model=model, budget=Budget(max_calls=60))
    assert (found.probes, found.calls, found.limit) == (4, 60, "max_calls")
    assert (found.validation, found.test) == (5, 9)
    assert len(model.requests) == 4
    assert find_run("last", tmp_path).settings["state"] == "estimated"
    again, writer = FakeModel(), FakeOptimizerModel()
    result = resume(
        found.run_id, home=tmp_path, task=fake_task(), model=again, optimizer_model=writer
    )
    assert len(again.requests) + len(writer.requests) == result.spent.calls - 4
    asked = {repr(request) for request in again.requests}
    assert not asked & {repr(request) for request in model.requests}


def test_figures_are_those_of_the_probes_with_some_proposals(tmp_path: Path) -> None:
    model = FakeModel()
    options = replace(QUIET, prices=PRICES)
    found = estimate(tmp_path, model=model, budget=Budget(max_calls=1000), options=options)
    asked = sum(len(m.content) for r in model.requests for m in r.messages) / 4
    size = asked + 0.75 * 250  # Most probes are malformed: a quarter are the seed prompt's own.
    assert found.input_tokens == pytest.approx(1000 * (0.95 * size + 0.05 * 3000), rel=0.01)
    assert found.output_tokens is not None
    assert found.usd is not None
    answers = (found.output_tokens - 0.05 * 400 * 1000) / 0.95
    dollars = 0.95 * (1000 * size + answers) / 1e6 + 0.05 * 1000 * 2 * 3400 / 1e6
    assert found.usd == pytest.approx(dollars, rel=0.01)
    assert found.to_dict() == asdict(found)


def endpoint(name: str, *, begins: bool = False) -> Endpoint:
    model = FakeModel(name=name)
    setattr(model, "begins", begins)  # noqa: B010 - a model of its own class has no such field.
    return Endpoint("optimizer", model)


def probed(malformed: int, *, tokens_in: int, cached: int, tokens_out: int) -> tuple[Any, ...]:
    """Ten probes of a task whose targets take two tokens, and what they took together."""
    task = replace(fake_task(), train=[Example({"input": "a" * 40}, ("abcd",))])
    rollouts = [
        Rollout(task.train[0], "?", Score(0.0, well_formed=i >= malformed)) for i in range(10)
    ]
    spent = Spent(calls=10, input_tokens=tokens_in, output_tokens=tokens_out, cached_tokens=cached)
    return task, Evaluation(Prompt("Answer"), tuple(rollouts)), spent


def test_answers_that_have_the_form_stay_as_they_are() -> None:
    task, probes, spent = probed(3, tokens_in=1000, cached=0, tokens_out=200)
    asking, writing = parts(task, endpoint("openai/x"), probes, spent)
    assert asking == ("task", 0.95, 350, 20, 1.0)
    assert writing[:4] == ("optimizer", 0.05, 3000, 400)
    assert writing.seconds == pytest.approx((0.02 * 3000 + 400) / (0.02 * 100 + 20))
    assert told((asking, writing)).endswith("to read 350, as prompts grow.")


def test_answers_without_the_form_become_as_short_as_targets() -> None:
    """Here reading counts, of which a prefix is kept; a small writer is asked briefly."""
    task, probes, spent = probed(4, tokens_in=500, cached=200, tokens_out=160)
    small = endpoint("local/smollm2", begins=True)
    seed, others, writing = parts(task, small, probes, spent)
    assert seed[1:] == pytest.approx((0.23, 50, 16, 1.0))
    assert others[1:4] == pytest.approx((0.69, 50 + 4 * (11 + 10), 2))
    assert others.seconds == pytest.approx((30 / 3 + 2) / (30 / 3 + 16))
    assert writing[:4] == ("optimizer", 0.08, 320, 110)
    assert writing.seconds == pytest.approx((320 / 3 + 110) / (30 / 3 + 16))
    assert told((seed, others, writing)) == (
        "8 calls of 100 are taken to be the optimizer model's, of 320 tokens in and 110 out, and a "
        "call of the task model to read 134, as prompts grow. Most answers of the seed prompt have "
        "not the form that is asked for; those of others are taken to have 2 tokens."
    )


@pytest.mark.parametrize(
    ("budget", "limit"),
    [
        (Budget(max_calls=100, max_tokens=10**9), "max_calls"),
        (Budget(max_calls=10**9, max_tokens=10_000), "max_tokens"),
        (Budget(max_usd=0.01, max_tokens=10**9), "max_usd"),
    ],
)
def test_the_first_limit_bounds_the_calls(budget: Budget, limit: str, tmp_path: Path) -> None:
    found = estimate(tmp_path, budget=budget, options=replace(QUIET, prices=PRICES))
    assert found.limit == limit
    assert found.calls is not None
    assert found.calls > 0
    spent = {"max_calls": found.calls, "max_usd": found.usd}
    spent["max_tokens"] = (found.input_tokens or 0) + (found.output_tokens or 0)
    assert (spent[limit] or 0) <= getattr(budget, limit) * 1.001


@pytest.mark.parametrize(
    ("times", "at_once", "rate"),
    [
        ([(1.0 + i / 100, 1.0) for i in range(8)], 16, 16.0),  # All at once, whoever waits.
        ([(float(i), float(i)) for i in range(1, 9)], 16, 1.0),  # One after the other.
        ([(float(i // 4), 2.0) for i in range(16)], 16, 8 / 2.0),  # Four at a time.
        ([(5.0, 0.5)], 4, 8.0),
        ([], 4, math.inf),
    ],
)
def test_the_speed_is_that_of_calls_that_go_out_together(
    times: list[tuple[float, float]], at_once: int, rate: float
) -> None:
    assert pace(times, at_once) == pytest.approx(rate, rel=0.1)


def test_without_a_limit_nothing_is_foretold(tmp_path: Path) -> None:
    found = estimate(tmp_path, budget=Budget())
    assert (found.calls, found.usd, found.limit) == (None, None, "")


def test_what_is_left_out_is_as_for_optimize(tmp_path: Path) -> None:
    found = asyncio.run(aestimate(fake_task(), home=tmp_path))
    assert (found.calls, found.limit) == (2000, "max_calls")
    given: dict[str, Any] = {"settings": None, "prompt": None, "options": None, "budget": None}
    again = asyncio.run(aestimate(fake_task(), home=tmp_path, **given))
    assert again.calls == 2000


def test_a_free_model_is_not_bounded_by_money(tmp_path: Path) -> None:
    free = {name: Price(0.0, 0.0) for name in PRICES}
    options = replace(QUIET, prices=free)
    found = estimate(tmp_path, budget=Budget(max_usd=1, max_calls=100), options=options)
    assert (found.limit, found.usd) == ("max_calls", 0.0)


def test_an_estimate_is_refused_like_a_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="too few"):
        estimate(tmp_path, budget=Budget(max_calls=5))
    with pytest.raises(SettingsError, match="price"):
        estimate(tmp_path, budget=Budget(max_usd=5))
    with pytest.raises(AuthenticationError):
        estimate(tmp_path, model=FakeModel(failures=(AuthenticationError("key"),)))


# --- one prompt -----------------------------------------------------------------------------


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    model = FakeModel()

    def open_model(name: str, **_: Any) -> FakeModel:
        assert name == "fake"
        return model

    monkeypatch.setattr("apo.evaluation.endpoints.open_model", open_model)
    return model


PROMPT = Prompt("Answer" + "+" * 8)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_one_prompt_on_one_split(split: str, fake: FakeModel) -> None:
    progress = Progress()
    found, spent = asyncio.run(
        aevaluate(fake_task(5), PROMPT, split=split, model="fake", progress=progress)
    )
    assert [r.example for r in found.rollouts] == list(getattr(fake_task(5), split))
    assert (found.mean, spent.calls, spent.usd) == (1.0, 5, None)
    assert progress.phase == "evaluate"
    assert len(fake.requests) == 5


def test_answers_are_kept_in_a_journal(fake: FakeModel, tmp_path: Path) -> None:
    with Journal(tmp_path / "kept.db") as journal:
        for _ in range(2):
            asyncio.run(aevaluate(fake_task(5), PROMPT, model="fake", journal=journal))
    assert len(fake.requests) == 5


def test_prices_and_limits(fake: FakeModel) -> None:
    options = Options(prices=PRICES)
    _, spent = asyncio.run(aevaluate(fake_task(5), PROMPT, model="fake", options=options))
    assert spent.usd == pytest.approx(spent.tokens / 1e6)
    with pytest.raises(SettingsError, match="price of fake is unknown"):
        asyncio.run(aevaluate(fake_task(5), PROMPT, model="fake", budget=Budget(max_usd=1)))
    with pytest.raises(BudgetExhausted):
        asyncio.run(aevaluate(fake_task(5), PROMPT, model="fake", budget=Budget(max_calls=4)))


def test_a_limit_in_dollars_that_never_binds_is_refused(fake: FakeModel) -> None:
    given: dict[str, Any] = {"model": "fake", "options": Options(prices={"fake": Price(0.0, 0.0)})}
    with pytest.raises(SettingsError, match="These models cost nothing"):
        asyncio.run(aevaluate(fake_task(5), PROMPT, budget=Budget(max_usd=1), **given))
    assert not fake.requests
    both = Budget(max_usd=1, max_calls=100)
    _, spent = asyncio.run(aevaluate(fake_task(5), PROMPT, budget=both, **given))
    assert spent.calls == 5


def test_splits_that_are_not_there() -> None:
    with pytest.raises(SettingsError, match="Did you mean 'test'"):
        evaluate(fake_task(5), PROMPT, split="tests")
    with pytest.raises(DataError, match="'fake' has no test examples"):
        evaluate(replace(fake_task(5), test=()), PROMPT)


def test_the_embedded_model_by_default() -> None:
    assert len(evaluate(fake_task(3), PROMPT).rollouts) == 3


def test_a_failure_is_raised_as_it_is(fake: FakeModel) -> None:
    fake.failures = (ModelError("odd"),)
    with pytest.raises(ModelError, match="odd"):
        evaluate(fake_task(3), PROMPT, model="fake")
