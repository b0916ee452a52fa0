"""What a search has measured: who is best, who comes before whom, who is worth a second look."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo import Evaluation, Example, Prompt, Rollout, Score
from apo.search.archive import PRIOR_SIZE, Archive


def evaluation(
    prompt: Prompt | str, scores: Sequence[float | None], *, start: int = 0
) -> Evaluation:
    """A prompt's scores on numbered examples; None is an answer that was refused."""
    rollouts = [
        Rollout(Example({"input": f"e{i}"}, ("t",)), "", None if s is None else Score(s))
        for i, s in enumerate(scores, start)
    ]
    return Evaluation(prompt if isinstance(prompt, Prompt) else Prompt(prompt), tuple(rollouts))


def whole(*evaluations: Evaluation) -> Archive:
    archive = Archive()
    for each in evaluations:
        archive.add(each)
    return archive


def names(archive: Archive) -> list[str]:
    return [e.prompt.instruction for e in archive.ranked()]


def hopes(archive: Archive) -> dict[str, float]:
    return {prompt.instruction: hope for prompt, hope in archive.promising()}


def test_an_empty_archive_has_no_best() -> None:
    assert Archive().best is None
    assert Archive().ranked() == []
    assert Archive().promising() == []


def test_the_best_comes_first_whenever_it_came() -> None:
    scores = {"low": [0.0, 1.0, 0.0], "high": [1.0, 1.0, 1.0], "mid": [1.0, 0.0, 1.0]}
    for order in (["low", "high", "mid"], ["high", "mid", "low"], ["mid", "low", "high"]):
        archive = whole(*(evaluation(name, scores[name]) for name in order))
        assert names(archive) == ["high", "mid", "low"]
        assert archive.best is archive.ranked()[0]


def test_leaving_hard_examples_unanswered_is_no_way_up() -> None:
    careful = evaluation("careful", [1, 1, 1, 0])
    shy = evaluation("shy", [1, 1, None, None])
    assert shy.mean > careful.mean
    assert names(whole(shy, careful)) == ["careful", "shy"]


def test_of_equals_the_shorter_text_is_better_and_demos_count_as_text() -> None:
    short, long = evaluation("ab", [1, 0]), evaluation("abc", [0, 1])
    shown = Prompt("ab").with_demos((Prompt("ab").demo({"input": "x"}, "y"),))
    demonstrated = evaluation(shown, [1, 0])
    for order in ((short, long, demonstrated), (demonstrated, long, short)):
        archive = whole(*order)
        assert archive.best is short
        assert archive.ranked() == [short, long, demonstrated]


def test_of_equals_of_one_length_the_id_decides() -> None:
    ties = [evaluation(name, [1, 0]) for name in ("ab", "cd", "ef", "gh")]
    first, backwards = whole(*ties), whole(*ties[::-1])
    assert first.best is not None
    assert first.best is backwards.best
    assert names(first) == names(backwards)
    ids = [e.prompt.id for e in first.ranked()]
    assert ids == sorted(ids, reverse=True)


def test_a_prompt_stands_once() -> None:
    archive = whole(evaluation("a", [0, 0]), evaluation("b", [1, 0]), evaluation("a", [1, 1]))
    assert names(archive) == ["a", "b"]
    assert archive.best is archive.whole[Prompt("a")]


scores = st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=4, max_size=4)


@given(st.lists(st.tuples(st.text("ab", min_size=1, max_size=3), scores), unique_by=lambda x: x[0]))
def test_rank_does_not_depend_on_the_order_of_arrival(
    found: list[tuple[str, list[float | None]]],
) -> None:
    evaluations = [evaluation(name, values) for name, values in found]
    one, two = whole(*evaluations), whole(*evaluations[::-1])
    assert names(one) == names(two)
    totals = [e.total for e in one.ranked()]
    assert totals == sorted(totals, reverse=True)
    assert one.best is (one.ranked()[0] if found else None)
    assert two.best is one.best


def test_hope_is_drawn_towards_the_mean_of_what_was_measured_whole() -> None:
    archive = whole(evaluation("a", [1, 0]), evaluation("b", [0, 0]))  # Means 0.5 and 0: 0.25.
    archive.add_part(evaluation("lucky", [1, 1]))
    archive.add_part(evaluation("proven", [1] * 9 + [0]))
    archive.add_part(evaluation("bad", [0, 0, 0]))
    assert PRIOR_SIZE == 10
    assert hopes(archive) == pytest.approx(
        {"lucky": 4.5 / 12, "proven": 11.5 / 20, "bad": 2.5 / 13}
    )
    assert list(hopes(archive)) == ["proven", "lucky", "bad"]


def test_without_anything_whole_the_prior_is_nothing() -> None:
    archive = Archive()
    archive.add_part(evaluation("a", [1, 1]))
    assert hopes(archive) == pytest.approx({"a": 2 / 12})
    assert archive.best is None


def test_parts_add_up_and_an_example_counts_once() -> None:
    archive = whole(evaluation("w", [0, 0]))
    archive.add_part(evaluation("a", [1, 0]))
    archive.add_part(evaluation("a", [1, 1], start=2))
    archive.add_part(evaluation("a", [0, 1], start=1))  # Examples 1 and 2 again, as before.
    assert len(archive.parts[Prompt("a")]) == 4
    assert hopes(archive) == pytest.approx({"a": 3 / 14})


def test_unknown_is_not_zero() -> None:
    archive = whole(evaluation("w", [1, 0]))
    archive.add_part(evaluation("refused", [None, None]))
    archive.add_part(evaluation("half", [1, None]))
    assert hopes(archive) == pytest.approx({"half": 6 / 11})


def test_who_was_measured_whole_needs_no_second_look() -> None:
    archive = whole(evaluation("w", [0, 0]))
    archive.add_part(evaluation("w", [1]))
    archive.add_part(evaluation("a", [1]))
    assert list(hopes(archive)) == ["a"]
    archive.add(evaluation("a", [1, 0]))
    assert archive.promising() == []


def test_of_equal_hopes_more_examples_go_first() -> None:
    archive = whole(evaluation("w", [1, 0]))  # The prior is 0.5.
    archive.add_part(evaluation("few", [1, 0]))
    archive.add_part(evaluation("many", [1, 0, 1, 0, 1, 0]))
    archive.add_part(evaluation("some", [0, 1, 0, 1]))
    assert set(hopes(archive).values()) == {0.5}
    assert list(hopes(archive)) == ["many", "some", "few"]
    # And of those with as many the shorter one, whoever came first.
    archive.add_part(evaluation("short", [0, 1, 0, 1]))
    archive.add_part(evaluation("so", [0, 1, 0, 1]))
    assert list(hopes(archive)) == ["many", "so", "some", "short", "few"]


@given(
    st.lists(scores, min_size=1, max_size=4),
    st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=1), min_size=1, max_size=4),
)
def test_hope_lies_between_the_prior_and_the_mean_of_the_part(
    wholes: list[list[float | None]], parts: list[list[float]]
) -> None:
    archive = whole(*(evaluation(f"w{i}", values) for i, values in enumerate(wholes)))
    for i, values in enumerate(parts):
        archive.add_part(evaluation(f"p{i}", values))
    prior = sum(e.mean for e in archive.ranked()) / len(wholes)
    found = hopes(archive)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    for i, values in enumerate(parts):
        low, high = sorted((prior, sum(values) / len(values)))
        assert low - 1e-9 <= found[f"p{i}"] <= high + 1e-9
