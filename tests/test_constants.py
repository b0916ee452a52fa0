"""A winner that always says the same is told as such, in the first line of every verdict."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Task
from apo.results.constants import MALFORMED, best_constant
from apo.results.verdict import Verdict, reach_verdict
from apo.results.words import heading
from apo.run.fit import sample_pools
from apo.scorers.choice import Choice
from apo.scorers.metrics.classes import MacroF1
from experiments.benchmarks.null_constants import simulate

LABELS = ("Billing", "Login", "Bug")
TARGETS = ["Billing"] * 9 + ["Login"] * 7 + ["Bug"] * 6


def task(targets: Sequence[str] = TARGETS, labels: tuple[str, ...] = LABELS) -> Task:
    examples = [Example({"input": f"ticket {i}"}, (name,)) for i, name in enumerate(targets)]
    return Task(
        name="t",
        scorer=Choice(labels=labels),
        seed_prompts=(Prompt("p"),),
        train=examples,
        validation=examples,
        test=examples,
    )


def answers(name: str, given: Task, said: Sequence[str]) -> Evaluation:
    pairs = zip(given.test, said, strict=True)
    rollouts = tuple(Rollout(e, text, given.judge(text, e)) for e, text in pairs)
    return Evaluation(Prompt(name), rollouts, given.metric)


def verdict(given: Task, seed: Sequence[str], best: Sequence[str]) -> Verdict:
    return reach_verdict(answers("seed", given, seed), answers("best", given, best), task=given)


@pytest.mark.parametrize("said", ["Billing", "It is Billing, I think.", "billing"])
def test_always_the_same_is_said_in_the_first_words(said: str) -> None:
    told = verdict(task(), ["Hello!"] * 22, [said] * 22)
    assert told.proven  # Statistically true, and of no use to anybody.
    assert not told.favourable
    first = "Better than the seed, but not proven better than always answering 'Billing' (40.9 %)"
    assert str(told).startswith(first)
    assert heading(told.to_dict()) == first
    assert told.form_wins == told.wins == 9
    assert told.shares["Billing"] == [9 / 22, 0, 1]
    assert told.shares[MALFORMED] == [0, 1, 0]


@pytest.mark.parametrize("said", ["Ｌｏｇｉｎ", "L\u200bogin", "ｌｏｇｉｎ, I think"])
def test_wrong_answers_in_other_letters_are_labels_too(said: str) -> None:
    told = verdict(task(), ["Billing"] * 22, [said] * 22)
    assert told.shares["Login"] == [7 / 22, 0, 1]


def test_a_prompt_that_reads_its_input_is_favourable() -> None:
    told = verdict(task(), ["Billing"] * 22, TARGETS)
    assert heading(told.to_dict()) == "Favourable"
    assert told.constant is not None
    assert (told.constant.answer, told.constant.score) == ("Billing", 9 / 22)
    assert (told.constant.beaten, told.form_wins) == (True, 0)


def test_hardly_more_than_the_largest_class_is_said_too() -> None:
    told = verdict(task(), ["?"] * 22, ["Billing"] * 21 + ["Bug"])
    assert "not proven better than always answering 'Billing'" in heading(told.to_dict())


def test_a_metric_of_all_answers_has_a_constant_too() -> None:
    given = replace(task(), metric=MacroF1(labels=LABELS))
    told = verdict(given, ["?"] * 22, ["Billing"] * 22)
    assert told.constant is not None
    assert told.constant.score == told.best_score
    assert not told.constant.beaten


def test_without_classes_there_is_no_constant() -> None:
    targets = [f"name {i}" for i in range(22)]
    given = task(targets, tuple(targets))
    told = verdict(given, ["?"] * 22, targets)
    assert (told.constant, told.shares) == (None, {})
    assert heading(told.to_dict()) == "Favourable"
    assert best_constant(answers("x", given, targets), given) is None


def test_results_of_earlier_versions_keep_their_word() -> None:
    assert heading({"favourable": True}) == "Favourable"
    assert heading({"favourable": False}) == "Not proven"


@pytest.mark.parametrize("n", [10, 22, 50])
def test_a_fitted_split_keeps_the_shares(n: int) -> None:
    targets = ["a"] * 22 + ["b"] * 38 + ["c"] * 40
    kept = sample_pools(task(targets, ("a", "b", "c")), 10, n).test
    for name, share in (("a", 0.22), ("b", 0.38), ("c", 0.40)):
        assert abs(sum(e.target == name for e in kept) - share * n) <= 1


def test_what_must_pass_stays_first_in_a_fitted_split() -> None:
    given = task(["a"] * 22 + ["b"] * 38, ("a", "b"))
    marked = [replace(e, must_pass=i in {3, 40}) for i, e in enumerate(given.test)]
    kept = sample_pools(replace(given, test=marked), 10, 4).test
    assert sum(e.must_pass for e in kept) == 2


@pytest.mark.slow
def test_no_constant_answer_is_announced_as_more() -> None:
    found = simulate(12)
    assert found.n == 12
    assert found.gains > 0  # Or else the test would prove nothing.
    assert found.unsaid == 0
