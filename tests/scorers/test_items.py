"""Answers of several items: how they are read, and how many are right."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.scorers.items import items_in
from apo.scorers.registry import ListF1, SetF1
from apo.task import Example, Score

CITIES = ["Seoul", "Busan"]
word = st.text("abcdeé가나다 ", min_size=1, max_size=8).map(str.strip).filter(bool)


def example(*targets: str) -> Example:
    return Example({"input": "x"}, targets)


@pytest.mark.parametrize(
    "answer",
    [
        '["Seoul", "Busan"]',
        'Here they are: ["Seoul", "Busan"].',
        '```json\n["Seoul", "Busan"]\n```',
        '{"cities": ["Seoul", "Busan"]}',
        "Seoul, Busan",
        "Seoul; Busan",
        "Answer: Seoul, Busan",
        "<answer>Seoul, Busan</answer>",
        "- Seoul\n- Busan",
        "The cities are:\n\n* Seoul\n* Busan\n\nThese are all.",
        "1. Seoul\n2) Busan",
        "• Seoul\n• Busan",
        "Seoul\nBusan",
        "Cities:\nSeoul\nBusan",
        "```\nSeoul\nBusan\n```",
    ],
)
def test_items_are_read_however_they_are_listed(answer: str) -> None:
    assert items_in(answer) == CITIES


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        ("[]", []),
        ("None", []),
        ("없음.", []),
        ("", None),
        (" \n```\n", None),
        ("서울、부산，대구", ["서울", "부산", "대구"]),
        ("1,234 and 5", ["1,234 and 5"]),
        ("[1, 2]", ["1", "2"]),
        ('[{"b": 1, "a": "가"}, null]', ['{"a": "가", "b": 1}', "null"]),
        ("Seoul, as the notes say [1]", ["Seoul", "as the notes say [1]"]),
        ("{{a}}, \x00, 😀", ["{{a}}", "\x00", "😀"]),
        ("[NaN]", ["[NaN]"]),
    ],
)
def test_special_answers(answer: str, items: list[str] | None) -> None:
    assert items_in(answer) == items


@pytest.mark.parametrize(
    ("answer", "of_set", "of_list"),
    [
        ('["Seoul", "Busan"]', 1, 1),
        ('["busan", " SEOUL. "]', 1, 0.5),
        ('["Seoul"]', 2 / 3, 2 / 3),
        ('["Seoul", "Seoul", "Busan"]', 1, 0.8),
        ('["Seoul", "Daegu", "Busan", "Jeju"]', 2 / 3, 2 / 3),
        ("[]", 0, 0),
        ("Daegu", 0, 0),
    ],
)
def test_the_share_of_right_items(answer: str, of_set: float, of_list: float) -> None:
    target = example(json.dumps(CITIES))
    assert SetF1()(answer, target).value == pytest.approx(of_set)
    assert ListF1()(answer, target).value == pytest.approx(of_list)


def test_feedback_names_the_items() -> None:
    score = SetF1()("Seoul, Daegu", example("Seoul, Busan"))
    assert score.feedback == "Missing: 'busan'. Not asked for: 'daegu'. Overlap of items: 50%."
    score = ListF1()("b, a", example("a, b"))
    assert score.feedback == "The order is wrong, expected 'a', 'b'. Overlap of items: 50%."
    many = ", ".join(f"item{i}" for i in range(50))
    assert "and 44 more" in SetF1()("x", example(many)).feedback


def test_no_items_can_be_right() -> None:
    assert SetF1()("None", example("[]")) == Score(1.0)
    assert ListF1()("[]", example("없음")) == Score(1.0)
    score = SetF1()("", example("[]"))
    assert (score.value, score.well_formed) == (0, False)


def test_case_counts_when_asked() -> None:
    assert SetF1(ignore_case=False)("a", example("A")).value == 0


def test_the_target_that_fits_best_counts() -> None:
    assert SetF1()("a, c", example("a, b", "a, c")) == Score(1.0)


@given(st.lists(word, max_size=6), st.lists(word, max_size=6))
def test_a_list_is_its_own_right_answer(items: list[str], other: list[str]) -> None:
    target = example(json.dumps(items, ensure_ascii=False))
    assert SetF1()(json.dumps(items[::-1]), target) == Score(1.0)
    assert ListF1()(json.dumps(items), target) == Score(1.0)
    answer = json.dumps(other)
    of_set, of_list = SetF1()(answer, target), ListF1()(answer, target)
    assert 0 <= of_set.value <= 1
    assert 0 <= of_list.value <= 1
    assert (of_list.value == 1) == (of_list.feedback == "")


@given(st.text(), st.text(min_size=1).filter(str.strip))
def test_any_text_has_a_score(answer: str, target: str) -> None:
    for scorer in (SetF1(), ListF1()):
        assert 0 <= scorer(answer, example(target)).value <= 1
        assert scorer(target, example(target)).value == (items_in(target) is not None)
