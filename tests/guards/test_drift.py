"""A scorer that says two things about one answer: an error for a function, noise for a judge."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from apo import Budget, Example, Prompt, Task, TaskError
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.measure import measure
from apo.guards.drift import N_AGAIN, N_ASKED, Drift, check_scorer
from apo.model import Completion, Request
from apo.scorers.awaited import AsyncScorer
from apo.scorers.judge import Judge
from apo.storage.journal import Journal
from apo.task import Score, Scorer
from apo.testing.fakes import FakeModel

EXAMPLES = [Example({"input": f"x{i}"}, (f"x{i}",)) for i in range(30)]


class Grader(FakeModel):
    """A judge that gives the next of its grades."""

    def __init__(self, grades: str) -> None:
        super().__init__()
        self.grades = itertools.cycle(grades)

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        return Completion(text=f"<reason>So.</reason> <grade>{next(self.grades)}</grade>")


def check(scorer: Scorer, grades: str = "3", max_calls: int = 1000) -> tuple[Drift | None, Grader]:
    """Measure a prompt and check its scorer, with a judge that gives these grades in turn."""
    grader = Grader(grades)

    async def work() -> Drift | None:
        with Journal() as journal:
            meter = Meter(Budget(max_calls=max_calls))
            judges = {"": Endpoint("judge", grader)}
            caller = Caller(journal, meter, judges=judges)
            task = Task(
                name="t", scorer=scorer, seed_prompts=(Prompt("+++"),), train=EXAMPLES,
                validation=EXAMPLES,
            )  # fmt: skip
            model = Endpoint("task", FakeModel())
            seed: Evaluation = await measure(caller, model, task, Prompt("+++"), EXAMPLES)
            return await check_scorer(caller, task, seed)

    return asyncio.run(work()), grader


def steps(*values: float) -> Callable[[str, Example], float]:
    """A scorer with a memory: it goes through these values."""
    given = itertools.cycle(values)
    return lambda output, example: next(given)


def scored(function: Callable[[str, Example], float]) -> Scorer:
    return lambda output, example: Score(function(output, example))


def test_a_scorer_that_changes_its_mind_is_an_error_that_says_what_to_do() -> None:
    # 30 answers take the first 30 values; the ones after are those of the check.
    with pytest.raises(TaskError, match=r"gave 0\.4 and then 0\.7 for the same answer") as error:
        check(scored(steps(*[0.4] * 30, *[0.7] * 30)))
    assert "Make it deterministic: fix its random seed" in str(error.value)


def test_it_is_found_late_in_the_answers_too() -> None:
    with pytest.raises(TaskError, match="gave 1 and then 0 "):
        check(scored(steps(*[1.0] * 30, *[1.0] * (N_AGAIN - 1), 0.0, *[1.0] * 10)))


def test_an_awaited_function_is_held_to_it_as_well() -> None:
    values = itertools.cycle([*[0.4] * 30, *[0.7] * 30])

    async def slow(output: str, example: Example) -> float:
        await asyncio.sleep(0)
        return next(values)

    with pytest.raises(TaskError, match=r"gave 0\.4 and then 0\.7"):
        check(AsyncScorer(function=slow, name="slow"))  # type: ignore[arg-type]  # awaited


def test_a_scorer_that_keeps_to_what_it_said() -> None:
    drift, grader = check(scored(lambda output, example: len(output) % 2 / 2))
    assert drift == Drift(n=N_AGAIN, differences=(0.0,) * N_AGAIN)
    assert str(drift) == ""
    assert not grader.requests


def test_the_noise_of_a_judge_is_told_and_costs_a_handful_of_calls() -> None:
    judge = Judge(rubric="Good.")
    steady, grader = check(judge)  # type: ignore[arg-type]  # awaited
    assert steady is not None
    assert str(steady) == ""
    assert len(grader.requests) == 30 + N_ASKED
    drifting, _ = check(judge, "5" * 30 + "3")  # type: ignore[arg-type]  # awaited
    assert drifting is not None
    assert max(drifting.differences) == 0.5
    assert "asked again about the same 5 answers, it moved" in str(drifting)
    assert "set samples to 3 or more" in str(drifting)


def test_a_budget_without_room_and_a_judge_without_grades_end_nothing() -> None:
    judge = Judge(rubric="Good.")
    assert check(judge, max_calls=60)[0] is None  # type: ignore[arg-type]  # awaited
    assert check(judge, "?")[0] is None  # type: ignore[arg-type]  # awaited
