"""A limit in minutes: the speed of the first answers says for how many examples there is time."""

import asyncio
import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from apo import Budget, Completion, Options, Request, Result, Task, aoptimize
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.run.pacing import pace_notes, paced
from apo.run.recorded import measured_task
from apo.storage.folder import find_run
from apo.storage.journal import Journal
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from tests.virtual_time import run_virtually

TASK = fake_task(60)


@dataclass
class Slow(FakeModel):
    """Takes so many seconds for an answer, however many are under way."""

    seconds: float = 2.0

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(self.seconds)
        return await super().complete(request)


def fitted(journal: Journal, seconds: float, minutes: float | None) -> tuple[Task, Meter, int]:
    """The task at a pace of four calls at once, the meter, and how many calls that took."""
    model, meter = Slow(seconds=seconds), Meter(Budget(max_minutes=minutes))

    async def main() -> Task:
        return await paced(Caller(journal, meter), Endpoint("task", model), TASK, 4)

    return run_virtually(main()), meter, len(model.requests)


@pytest.mark.parametrize(
    ("seconds", "minutes", "validation", "test"),
    [
        (2.0, 4, 25, 43),  # 2 a second: 287 calls, 0.3 of them for pairs, an eighth of the rest.
        (2.0, 60, 60, 60),  # Time for all.
        (600.0, 1, 2, 2),  # Hardly for anything.
    ],
)
def test_the_time_says_how_many_examples(
    seconds: float, minutes: float, validation: int, test: int
) -> None:
    with Journal() as journal:
        task, meter, _ = fitted(journal, seconds, minutes)
        assert (len(task.validation), len(task.test)) == (validation, test)
        assert meter.planned == pytest.approx(0.6 * 60 * minutes * 4 / seconds, abs=1)
        (*told,) = pace_notes(journal)
    assert len(told) == ((validation, test) != (60, 60))
    if told:
        assert f"{validation} of 60 validation and {test} of 60 test examples" in told[0]
        assert " a second, so that the time lets expect about " in told[0]


def test_a_resumed_run_keeps_its_pace() -> None:
    with Journal() as journal:
        task, meter, calls = fitted(journal, 2.0, 4)
        again, other, none = fitted(journal, 0.001, 4)
    assert (task.validation, task.test) == (again.validation, again.test)
    assert meter.planned == other.planned
    assert calls == 16
    assert none == 0


def test_without_a_limit_in_minutes_nothing_is_tried() -> None:
    with Journal() as journal:
        task, meter, calls = fitted(journal, 2.0, None)
    assert (task, meter.planned, calls) == (TASK, math.inf, 0)


def test_a_search_plans_with_the_calls_that_there_is_time_for() -> None:
    meter = Meter(Budget(max_minutes=5))
    assert math.isinf(meter.calls_left)
    meter.planned = 100
    meter.hold_back("verdict", max_calls=40)
    meter.charge(25)
    assert meter.calls_left == 35
    meter.charge(50)  # Time is what ends it.
    assert meter.calls_left < 0


def test_a_slow_model_comes_to_a_verdict_in_its_time(tmp_path: Path) -> None:
    async def run() -> Result:
        return await aoptimize(
            TASK,
            "random-search",
            model=Slow(),
            optimizer_model=FakeOptimizerModel(),
            budget=Budget(max_minutes=2, max_calls=160),  # The clock of limits is not virtual.
            options=Options(track=False, max_concurrency=4),
            home=tmp_path,
        )

    result = run_virtually(run())
    assert result.verdict is not None
    assert result.verdict.complete
    assert len(result.seed.rollouts) < 60
    assert any("A higher --max-minutes uses more" in note for note in result.notes)
    kept = measured_task(find_run("last", tmp_path), TASK)
    assert {e.inputs["input"] for e in kept.validation} == {
        r.example.inputs["input"] for r in result.seed.rollouts
    }
