"""Validation against test: what choosing brings, what is luck, and what is neither."""

import random
from collections.abc import Sequence

import pytest

from apo import Example, Prompt
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.results.gap import Gap, explain_gap
from apo.scorers.metrics.registry import make_metric
from apo.task import Score

SEED, BEST = Prompt("seed"), Prompt("best")


def measured(prompt: Prompt, scores: Sequence[float | None]) -> Evaluation:
    return Evaluation(
        prompt,
        tuple(
            Rollout(Example({"x": f"{i}"}, ("a",)), "a", None if s is None else Score(s))
            for i, s in enumerate(scores)
        ),
    )


def share(right: int, n: int) -> list[float]:
    return [1.0] * right + [0.0] * (n - right)


def gap(**changed: object) -> Gap:
    figures = {
        "n_candidates": 40, "n_validation": 60, "n_test": 200, "validation": 0.82,
        "expected": 0.76, "test": 0.71, "interval": (0.642, 0.772), "chance": 0.12,
        "seed_fall": 0.0,
    }  # fmt: skip
    return Gap(**{**figures, **changed})  # type: ignore[arg-type]  # a mixed bag of figures


def test_the_words() -> None:
    assert str(gap()) == (
        "82.0 % on validation, 71.0 % on test (95 % interval 64.2 to 77.2): of the gap of 11 "
        "points, about 6 are what choosing the best of 40 prompts on 60 examples brings. The "
        "other 5 are within what 60 and 200 examples differ by chance."
    )
    assert "are more than luck explains: the prompt may be fitted" in str(gap(chance=0.04))
    assert "falls by 5 points, too: the test examples are harder" in str(
        gap(chance=0.04, seed_fall=0.05)
    )
    # Less than half of what is left explains too little.
    assert "harder" not in str(gap(chance=0.04, seed_fall=0.02))
    assert "The other" not in str(gap(expected=0.72))
    hardly = str(gap(expected=0.82))
    assert "choosing the best of 40 prompts on 60 examples explains hardly any. It is" in hardly
    assert "about 11 are" in str(gap(expected=0.60))  # Never more than there is.


@pytest.mark.parametrize("test", [0.81, 0.82, 0.95])
def test_no_words_where_there_is_hardly_a_gap(test: float) -> None:
    assert str(gap(test=test)) == ""


def test_a_choice_that_luck_explains_is_told_with_and_without_a_gap() -> None:
    told = (
        "Of 40 prompts of which none is better than the seed, the best would look this good on "
        "validation in 34 % of resamples."
    )
    assert str(gap(test=0.82, luck=0.34)) == told
    assert str(gap(luck=0.34)) == f"{gap()} {told}"
    assert str(gap(luck=0.09)) == str(gap())


def test_prompts_that_fell_out_of_races_are_named() -> None:
    told = "18 more fell out on parts of these examples; that luck is not counted."
    assert str(gap(n_raced=18)) == f"{gap()} {told}"
    assert str(gap(test=0.82, n_raced=18)) == ""


def test_the_luck_of_the_choice_is_found_in_a_planted_case() -> None:
    rng = random.Random(0)
    prompts = [SEED, *(Prompt(f"p{i}") for i in range(39))]
    # No prompt is better than another: whatever the best one promises is luck.
    archive = [measured(p, [float(rng.random() < 0.6) for _ in range(60)]) for p in prompts]
    archive.sort(key=lambda evaluation: -evaluation.value)
    seed, best = measured(SEED, share(120, 200)), measured(archive[0].prompt, share(120, 200))
    found = explain_gap(archive, seed, best)
    assert found is not None
    assert found.validation > 0.65
    assert found.expected == pytest.approx(0.6, abs=0.04)
    assert found.interval is not None
    assert found.interval[0] < 0.6 < found.interval[1]
    assert found.chance is not None
    assert 0.1 < found.chance < 0.25
    assert "choosing the best of 40 prompts on 60 examples" in found.to_dict()["text"]
    assert found.luck is not None
    assert found.luck > 0.1
    proven = explain_gap(archive, seed, best, proven=True)
    assert proven is not None
    assert proven.luck is None


def test_unanswered_examples_count_for_nothing() -> None:
    archive = [measured(BEST, [1.0, 1.0, 1.0, None]), measured(SEED, [0.0, 1.0, None, None])]
    found = explain_gap(archive, measured(SEED, [0.0, None]), measured(BEST, [0.0, None]))
    assert found is not None
    assert (found.n_validation, found.n_test, found.test) == (3, 1, 0.0)


def test_a_metric_of_all_answers_has_no_parts() -> None:
    metric = make_metric("macro_f1", ("a", "b"))
    archive = [Evaluation(e.prompt, e.rollouts, metric) for e in
               (measured(BEST, share(4, 4)), measured(SEED, share(2, 4)))]  # fmt: skip
    ends = [Evaluation(e.prompt, e.rollouts, metric) for e in
            (measured(SEED, share(2, 4)), measured(BEST, share(3, 4)))]  # fmt: skip
    found = explain_gap(archive, *ends)
    assert found is not None
    assert (found.expected, found.interval, found.chance, found.luck) == (None,) * 4


def test_nothing_to_explain() -> None:
    archive = [measured(BEST, share(3, 4)), measured(SEED, share(2, 4))]
    seed, best = measured(SEED, share(2, 4)), measured(BEST, share(2, 4))
    assert explain_gap(archive, seed, seed) is None
    assert explain_gap(archive[1:], seed, best) is None
    assert explain_gap(archive, seed, measured(BEST, [None])) is None
