"""The fault suite sees what it is there to see."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.benchmarks.faults.outcome import CleanRuns, run, unclear
from experiments.benchmarks.faults.plans import PLANS, Plan
from experiments.benchmarks.faults.record import Record, files_with, n_paid_again, n_wrong
from experiments.benchmarks.faults.run import OPTIMIZERS, Suite, table
from experiments.benchmarks.faults.trial import SECRET, Ended, Trial

CLEAN = Record(
    result={"winner": "best"},
    answers='{"id": 1}\n',
    replies={"a": "yes", "b": "no"},
    scores={"1 p whole": {"mean": 0.5}},
    paid=Counter({"x": 1, "y": 2}),
)


def test_the_whole_is_large_enough() -> None:
    assert len(OPTIMIZERS) >= 5
    assert len(PLANS) * len(OPTIMIZERS) >= 200


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        (CLEAN, 0),
        (replace(CLEAN, replies={"a": "yes"}, scores={}, result=None, answers=""), 0),
        (replace(CLEAN, replies={"a": "yes", "b": "yes"}), 1),
        (replace(CLEAN, replies={"a": "yes", "c": "no"}), 1),
        (replace(CLEAN, scores={"1 p whole": {"mean": 0.6}}), 1),
        (replace(CLEAN, answers='{"id": 2}\n'), 1),
    ],
)
def test_wrong_scores(found: Record, wrong: int) -> None:
    assert n_wrong(found, CLEAN) == wrong


def test_paid_again() -> None:
    assert n_paid_again(Counter({"x": 1, "y": 1}), CLEAN.paid) == 0
    assert n_paid_again(Counter({"x": 3, "y": 2, "z": 1}), CLEAN.paid) == 3


def test_secrets(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/journal.db").write_bytes(b"\0\xff" + SECRET.encode() + b"\0")
    (tmp_path / "run.json").write_text("{}")
    assert files_with(SECRET, tmp_path) == ["in/journal.db"]


@pytest.mark.parametrize(
    ("ended", "clear"),
    [
        (Ended(0, "{}", ""), True),
        (Ended(1, "", "error: no key. Set one."), True),
        (Ended(130, '{"error": {"message": "The run was stopped."}}', ""), True),
        (Ended(-9, "", ""), True),
        (Ended(1, "", "Killed"), False),
        (Ended(1, "", ""), False),
        (Ended(1, "", "Traceback (most recent call last):\nerror: x"), False),
    ],
)
def test_clear_stops(ended: Ended, clear: bool) -> None:
    assert (unclear(ended) == "") == clear


def test_a_run_that_pays_twice_is_bad(tmp_path: Path) -> None:
    """Two runs in place of one: every answer but the first run's is paid again."""

    def twice(trial: Trial, _: object) -> None:
        trial.optimize()
        trial.optimize()

    plan = Plan(name="twice", happens=twice)
    clean = CleanRuns(tmp_path).get("random-search", 1)
    outcome = run(plan, "random-search", 1, clean, tmp_path)
    assert outcome.ending == "bad"
    assert outcome.paid_twice == clean.paid.total()
    (row, whole) = table([outcome])
    assert row["bad"] == whole["bad"] == 1
    assert (tmp_path / "twice-random-search-1").exists()  # To be looked into.


def test_a_suite_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = ("SIGINT", "random-search", 1)
    Suite(tmp_path).run([case], 1)
    monkeypatch.setattr("experiments.benchmarks.faults.run.run", None)
    again = Suite(tmp_path)
    again.run([case], 1)
    assert again.outcomes[case].ending == "stopped"
