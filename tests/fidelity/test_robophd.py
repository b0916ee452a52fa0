"""RoboPhD (2026): an Elo race on training examples, and validation for its leaders alone."""

import pytest

from apo import Budget, elo_updates
from apo.optimizers.robophd import RoboPhD
from tests.fidelity.conftest import Run, tagged


def test_ratings_move_as_elo_says() -> None:
    even = {"a": 1500.0, "b": 1500.0, "c": 1500.0}
    assert elo_updates(even, {"a": 1.0, "b": 0.0}) == {"a": 1516.0, "b": 1484.0, "c": 1500.0}
    assert elo_updates(even, {"a": 0.5, "b": 0.5}) == even
    favourite = {"a": 1900.0, "b": 1500.0}
    lost = elo_updates(favourite, {"a": 0.0, "b": 1.0})
    assert lost["b"] - 1500 == pytest.approx(32 / (1 + 10**-1))  # 400 points: ten to one.
    assert sum(lost.values()) == pytest.approx(3400)
    three = elo_updates(even, {"a": 1.0, "b": 0.5, "c": 0.0})
    assert three["a"] > three["b"] > three["c"]
    assert elo_updates(even, {"a": 1.0, "b": 0.0}, k=16)["a"] == 1508.0


def growing(n: int, _: str) -> str:
    return tagged("+" * (n + 1))


def test_validation_is_for_the_seed_and_the_leaders_at_the_end(run: Run) -> None:
    seen = run(RoboPhD(n_iterations=4, minibatch_size=5, n_leaders=2), growing, size=20)
    kinds = [
        e.body["whole"] for e in seen.measured if e.body["candidate"] != seen.result.seed.prompt.id
    ]
    assert kinds == [False] * (len(kinds) - 2) + [True, True]
    assert len(seen.writer.texts) == 4  # One new prompt an iteration.
    assert seen.result.best.prompt.instruction.count("+") >= 2


def test_the_race_ends_while_the_leaders_can_be_paid(run: Run) -> None:
    seen = run(RoboPhD(minibatch_size=6), growing, size=10, budget=Budget(max_calls=100))
    assert [event.body["whole"] for event in seen.measured][-3:] == [True] * 3
    assert seen.result.spent.calls <= 100


def silent(n: int, _: str) -> str:
    return "Nothing."


def test_few_calls_are_not_kept_for_leaders_that_there_are_not(run: Run) -> None:
    """The seed prompt alone has competed, and is measured: the race goes on without a new one."""
    seen = run(RoboPhD(minibatch_size=6), silent, size=10, budget=Budget(max_calls=75))
    assert len(seen.writer.texts) >= 2 * 5  # Each is asked for twice.


def test_the_writer_sees_the_strongest_first_and_what_the_first_of_them_missed(run: Run) -> None:
    seen = run(RoboPhD(n_iterations=3, minibatch_size=20), growing, size=20)
    last = seen.writer.texts[-1]
    assert last.index("<candidate>\n++\n") < last.index("<candidate>\n+\n")
    assert "<answer>\nno\n</answer>" in last
    assert not run(RoboPhD(), growing, size=6, seed_prompt="+" * 6).writer.texts
