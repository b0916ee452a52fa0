"""Random search: every proposal has examples of its own, and is measured on all of validation."""

import re

import pytest

from apo import Budget
from apo.optimizers import RandomSearch
from tests.fidelity.conftest import Run, shown_candidates, shown_inputs, tagged


def test_each_proposal_is_shown_its_own_examples(run: Run) -> None:
    optimizer = RandomSearch(n_demos=4, n_proposals=6, max_rounds=2)
    seen = run(optimizer, lambda n, _: tagged(f"new {n}"))
    shown = [shown_inputs(text) for text in seen.writer.texts]
    assert len(shown) == 12
    assert all(len(set(inputs)) == 4 for inputs in shown)
    assert len({tuple(inputs) for inputs in shown}) == 12
    train = {example.inputs["input"] for example in seen.task.train}
    assert {name for inputs in shown for name in inputs} <= train


def test_no_proposal_learns_from_a_score(run: Run) -> None:
    optimizer = RandomSearch(n_proposals=3, max_rounds=3)
    seen = run(optimizer, lambda n, _: tagged("+" * n + f" new {n}"))
    for text in seen.writer.texts:
        assert shown_candidates(text) == []
        assert "new" not in text
        assert "Seed" not in text


def test_all_are_measured_on_the_whole_validation_split(run: Run) -> None:
    optimizer = RandomSearch(n_proposals=3, max_rounds=2)
    seen = run(optimizer, lambda n, _: tagged(f"new {n}"))
    assert seen.evaluations(whole=False) == []
    validation = [example.inputs["input"] for example in seen.task.validation]
    assert seen.instructions == ["Seed", *(f"new {n}" for n in range(6))]
    for instruction in seen.instructions:
        assert sorted(seen.asked_for(instruction)) == sorted(validation)


@pytest.mark.parametrize(("rounds", "proposals"), [(1, 1), (2, 3), (4, 5)])
def test_number_of_calls(rounds: int, proposals: int, run: Run) -> None:
    optimizer = RandomSearch(n_proposals=proposals, max_rounds=rounds)
    seen = run(optimizer, lambda n, _: tagged(f"new {n}"))
    total = rounds * proposals
    assert len(seen.writer.texts) == total
    assert len(seen.reader.asked) == 10 * (1 + total)
    assert seen.result.spent.calls == total + 10 * (1 + total)


def test_the_best_of_all_wins(run: Run) -> None:
    optimizer = RandomSearch(n_proposals=4, max_rounds=1)
    seen = run(optimizer, lambda n, _: tagged(["+", "++++", "++", ""][n] + f" new {n}"))
    assert seen.result.best.prompt.instruction == "++++ new 1"
    assert seen.result.best.mean == 0.4


def test_it_ends_when_nothing_new_comes(run: Run) -> None:
    seen = run(RandomSearch(n_proposals=2), lambda _, __: tagged("Seed"))
    assert len(seen.writer.texts) == 5 * 2
    assert len(seen.reader.asked) == 10


def test_it_ends_when_the_task_is_solved_or_the_budget_is_over(run: Run) -> None:
    seen = run(RandomSearch(n_proposals=2), lambda n, _: tagged("+" * (5 * n + 5) + f" {n}"))
    assert len(seen.writer.texts) == 2
    over = run(
        RandomSearch(n_proposals=2), lambda n, _: tagged(f"n{n}"), budget=Budget(max_calls=100)
    )
    assert over.result.spent.calls <= 100
    assert all(re.fullmatch(r"Seed|n\d+", found) for found in over.instructions)
