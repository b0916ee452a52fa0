"""The contract of an optimizer, as tests.

class TestMine(OptimizerSuite):
    @pytest.fixture
    def optimizer(self) -> Optimizer:
        return Mine()
"""

import asyncio
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from apo.budget import Budget
from apo.journal_rows import Event
from apo.model import Request
from apo.optimize import aoptimize
from apo.options import Options
from apo.result import Result
from apo.runs import find_run
from apo.session import Optimizer
from apo.task import Task
from apo.testing.fakes import FakeModel, FakeOptimizerModel, draw, fake_task


@dataclass(frozen=True)
class Outcome:
    """A run and everything that can be seen of it."""

    result: Result
    task_model: FakeModel
    optimizer_model: FakeOptimizerModel
    events: list[Event]

    @property
    def calls(self) -> int:
        """Requests that the models answered."""
        return len(self.task_model.requests) + len(self.optimizer_model.requests)

    def requests(self) -> list[list[Request]]:
        """The requests to each model, whatever their order."""
        return [sorted(m.requests, key=repr) for m in (self.task_model, self.optimizer_model)]


class OptimizerSuite:
    """Every optimizer in apo.optimizers passes this; so should yours."""

    @pytest.fixture
    def optimizer(self) -> Optimizer:
        raise NotImplementedError("Give the suite an optimizer fixture; see apo.testing.suite.")

    def run(
        self,
        home: Path,
        optimizer: Optimizer,
        calls: int = 600,
        *,
        seed: int = 0,
        delay_seed: int | None = None,
        max_concurrency: int = 8,
        run: str | None = None,
        task: Task | None = None,
    ) -> Outcome:
        """Run the optimizer with fakes; `run` goes on with a run of the same home."""
        models = FakeModel(delay_seed), FakeOptimizerModel(delay_seed)
        result = asyncio.run(
            aoptimize(
                task or fake_task(),
                optimizer,
                model=models[0],
                optimizer_model=models[1],
                budget=Budget(max_calls=calls),
                options=Options(seed=seed, max_concurrency=max_concurrency, track=False),
                home=home,
                run=run,
            )
        )
        with find_run(result.run_id, home).open_journal() as journal:
            return Outcome(result, *models, list(journal.events()))

    @pytest.mark.parametrize("calls", [60, 61, 100, 237, 600])
    def test_never_overspends(self, optimizer: Optimizer, calls: int, tmp_path: Path) -> None:
        outcome = self.run(tmp_path, optimizer, calls)
        assert outcome.calls == outcome.result.spent.calls <= calls

    def test_never_returns_worse_than_the_seed(self, optimizer: Optimizer, tmp_path: Path) -> None:
        for seed in range(3):
            result = self.run(tmp_path, optimizer, seed=seed).result
            assert result.best.value >= result.seed.value
            assert len(result.best.rollouts) == len(result.seed.rollouts)

    @pytest.mark.parametrize("max_concurrency", [1, 32])
    @pytest.mark.parametrize("delay_seed", [1, 2])
    def test_makes_the_same_calls_whatever_the_timing(
        self, optimizer: Optimizer, delay_seed: int, max_concurrency: int, tmp_path: Path
    ) -> None:
        expected = self.run(tmp_path, optimizer)
        other = self.run(
            tmp_path, optimizer, delay_seed=delay_seed, max_concurrency=max_concurrency
        )
        assert other.result.best == expected.result.best
        assert other.requests() == expected.requests()

    @pytest.mark.parametrize("part", ["early", "middle", "late"])
    def test_resumes_from_its_journal_without_repeating_a_call(
        self, optimizer: Optimizer, part: str, tmp_path: Path
    ) -> None:
        unbroken = self.run(tmp_path / "unbroken", optimizer)
        third = ("early", "middle", "late").index(part) / 3
        small = int((third + draw(f"{optimizer} {part}") / 3) * unbroken.result.spent.calls)
        task = fake_task()
        first = self.run(tmp_path / "broken", optimizer, 600, task=task, delay_seed=3)
        assert first.result.best == unbroken.result.best
        forget(tmp_path / "broken", first.result.run_id, keep=small)
        second = self.run(tmp_path / "broken", optimizer, task=task, run=first.result.run_id)
        assert second.result.best == unbroken.result.best
        assert second.calls == unbroken.calls - small
        assert second.result.spent == unbroken.result.spent
        assert [e[1:3] for e in second.events] == [e[1:3] for e in first.events]

    def test_ends_when_the_seed_is_already_perfect(
        self, optimizer: Optimizer, tmp_path: Path
    ) -> None:
        task = fake_task(seed_prompt="Answer" + "+" * 8)
        outcome = self.run(tmp_path, optimizer, 5000, task=task)
        assert outcome.result.best.value == 1
        assert outcome.calls < 5000

    def test_settings_are_data(self, optimizer: Optimizer) -> None:
        settings = {field.name: getattr(optimizer, field.name) for field in fields(optimizer)}
        assert optimizer == type(optimizer)(**settings)
        hash(optimizer)


def forget(home: Path, run: str, *, keep: int) -> None:
    """Cut a journal back to its first calls, as if the run had been killed after them."""
    import sqlite3

    path = find_run(run, home).journal_path
    database = sqlite3.connect(path)
    with database:
        database.execute(
            "DELETE FROM calls WHERE key NOT IN (SELECT key FROM calls ORDER BY at, key LIMIT ?)",
            (keep,),
        )
    database.close()
