"""Scorers with worker processes: the same scores and errors, beside the event loop."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo.concurrency import gather
from apo.errors import TaskError
from apo.scorers.awaited import Question, judge
from apo.scorers.function import FunctionScorer
from apo.scorers.pool import PooledScorer
from apo.scorers.registry import make_scorer
from apo.task import Example, Score, Task
from apo.testing import fake_task

MINE = """
import os
from apo.task import Score

def score(output, example, bonus=0.0):
    if output == "raise":
        raise ValueError("as was to be expected")
    if output == "die":
        os._exit(3)
    if output == "two":
        return 2
    return Score(min(1.0, len(output) / 10 + bonus), True, str(os.getpid()))
"""
EXAMPLE = Example({"input": "x"}, ("예",))


async def nobody(questions: Sequence[Question]) -> list[str]:
    raise AssertionError("these scorers ask no model")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def pooled(folder: Path) -> Iterator[Task]:
    scorer = make_scorer({"name": "mine.py:score", "bonus": 0.1, "workers": 2}, folder=folder)
    assert isinstance(scorer, PooledScorer)
    with scorer.opened():
        yield replace(fake_task(), scorer=scorer)


def plain(folder: Path) -> Task:
    scorer = make_scorer({"name": "mine.py:score", "bonus": 0.1}, folder=folder)
    return replace(fake_task(), scorer=scorer)


def test_the_same_scores_in_order_from_other_processes(pooled: Task, folder: Path) -> None:
    outputs = ["", "a", "한국어", "a" * 20, "\n"]

    async def score_all() -> list[Score]:
        first = asyncio.ensure_future(judge(pooled, outputs[0], EXAMPLE, nobody))
        await asyncio.sleep(0)
        assert not first.done()  # The loop went on meanwhile.
        return [await first, *await gather(judge(pooled, o, EXAMPLE, nobody) for o in outputs[1:])]

    found = asyncio.run(score_all())
    assert [s.value for s in found] == [plain(folder).judge(o, EXAMPLE).value for o in outputs]
    assert str(os.getpid()) not in {s.feedback for s in found}


@pytest.mark.parametrize("output", ["raise", "two"])
def test_the_same_errors(output: str, pooled: Task, folder: Path) -> None:
    with pytest.raises(TaskError) as alone:
        plain(folder).judge(output, EXAMPLE)
    with pytest.raises(TaskError) as there:
        asyncio.run(judge(pooled, output, EXAMPLE, nobody))
    assert str(there.value) == str(alone.value)


def test_a_death_is_told_and_the_next_run_has_new_workers(pooled: Task) -> None:
    with pytest.raises(TaskError, match=r"mine.py:score died while it scored"):
        asyncio.run(judge(pooled, "die", EXAMPLE, nobody))
    assert asyncio.run(judge(pooled, "abcd", EXAMPLE, nobody)).value == 0.5


def test_a_scorer_without_workers_is_called_here(folder: Path) -> None:
    task = plain(folder)
    assert type(task.scorer) is FunctionScorer
    assert asyncio.run(judge(task, "abc", EXAMPLE, nobody)) == task.judge("abc", EXAMPLE)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"name": "mine.py:score", "workers": 0}, "number from 1"),
        ({"name": "mine.py:score", "workers": True}, "number from 1"),
        ({"name": "exact", "workers": 2}, "leave them out"),
    ],
)
def test_wrong_workers(spec: dict[str, Any], told: str, folder: Path) -> None:
    with pytest.raises(TaskError, match=told):
        make_scorer(spec, folder=folder)
