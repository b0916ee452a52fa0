"""What a user's function may give as a score, and that it cannot end apo without a word."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apo.assessment.evaluate import evaluate
from apo.calls.budget import Budget
from apo.calls.meter import Meter
from apo.calls.options import Options
from apo.errors import SettingsError, TaskError
from apo.prompts.prompt import Prompt
from apo.run.optimize import optimize
from apo.scorers.awaited import AsyncScorer, try_scorer
from apo.scorers.function import FunctionScorer
from apo.search.search import Search
from apo.task import Example, Score, Task
from apo.taskfile.load import task_from_data
from apo.testing import FakeModel, fake_task
from apo.user_code import load_object

EXAMPLE = Example({"x": "a"}, ("b",))


def always(given: Any) -> Callable[[str, Example], Any]:
    def score(output: str, example: Example) -> Any:
        return given

    return score


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (np.bool_(True), 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(0), 0.0),
        (np.array(0.25), 0.25),
        (Fraction(1, 4), 0.25),
        (Score(np.float32(0.5), np.bool_(False)), 0.5),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (as users do)
    ],
)
def test_numbers_of_any_library(given: Any, value: float) -> None:
    score = FunctionScorer(function=always(given), name="mine")("b", EXAMPLE)
    assert (score.value, type(score.value), type(score.well_formed)) == (value, float, bool)


def test_a_task_made_in_python_takes_them_too() -> None:
    given: Any = np.float32(0.5)
    task = Task(
        name="t",
        scorer=lambda output, example: Score(given),
        seed_prompts=(Prompt("x"),),
        train=(),
        validation=(),
    )
    assert task.judge("b", EXAMPLE).value == 0.5


@pytest.mark.parametrize("given", [np.float64("nan"), np.array([1.0]), "1", None, 1.5, [1]])
def test_what_is_no_score_is_refused(given: Any) -> None:
    scorer = FunctionScorer(function=always(given), name="mine")
    with pytest.raises(TaskError, match="it must give a Score, a bool, or a number from 0 to 1"):
        scorer("b", EXAMPLE)


def leaves(output: str, example: Example) -> float:
    sys.exit(3)


async def leaves_later(output: str, example: Example) -> float:
    sys.exit(3)


async def nobody(questions: Any) -> list[str]:
    return []


def test_an_exit_in_a_scorer_is_told(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"mine failed on example .*SystemExit: 3"):
        FunctionScorer(function=leaves, name="mine")("b", EXAMPLE)
    with pytest.raises(TaskError, match=r"mine failed on example .*SystemExit: 3"):
        asyncio.run(AsyncScorer(function=leaves_later, name="mine").score("b", EXAMPLE, nobody))
    (tmp_path / "mine.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(TaskError, match=r"mine\.py, line 2: SystemExit: 3"):
        load_object("mine.py:score", tmp_path)


async def number_later(output: str, example: Example) -> float:
    return 1.0


@pytest.mark.parametrize("made", [leaves, leaves_later, always("good"), always((1.0, "good"))])
def test_a_scorer_is_tried_before_anything_is_paid(made: Any, tmp_path: Path) -> None:
    rows = [{"x": f"text {i}", "y": "b"} for i in range(60)]
    task = task_from_data(rows, inputs="x", target="y", prompt="Sort.", scorer=made)
    model = FakeModel()
    with pytest.raises(TaskError, match="Tried before the first call: The scorer"):
        optimize(task, "opro", model=model, home=tmp_path, options=Options(track=False))
    assert not model.requests


def of_the_example(output: str, target: Any) -> bool:
    return bool(output == target)


async def later_of_the_example(output: str, target: Any) -> bool:
    return bool(output == target)


def of_its_text(output: str, target: Any) -> float:
    return float(output in str(target).split() if output else 0)


@pytest.mark.parametrize("made", [of_the_example, later_of_the_example, of_its_text])
def test_a_scorer_that_no_target_can_please_is_told(made: Any, tmp_path: Path) -> None:
    rows = [{"x": f"text {i}", "y": "label"} for i in range(60)]
    task = task_from_data(rows, inputs="x", target="y", prompt="Sort.", scorer=made)
    model = FakeModel()
    with pytest.raises(TaskError, match=r"gives 0 to each answer .* compare the answer with exam"):
        optimize(task, "opro", model=model, home=tmp_path, options=Options(track=False))
    assert not model.requests


@pytest.mark.parametrize("given", [None, (1.0, "good"), 100])
def test_an_evaluation_tries_it_too(given: Any) -> None:
    rows = [{"x": f"text {i}", "y": "b"} for i in range(60)]
    task = task_from_data(rows, inputs="x", target="y", prompt="Sort.", scorer=always(given))
    with pytest.raises(TaskError, match=r"Tried before the first call: .* must give a Score"):
        evaluate(task, task.seed_prompts[0])


def none_when_wrong(output: str, example: Example) -> Any:
    return 1 if output == example.target else None


def none_when_silent(output: str, example: Example) -> Any:
    return int(output == example.target) if output else None


def fails_when_silent(output: str, example: Example) -> Any:
    return output.split()[0] == example.target


def fails_when_wrong(output: str, example: Example) -> Any:
    return {example.target: 1}[output]


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        (none_when_wrong, "gave None"),
        (none_when_silent, "gave None"),
        (fails_when_silent, "IndexError"),
        (fails_when_wrong, "KeyError: 'x'"),
    ],
)
def test_a_wrong_answer_and_none_are_tried_too(scorer: Any, said: str) -> None:
    rows = [{"x": f"text {i}", "y": "b"} for i in range(60)]
    model = FakeModel()
    task = task_from_data(rows, inputs="x", target="y", prompt="Sort.", scorer=scorer)
    with pytest.raises(TaskError, match=f"Tried before the first call: .*{said}"):
        evaluate(task, task.seed_prompts[0], model=model)
    assert model.requests == []


@pytest.mark.parametrize("form", ["#### b", "<answer>b</answer>", ""])
def test_a_scorer_of_a_form_or_of_silence_is_none(form: str) -> None:
    def score(output: str, example: Example) -> bool:
        return output == form

    task = Task(
        name="t",
        scorer=FunctionScorer(function=score, name="mine"),
        seed_prompts=(Prompt("x"),),
        train=(),
        validation=(EXAMPLE,),
    )
    asyncio.run(try_scorer(task, task.validation))


@pytest.mark.parametrize(
    ("budget", "seconds", "said"),
    [
        (Budget(max_minutes=0.0001), 1, "(--max-minutes, 0.0001 minutes)"),
        (Budget(max_minutes=2), 120, "(--max-minutes, 2 minutes)"),
        (Budget(max_minutes=2), 119, ""),
        (Budget(max_calls=1), 9_999, ""),
    ],
)
def test_the_end_of_the_time_names_the_minutes(budget: Budget, seconds: float, said: str) -> None:
    meter = Meter(budget, earlier_seconds=seconds, clock=lambda: 0.0)
    assert said in " ".join(meter.time_notes())
    assert bool(meter.time_notes()) == bool(said)


def test_one_that_works_is_asked_once_more() -> None:
    task = Task(
        name="t",
        scorer=AsyncScorer(function=number_later, name="mine"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (awaited)
        seed_prompts=(Prompt("x"),),
        train=(),
        validation=(EXAMPLE,),
    )
    asyncio.run(try_scorer(task, task.validation))


@dataclass(frozen=True)
class Leaving:
    """An optimizer that leaves."""

    async def run(self, search: Search) -> None:
        """Leave."""
        sys.exit(3)


def test_an_exit_in_an_optimizer_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Leaving failed in .* SystemExit: 3"):
        optimize(
            fake_task(), Leaving(), model=FakeModel(), home=tmp_path, options=Options(track=False)
        )
