"""Whatever ends a run, a measurement, a gate or an audit: no process of a scorer is left."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, Options, Prompt, Task, TaskError
from apo.assessment.evaluate import aevaluate
from apo.assessment.gate import agate
from apo.audit.audit import aaudit
from apo.run.estimate import aestimate
from apo.run.optimize import aoptimize
from apo.scorers.awaited import judge, opened
from apo.scorers.registry import make_scorer
from apo.scorers.reward import Part, Reward
from apo.testing import FakeModel, FakeOptimizerModel, fake_task

MINE = """
import os, time
from pathlib import Path

def same(output, example):
    return float(output == example.target)

def fails(output, example):
    if output == example.target == "x7":
        raise ValueError("as was to be expected")
    return 0.5

def hangs(output, example, at="x7"):
    if output == example.target == at:
        Path(__file__).with_name("hanging").touch()
        while True:
            time.sleep(1)
    return 0.5

def whose(output, example):
    return float(os.getpid() % 2 == 0)
"""
Work = Callable[[Task, Path], Coroutine[Any, Any, object]]


def _optimize(task: Task, home: Path) -> Coroutine[Any, Any, object]:
    return aoptimize(
        task,
        "random-search",
        model=FakeModel(),
        optimizer_model=FakeOptimizerModel(),
        budget=Budget(max_calls=40),
        options=Options(track=False),
        home=home,
    )


def _estimate(task: Task, home: Path) -> Coroutine[Any, Any, object]:
    folder: Any = task
    return aestimate(
        folder,
        model=FakeModel(),
        optimizer_model=FakeOptimizerModel(),
        options=Options(track=False),
        home=home,
    )


def _evaluate(task: Task, home: Path) -> Coroutine[Any, Any, object]:
    return aevaluate(task, Prompt("+++++++++"), model=FakeModel(), split="validation")


def _gate(task: Task, home: Path) -> Coroutine[Any, Any, object]:
    return agate(task, Prompt("+"), Prompt("+++++++++"), model=FakeModel(), split="validation")


def _audit(task: Task, home: Path) -> Coroutine[Any, Any, object]:
    return aaudit(task, Prompt("+++++++++"), model=FakeModel(), max_calls=6)


WORK = [_optimize, _estimate, _evaluate, _gate, _audit]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Task]]:
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    before = multiprocessing.active_children()

    def task(function: str, **settings: str) -> Task:
        spec = {"name": f"mine.py:{function}", "workers": 1, **settings}
        validation = tuple(e for e in fake_task(8).train)
        scorer = make_scorer(spec, folder=tmp_path)
        return replace(fake_task(8), scorer=scorer, validation=validation)

    yield task
    assert multiprocessing.active_children() == before


@pytest.mark.parametrize("work", WORK)
def test_the_end_ends_the_workers(work: Work, make: Callable[[str], Task], tmp_path: Path) -> None:
    asyncio.run(work(make("same"), tmp_path))


def test_a_scorer_that_fails_ends_them(make: Callable[[str], Task], tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="as was to be expected"):
        asyncio.run(_evaluate(make("fails"), tmp_path))


@pytest.mark.parametrize("at", ["x0", "x7"])  # While it is tried before the first call, and later.
def test_one_that_hangs_is_not_waited_for(
    at: str, make: Callable[..., Task], tmp_path: Path
) -> None:
    """As after the second Ctrl-C."""

    async def break_off() -> None:
        work = asyncio.ensure_future(_evaluate(make("hangs", at=at), tmp_path))
        while not (tmp_path / "hanging").exists():
            await asyncio.wait({work}, timeout=0.01)
        work.cancel()
        await work

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(break_off())


def test_the_last_of_two_runs_ends_them(make: Callable[[str], Task]) -> None:
    task = make("whose")
    parts = (Part(name="form", scorer=task.scorer), Part(name="content", scorer=task.scorer))

    async def score(task: Task) -> float:
        found = await judge(task, "x", task.test[0], None)  # type: ignore[arg-type]
        return found.value

    async def both() -> None:
        with opened(task.scorer):
            with opened(task.scorer):
                first = await score(task)
            assert await score(task) == first
            assert len(multiprocessing.active_children()) == 1
            with opened(reward := Reward(parts=parts)):
                assert await score(replace(task, scorer=reward)) == first
            assert await score(task) == first
            assert os.getpid() not in {p.pid for p in multiprocessing.active_children()}

    asyncio.run(both())
