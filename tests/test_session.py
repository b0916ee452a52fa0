"""A session: pools fit the budget, the verdict is paid for, and a stop is in order."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import (
    Budget,
    Example,
    Interrupted,
    ModelError,
    ModelUnavailable,
    Options,
    Price,
    Prompt,
    Request,
    Result,
    Score,
    Search,
    SettingsError,
    Task,
    TaskError,
    Usage,
    aoptimize,
)
from apo.calls.meter import Meter
from apo.calls.progress import Progress
from apo.calls.retry import Retry
from apo.errors import AuthenticationError, ContentFilterError, JournalError, RateLimitError
from apo.model import Completion
from apo.run.fit import fit_pools, sample_pools
from apo.search.search import Optimizer
from apo.storage.folder import find_run
from apo.storage.journal import Journal
from apo.storage.record import read_record
from apo.testing import FakeModel, FakeOptimizerModel, fake_task

pytestmark = pytest.mark.slow

PURE = settings(deadline=None, derandomize=True)


async def no_sleep(_: float) -> None:
    pass


def optimize(home: Path, **given: Any) -> Result:
    given.setdefault("task", fake_task())
    given.setdefault("optimizer", "random-search")
    given.setdefault("model", FakeModel())
    given.setdefault("optimizer_model", FakeOptimizerModel())
    given.setdefault("budget", Budget(max_calls=300))
    given.setdefault("options", Options(track=False, max_concurrency=4))
    given.setdefault("retry", Retry(max_attempts=2, sleep=no_sleep))
    return asyncio.run(aoptimize(home=home, **given))


def state(home: Path) -> str:
    found: str = find_run("last", home).settings["state"]
    return found


# --- pools ----------------------------------------------------------------------------------


@PURE
@given(st.integers(1, 3000), st.integers(1, 60), st.integers(0, 60))
def test_pools_leave_room_to_search(max_calls: int, n_validation: int, n_test: int) -> None:
    whole = fake_task(60)
    task = replace(whole, validation=whole.validation[:n_validation], test=whole.test[:n_test])
    try:
        fitted = fit_pools(task, max_calls)
    except SettingsError:
        assert max_calls < 22
        return
    assert 2 * len(fitted.test) <= 0.3 * max_calls
    assert len(fitted.validation) <= (max_calls - 2 * len(fitted.test)) / 8
    assert len(fitted.validation) >= min(2, n_validation)
    assert len(fitted.test) >= min(2, n_test)
    assert fitted.train == task.train
    for kept, pool in ((fitted.validation, task.validation), (fitted.test, task.test)):
        assert [example for example in pool if example in kept] == [*kept]
    if max_calls >= 16 * n_validation + 8 * n_test:
        assert fitted.fingerprint == task.fingerprint


def test_a_run_says_at_its_start_that_its_limits_leave_rows_out(tmp_path: Path) -> None:
    task = fake_task()
    for calls, told in ((60, True), (2000, False)):
        home = tmp_path / str(calls)
        optimize(home, budget=Budget(max_calls=calls))
        folder = find_run("last", home)
        data, plan = folder.settings["data"], read_record(folder.journal_path).plan
        assert data["of"] == [len(task.validation), len(task.test)]
        said = (
            f"The limits leave room for {data['validation']} of {data['of'][0]} validation and "
            f"{data['test']} of {data['of'][1]} test examples; higher ones use more."
        )
        assert (plan[0] == said) == told
        assert (said in plan) == told


def test_the_smallest_budget_is_the_one_that_the_message_names() -> None:
    with pytest.raises(SettingsError, match="21 calls are too few: a run needs at least 22"):
        fit_pools(fake_task(), 21)
    assert len(fit_pools(fake_task(), 22).test) == 3


def test_without_a_limit_pools_stay() -> None:
    task = fake_task()
    assert fit_pools(task, None) is task


@PURE
@given(st.permutations(range(20)), st.integers(0, 20))
def test_which_examples_stay_depends_on_their_content_alone(order: list[int], n: int) -> None:
    task = fake_task()
    mixed = replace(task, validation=[task.validation[place] for place in order])
    kept = sample_pools(task, n, 0).validation
    assert set(sample_pools(mixed, n, 0).validation) == set(kept)
    assert len(kept) == n


def test_the_same_example_twice_is_two_examples() -> None:
    example = Example({"input": "x"}, ("x",))
    task = replace(fake_task(), validation=[example] * 5)
    assert len(sample_pools(task, 3, 0).validation) == 3
    again = sample_pools(sample_pools(task, 3, 2), 3, 2)
    assert again.fingerprint == sample_pools(task, 3, 2).fingerprint


# --- what is held back ----------------------------------------------------------------------


@dataclass(frozen=True)
class Greedy:
    """Measures candidates in parts until the budget ends, and whole ones if it is told to."""

    whole: bool = False

    async def run(self, search: Search) -> None:
        for place in range(10_000):
            (prompt,) = search.accept([Prompt(f"Answer{'+' * 6} {place}")], operator="x")
            await search.evaluate(prompt, None if self.whole else search.task.train[:3])


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("max_calls", [100, 157, 400])
def test_a_greedy_search_leaves_the_verdict_its_calls(
    whole: bool, max_calls: int, tmp_path: Path
) -> None:
    result = optimize(tmp_path, optimizer=Greedy(whole), budget=Budget(max_calls=max_calls))
    assert result.spent.calls <= max_calls
    assert result.verdict is not None
    assert result.verdict.complete
    assert result.verdict.n == len(fit_pools(fake_task(), max_calls).test)
    assert result.best.mean > result.seed.mean  # One candidate at least was measured whole.


@pytest.mark.parametrize(
    "budget",
    [
        Budget(max_tokens=1500),
        Budget(max_tokens=4000),
        Budget(max_usd=0.004),
        Budget(max_tokens=9000, max_calls=250),
    ],
)
def test_a_greedy_search_leaves_the_verdict_its_tokens_and_money(
    budget: Budget, tmp_path: Path
) -> None:
    prices = {name: Price(1.0, 1.0) for name in ("fake", "fake-optimizer")}
    options = Options(track=False, max_concurrency=4, prices=prices)
    task = replace(fake_task(), seed_prompts=(
        Prompt("Answer", decoding=replace(Prompt("").decoding, max_tokens=5)),))  # fmt: skip
    result = optimize(tmp_path, optimizer=Greedy(), task=task, budget=budget, options=options)
    assert result.spent.tokens <= (budget.max_tokens or float("inf"))
    assert (result.spent.usd or 0) <= (budget.max_usd or float("inf"))
    assert result.verdict is not None
    assert result.verdict.complete
    assert result.verdict.n >= 2
    plan = read_record(find_run("last", tmp_path).journal_path).plan
    fewer = result.verdict.n < len(task.test)
    said = f"for 20 of 20 validation and {result.verdict.n} of 20 test examples"
    assert any(said in line for line in plan) == fewer
    assert fewer == (budget.max_tokens == 1500)


class Graded:
    """Grades an answer; it may ask judges twice."""

    n_calls, models = 2, ()

    async def score(self, output: str, example: Example, ask: object) -> Score:
        return Score(float(output == example.target))


def test_the_verdict_keeps_calls_for_both_answers_and_their_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[float] = []
    hold_back = Meter.hold_back

    def note(meter: Meter, purpose: str, **amounts: float) -> None:
        held.extend([amounts["max_calls"]] if purpose == "verdict" and amounts else [])
        hold_back(meter, purpose, **amounts)

    monkeypatch.setattr(Meter, "hold_back", note)
    scorer: Any = Graded()
    task = replace(fake_task(), scorer=scorer)
    optimize(tmp_path, task=task, optimizer=Greedy(), budget=Budget(max_calls=240))
    assert held[0] == 2 * 3 * len(fit_pools(task, 240).test)


def test_a_budget_for_less_than_the_seed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="one measurement of the seed prompt on 20 validation"):
        optimize(tmp_path, budget=Budget(max_tokens=1100))
    assert state(tmp_path) == "failed"


# --- the verdict ----------------------------------------------------------------------------


def test_the_verdict_is_on_the_test_split_and_each_example_is_written_down(tmp_path: Path) -> None:
    result = optimize(tmp_path)
    folder = find_run(result.run_id, tmp_path)
    rows = [json.loads(line) for line in (folder.path / "test.jsonl").read_text().splitlines()]
    task = fake_task()
    assert [row["id"] for row in rows] == [example.id for example in task.test]
    assert result.verdict is not None
    assert result.verdict.n == 20
    assert repr(result) == f"<Result of {result.run_id}. {result.verdict}>"
    assert sum(row["flip"] == "won" for row in rows) == result.verdict.wins
    assert sum(row["flip"] == "lost" for row in rows) == result.verdict.losses
    assert sum(row["best_score"] for row in rows) / 20 == pytest.approx(result.verdict.best_score)


def test_the_seed_is_the_answer_when_nothing_better_is_found(tmp_path: Path) -> None:
    task = fake_task(seed_prompt="Answer" + "+" * 8)
    result = optimize(tmp_path, task=task)
    assert result.best == result.seed
    assert result.winner == "seed"
    assert result.prompt == task.seed_prompts[0]
    assert result.verdict is not None
    assert not result.verdict.favourable
    assert result.verdict.difference == 0


def test_without_a_test_split_there_is_no_verdict(tmp_path: Path) -> None:
    result = optimize(tmp_path, task=replace(fake_task(), test=()))
    assert result.verdict is None
    assert result.best.mean > result.seed.mean
    assert result.winner == "seed"
    assert state(tmp_path) == "finished"
    assert repr(result) == f"<Result of {result.run_id}. No verdict.>"


@dataclass(frozen=True)
class Long:
    """Measures candidates that take many more tokens than the seed prompt."""

    async def run(self, search: Search) -> None:
        for place in range(100):
            (prompt,) = search.accept([Prompt(f"Answer++++++ {'x' * 30}{place}")], operator="x")
            await search.evaluate(prompt)


def test_a_verdict_that_the_budget_cuts_short_is_on_whole_pairs_and_says_so(
    tmp_path: Path,
) -> None:
    budget = Budget(max_tokens=13_500)
    result = optimize(tmp_path, task=fake_task(120), optimizer=Long(), budget=budget)
    assert result.best.prompt != result.seed.prompt
    assert result.verdict is not None
    assert not result.verdict.complete
    assert result.verdict.n == 50
    assert result.spent.tokens <= 13_500
    rows = (find_run("last", tmp_path).path / "test.jsonl").read_text().splitlines()
    assert len(rows) == 50


def test_a_test_split_that_is_refused_loses_no_result(tmp_path: Path) -> None:
    task = fake_task()
    tests = {example.inputs["input"] for example in task.test}

    class Filtered(FakeModel):
        async def complete(self, request: Request) -> Completion:
            if request.messages[-1].content in tests:
                raise ContentFilterError("refused")
            return await super().complete(request)

    result = optimize(tmp_path, task=task, model=Filtered())
    assert result.verdict is not None
    assert (result.verdict.favourable, result.verdict.best_score) == (False, 0)
    assert result.verdict.best_counts["refused"] == len(task.test)
    assert result.best.mean > result.seed.mean
    assert state(tmp_path) == "finished"


# --- ends -----------------------------------------------------------------------------------


@dataclass
class Failing(FakeModel):
    """Fails from its n-th request on, until it is mended."""

    after: int = 0
    error: ModelError | None = None
    action: Callable[[], None] | None = None
    closed: int = 0

    async def complete(self, request: Request) -> Completion:
        if len(self.requests) >= self.after:
            if self.action is not None:
                self.action()
            if self.error is not None:
                raise self.error
        return await super().complete(request)

    async def aclose(self) -> None:
        self.closed += 1


def figures(result: Result) -> tuple[Any, ...]:
    return (result.best, result.seed, result.verdict, result.spent.calls, result.spent.tokens)


@pytest.mark.parametrize("after", [0, 7, 25, 100, 230])
def test_a_model_that_gives_up_leaves_a_run_to_resume(after: int, tmp_path: Path) -> None:
    expected = optimize(tmp_path / "unbroken")
    model, writer = Failing(after=after, error=RateLimitError("busy")), FakeOptimizerModel()
    with pytest.raises(ModelUnavailable):
        optimize(tmp_path / "broken", model=model, optimizer_model=writer)
    assert state(tmp_path / "broken") == "interrupted"
    assert model.closed == 1
    again = FakeModel()
    result = optimize(tmp_path / "broken", model=again, optimizer_model=writer, run="last")
    assert figures(result) == figures(expected)
    made = len(model.requests) + len(again.requests) + len(writer.requests)
    assert made == expected.spent.calls
    assert state(tmp_path / "broken") == "finished"


@pytest.mark.parametrize("after", [0, 7, 25, 100, 230])
def test_a_stop_finishes_what_is_under_way_and_can_be_resumed(after: int, tmp_path: Path) -> None:
    expected = optimize(tmp_path / "unbroken")
    progress = Progress()
    progress.stop()  # Nothing to stop yet.
    model, writer = Failing(after=after, action=progress.stop), FakeOptimizerModel()
    with pytest.raises(Interrupted):
        optimize(tmp_path / "broken", model=model, optimizer_model=writer, progress=progress)
    assert state(tmp_path / "broken") == "interrupted"
    assert len(model.requests) <= after + 4  # What was under way, and no more.
    again = FakeModel()
    result = optimize(tmp_path / "broken", model=again, optimizer_model=writer, run="last")
    assert figures(result) == figures(expected)
    made = len(model.requests) + len(again.requests) + len(writer.requests)
    assert made == expected.spent.calls  # All that was answered was kept.


@pytest.mark.parametrize(
    "error", [AuthenticationError("key"), TaskError("scorer")], ids=["key", "scorer"]
)
def test_what_no_retry_mends_fails_the_run(error: Exception, tmp_path: Path) -> None:
    task = fake_task()
    if isinstance(error, ModelError):
        model = Failing(after=10, error=error)
    else:
        model = Failing(after=10**9)

        def broken(output: str, example: Example) -> Any:
            raise KeyError("bug")

        task = replace(task, scorer=broken)
    with pytest.raises(type(error)):
        optimize(tmp_path, model=model, task=task)
    assert state(tmp_path) == "failed"
    assert model.closed == 1
    Journal(find_run("last", tmp_path).journal_path).close()  # The lock was let go.


def test_a_failed_run_can_be_resumed_once_it_is_mended(tmp_path: Path) -> None:
    expected = optimize(tmp_path / "unbroken")
    with pytest.raises(AuthenticationError):
        optimize(tmp_path / "b", model=Failing(after=30, error=AuthenticationError("key")))
    assert figures(optimize(tmp_path / "b", run="last")) == figures(expected)


def test_a_second_process_does_not_touch_a_run_that_is_under_way(tmp_path: Path) -> None:
    seen: list[str] = []

    def intrude() -> None:
        if not seen:
            with pytest.raises(JournalError, match="in use by process"):
                resume_elsewhere(tmp_path)
            seen.append(state(tmp_path))

    result = optimize(tmp_path, model=Failing(after=30, action=intrude))
    assert seen == ["running"]
    assert state(tmp_path) == "finished"
    assert result.verdict is not None


def resume_elsewhere(home: Path) -> None:
    """Resume the last run as another process would."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(optimize, home, run="last").result()


def test_a_run_whose_time_was_over_still_gets_its_verdict(tmp_path: Path) -> None:
    """Stopped in the verdict, when the search's share of the time is long over."""
    task = fake_task()
    tests = {example.inputs["input"] for example in task.test}
    progress = Progress()

    class Stopping(FakeModel):
        async def complete(self, request: Request) -> Completion:
            if request.messages[-1].content in tests:
                progress.stop()
            return await super().complete(request)

    budget = Budget(max_minutes=10, max_calls=300)
    given: dict[str, Any] = {"task": task, "budget": budget}
    with pytest.raises(Interrupted):
        optimize(tmp_path, model=Stopping(), progress=progress, **given)
    with sqlite3.connect(find_run("last", tmp_path).journal_path) as db:
        db.execute("UPDATE sessions SET start = 0, last = 8.5 * 60")
    db.close()
    again = FakeModel()
    result = optimize(tmp_path, model=again, run="last", **given)
    assert result.verdict is not None
    assert result.verdict.complete
    asked = {request.messages[-1].content for request in again.requests}
    assert asked <= tests
    assert result.seconds >= 8.5 * 60


def test_a_model_for_both_roles_is_closed_once(tmp_path: Path) -> None:
    @dataclass
    class Both(Failing):
        def answer(self, request: Request) -> str:
            if "instruction" in request.messages[-1].content:
                return FakeOptimizerModel().answer(request)
            return super().answer(request)

    model = Both(after=10**9)
    result = optimize(tmp_path, model=model, optimizer_model=None)
    assert result.spent.calls == len(model.requests)
    assert model.closed == 1


def test_an_optimizer_with_several_seed_prompts(tmp_path: Path) -> None:
    prompts = (Prompt("Answer"), Prompt("Answer++"), Prompt("Answer+++++++"))
    task: Task = replace(fake_task(), seed_prompts=prompts)
    optimizer: Optimizer = Greedy(whole=True)
    result = optimize(tmp_path, task=task, optimizer=optimizer, budget=Budget(max_calls=130))
    assert result.seed.prompt == prompts[0]
    assert result.best.mean >= result.seed.mean


@dataclass(frozen=True)
class InParts:
    """Ends by itself, without one measurement on all of validation."""

    async def run(self, search: Search) -> None:
        for prompt in search.accept([Prompt("+" * 4), Prompt("+" * 8)], operator="x"):
            await search.evaluate(prompt, search.task.validation[:4])


def test_a_search_that_measured_parts_alone_ends_with_a_candidate(tmp_path: Path) -> None:
    found = optimize(tmp_path, optimizer=InParts())
    assert found.measured >= 1
    assert found.best.prompt != found.seed.prompt


@dataclass(frozen=True)
class Broken:
    """An optimizer with a bug."""

    async def run(self, search: Search) -> None:
        raise KeyError("oops")


def test_a_bug_in_an_optimizer_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Broken failed in .*test_session\.py, line \d+: Key"):
        asyncio.run(
            aoptimize(
                fake_task(),
                Broken(),
                model=FakeModel(),
                options=Options(track=False),
                home=tmp_path,
            )
        )


# --- a server that counts more than it can --------------------------------------------------


class Counts(FakeModel):
    """Counts 12,000 tokens in for each call after the first so many, and 3,000 out."""

    def __init__(self, after: int = 0) -> None:
        super().__init__()
        self.after = after

    async def complete(self, request: Request) -> Completion:
        found = await super().complete(request)
        self.after -= 1
        return found if self.after >= 0 else found._replace(usage=Usage(12_000, 3_000))


def test_what_a_server_counts_beyond_the_bound_is_said_with_the_result(tmp_path: Path) -> None:
    prices = {name: Price(1.0, 1.0) for name in ("fake", "fake-optimizer")}
    options = Options(track=False, max_concurrency=4, prices=prices)
    said = r"Overspent: \$0.0150 of \$0.0100. fake counted 15,000 tokens for a call that takes 1,0"
    with pytest.raises(SettingsError, match=said):
        optimize(tmp_path, model=Counts(), options=options, budget=Budget(max_usd=0.01))


def test_a_run_that_overspent_at_its_end_says_so(tmp_path: Path) -> None:
    prices = {name: Price(1.0, 1.0) for name in ("fake", "fake-optimizer")}
    options = Options(track=False, max_concurrency=4, prices=prices)
    budget = Budget(max_usd=0.02, max_calls=120)
    result = optimize(tmp_path, model=Counts(after=16), options=options, budget=budget)
    assert result.overspent.startswith("Overspent: $0.")
    assert "of $0.0200. fake counted 15,000 tokens" in result.overspent
    assert result.to_dict()["overspent"] == result.overspent


def test_within_the_limit_a_broken_bound_ends_the_search_and_overspends_nothing(
    tmp_path: Path,
) -> None:
    prices = {name: Price(1.0, 1.0) for name in ("fake", "fake-optimizer")}
    options = Options(track=False, max_concurrency=4, prices=prices)
    result = optimize(tmp_path, model=Counts(), options=options, budget=Budget(max_usd=1.5))
    assert (result.spent.usd or 0) <= 1.5
    assert result.overspent == ""
