"""The contract of an optimizer, as tests.

class TestMine(OptimizerSuite):
    @pytest.fixture
    def optimizer(self) -> Optimizer:
        return Mine()
"""

import asyncio
import shutil
import sqlite3
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.model import Request
from apo.results.result import Result
from apo.run.optimize import aoptimize
from apo.search.search import Optimizer
from apo.storage.folder import find_run
from apo.storage.rows import Event
from apo.task import Task
from apo.testing.fakes import FakeModel, FakeOptimizerModel, draw, fake_task

SIZE, CALLS = 10, 300
"""Examples of a pool, and calls of a run: the fewest that lead optimizers through all they do."""


@dataclass(frozen=True)
class Observed:
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
        calls: int = CALLS,
        *,
        seed: int = 0,
        delay_seed: int | None = None,
        max_concurrency: int = 8,
        run: str | None = None,
        task: Task | None = None,
    ) -> Observed:
        """Run the optimizer with fakes; `run` goes on with a run of the same home."""
        models = FakeModel(delay_seed), FakeOptimizerModel(delay_seed)
        result = asyncio.run(
            aoptimize(
                task or fake_task(SIZE),
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
            return Observed(result, *models, list(journal.events()))

    @pytest.mark.parametrize(("calls", "seed"), [(30, 0), (31, 0), (50, 1), (119, 2)])
    def test_never_overspends_nor_returns_worse_than_the_seed(
        self, optimizer: Optimizer, calls: int, seed: int, tmp_path: Path
    ) -> None:
        sound(self.run(tmp_path, optimizer, calls, seed=seed), calls)

    def test_makes_the_same_calls_whatever_the_timing(
        self, optimizer: Optimizer, tmp_path: Path
    ) -> None:
        in_turn = self.run(tmp_path, optimizer, seed=1, max_concurrency=1)
        sound(in_turn, CALLS)
        at_once = self.run(tmp_path, optimizer, seed=1, delay_seed=2, max_concurrency=32)
        assert at_once.result.best == in_turn.result.best
        assert at_once.requests() == in_turn.requests()

    def test_resumes_from_its_journal_without_repeating_a_call(
        self, optimizer: Optimizer, tmp_path: Path
    ) -> None:
        task = fake_task(SIZE)  # One for all, as a resumed run must be given what it had.
        first = self.run(tmp_path / "whole", optimizer, task=task, delay_seed=3)
        sound(first, CALLS)
        spent = first.result.spent.calls
        for half in range(2):  # Early and late.
            kept = int((half + draw(f"{optimizer} {half}")) / 2 * spent)
            home = tmp_path / f"kept-{kept}"
            shutil.copytree(tmp_path / "whole", home)
            forget(home, first.result.run_id, keep=kept)
            second = self.run(home, optimizer, task=task, run=first.result.run_id)
            assert second.result.best == first.result.best
            assert second.calls == first.calls - kept
            assert second.result.spent == first.result.spent
            assert [e[1:3] for e in second.events] == [e[1:3] for e in first.events]

    def test_ends_when_the_seed_is_already_perfect(
        self, optimizer: Optimizer, tmp_path: Path
    ) -> None:
        task = fake_task(SIZE, seed_prompt="Answer" + "+" * 8)
        outcome = self.run(tmp_path, optimizer, 5000, task=task)
        assert outcome.result.best.value == 1
        assert outcome.calls < 5000

    def test_settings_are_data(self, optimizer: Optimizer) -> None:
        settings = {field.name: getattr(optimizer, field.name) for field in fields(optimizer)}
        assert optimizer == type(optimizer)(**settings)
        hash(optimizer)


def sound(outcome: Observed, calls: int) -> None:
    """Make sure that a run kept to its budget and did not lose what it began with."""
    result = outcome.result
    assert outcome.calls == result.spent.calls <= calls
    assert result.best.value >= result.seed.value
    assert len(result.best.rollouts) == len(result.seed.rollouts)


def forget(home: Path, run: str, *, keep: int) -> None:
    """Cut a journal back to its first calls, as if the run had been killed after them."""
    path = find_run(run, home).journal_path
    database = sqlite3.connect(path)
    with database:
        database.execute(
            "DELETE FROM calls WHERE key NOT IN (SELECT key FROM calls ORDER BY at, key LIMIT ?)",
            (keep,),
        )
    database.close()
