"""The gate: it ends when one prompt is clearly better, and seldom errs however often it looks."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apo import Budget, DataError, Options, Prompt, SettingsError, Task
from apo.assessment.gate import Gate, agate
from apo.cli import app
from apo.model import Completion, Request
from apo.storage.journal import Journal
from apo.testing import FakeModel, fake_task

TASK = fake_task()
OLD = Prompt("Old")
GOOD, BAD = Prompt("New ++++++++"), Prompt("New")


def gate(old: Prompt, new: Prompt, task: Task = TASK, **given: Any) -> tuple[Gate, FakeModel]:
    model = FakeModel()
    return asyncio.run(agate(task, old, new, model=model, **given)), model


def rows(n: int) -> Task:
    example = TASK.test[0]
    made = [replace(example, inputs={"input": f"w{i}"}, targets=(f"w{i}",)) for i in range(n)]
    return replace(TASK, test=tuple(made))


def test_it_ends_when_it_is_clear() -> None:
    found, model = gate(OLD, GOOD, rows(2000))
    assert found.decision == "better"
    assert found.interval[0] > 0
    assert found.n < 200
    assert len(model.requests) == 2 * found.n
    turned, _ = gate(GOOD, OLD, rows(2000))
    assert (turned.decision, turned.n) == ("worse", found.n)
    assert turned.interval == pytest.approx((-found.interval[1], -found.interval[0]))


class InTurns(FakeModel):
    """Two servers behind one address: one is always right, the other, each second time, never."""

    async def complete(self, request: Request) -> Completion:
        found = await super().complete(request)
        right = request.messages[-1].content if len(self.requests) % 2 else "?"
        return found._replace(text=right)


@pytest.mark.parametrize("at_once", [1, 8])
def test_two_servers_in_turns_pass_for_no_gain(at_once: int) -> None:
    options = Options(track=False, max_concurrency=at_once)
    found = asyncio.run(agate(rows(400), OLD, BAD, model=InTurns(), options=options))
    assert found.decision == "open"
    assert abs(found.new_score - found.old_score) < 0.1


def test_what_is_not_clear_stays_open() -> None:
    found, model = gate(OLD, BAD, rows(300))
    assert found.decision == "open"
    assert found.n == found.rows == 300
    assert found.interval[0] < 0 < found.interval[1]
    assert len(model.requests) == 600


@pytest.mark.slow
def test_who_is_no_better_seldom_passes() -> None:
    """Forty gates of prompts that are as good as each other, each with seven looks."""
    rng = random.Random(3)
    task = rows(200)
    passed = [
        gate(Prompt(f"A{rng.random()} ++"), Prompt(f"B{rng.random()} ++"), task)[0].decision
        for _ in range(40)
    ]
    assert passed.count("better") <= 3


def test_the_budget_ends_it_without_an_error() -> None:
    found, model = gate(OLD, BAD, rows(300), budget=Budget(max_calls=70))
    assert (found.decision, found.n) == ("open", 30)
    assert len(model.requests) == 60
    with pytest.raises(DataError, match="nothing to compare"):
        gate(OLD, BAD, rows(300), budget=Budget(max_calls=30))


def test_kept_answers_are_not_asked_for_again() -> None:
    with Journal() as journal:
        first, model = gate(OLD, GOOD, rows(500), journal=journal)
        again, idle = gate(OLD, GOOD, rows(500), journal=journal)
    assert again == first
    assert model.requests
    assert not idle.requests


def test_what_cannot_be_compared() -> None:
    with pytest.raises(SettingsError, match="the same"):
        gate(OLD, OLD)
    with pytest.raises(SettingsError, match="no split 'tset'"):
        gate(OLD, GOOD, split="tset")
    with pytest.raises(DataError, match="no test examples"):
        gate(OLD, GOOD, replace(TASK, test=()))


def test_the_command_ends_with_the_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APO_HOME", str(tmp_path / ".apo"))
    old, new = tmp_path / "옛.txt", tmp_path / "새.txt"
    old.write_text("Say something.", encoding="utf-8")
    new.write_text(
        "Choose one: billing, refund, login, cancellation, delivery, bug, feature request, "
        "account change.\n- billing: invoice\n- login: password\n- delivery: parcel, courier\n"
        "- bug: crash, error\n- refund: refund, money\nAnswer with the label only.",
        encoding="utf-8",
    )

    def run(*given: object) -> Any:
        return CliRunner().invoke(app, ["gate", "support-tickets", *map(str, given)])

    better = run(old, new)
    assert better.exit_code == 0
    assert "Better: the new prompt may go out." in better.stdout
    worse = run(new, old, "--json")
    assert worse.exit_code == 1
    assert '"decision": "worse"' in worse.stdout
