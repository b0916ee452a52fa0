"""The scorer `json`: whole objects and lists, broken ones, and partial credit."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.scorers.json_fields import JsonFields
from apo.task import Example, Score

PEOPLE = '[{"name": "Ann", "age": 3}, {"name": "Ben", "age": 4}]'


def score(output: str, target: str, **settings: Any) -> Score:
    return JsonFields(**settings)(output, Example({"input": "x"}, (target,)))


@pytest.mark.parametrize(
    ("output", "value"),
    [
        (PEOPLE, 1),
        (f"```json\n{PEOPLE}\n```\nThat is all [1].", 1),
        ('[{"name": "Ben", "age": 4}]', 0.5),
        ('[{"name": "Ann", "age": 3}, {"name": "Ben", "age": 5}]', 0.75),
        (
            '[{"name": "Zoe", "age": 9}, {"name": "Ann", "age": 3}, {"name": "Ben", "age": 4}]',
            2 / 3,
        ),
        ('{"name": "Ben", "age": 4}', 0),
        ("[]", 0),
    ],
)
def test_a_list_counts_by_all_its_items(output: str, value: float) -> None:
    assert score(output, PEOPLE).value == pytest.approx(value)


def test_the_order_of_a_list_counts_unless_it_is_told_not_to() -> None:
    turned = json.dumps(json.loads(PEOPLE)[::-1])
    assert score(turned, PEOPLE).value < 1
    assert score(turned, PEOPLE, ordered=False).value == 1
    assert score('{"a": [1, 2]}', '{"a": [2, 1]}').value == 0
    assert score('{"a": [1, 2]}', '{"a": [2, 1]}', ordered=False).value == 1
    assert score('{"a": [1, 1, 2]}', '{"a": [2, 2, 1]}', ordered=False).value == 0


def test_keys_are_the_same_composed_or_not() -> None:
    target = '{"상품": "잉크"}'
    assert score(unicodedata.normalize("NFD", target), target).value == 1
    assert score(target, unicodedata.normalize("NFD", target)).value == 1


def test_what_a_list_lacks_is_told() -> None:
    feedback = score('[{"name": "Ben", "age": 4}]', PEOPLE).feedback
    assert feedback == "missing: {'name': 'Ann', 'age': 3}."


@pytest.mark.parametrize(
    "output",
    [
        '{"person": {"name": "Ann"},}',
        '{"person": {"name": "Ann"}',
        '{\'person\': {"name": "Ann"}}',
        '{person: {"name": "Ann"}}',
        '[{"name": "Ann"},]',
        '[{"name": "Ann"}]',
    ],
)
def test_nothing_is_read_from_within_a_broken_or_other_value(output: str) -> None:
    found = score(output, '{"name": "Ann"}')
    assert (found.value, found.well_formed) == (0.0, False)


def test_broken_json_is_repaired_where_the_task_allows_it_and_told() -> None:
    found = score('{"name": "Ann", "age": 3,}', '{"name": "Ann", "age": 3}', repair=True)
    assert found == Score(1.0, False, "The JSON is broken and was repaired.")
    half = score('{"name": "Ann", "age": 4', '{"name": "Ann", "age": 3}', repair=True)
    assert (half.value, half.well_formed) == (0.5, False)
    assert "repaired. age: expected 3" in half.feedback
    assert score('{"person": {"name": "Ann"},}', '{"name": "Ann"}', repair=True).value == 0


@pytest.mark.parametrize(
    ("said", "wanted", "same"),
    [
        ('"1,5"', "15", False),
        ('"1_2"', "12", False),
        ('"1,5"', "1.5", True),
        ('"1,234"', "1234", True),
        ('"3"', "3", True),
        ('"-0.1"', "-0.1", True),
        ('"2024-05-01"', "1", False),
        ('"9007199254740993"', "9007199254740992", False),
        ("true", "1", False),
    ],
)
def test_numbers_in_fields(said: str, wanted: str, same: bool) -> None:
    assert score(f'{{"a": {said}}}', f'{{"a": {wanted}}}').value == same


def test_the_last_whole_value_counts_and_prose_in_brackets_does_not() -> None:
    target = '{"a": 1}'
    for output in (
        'In {short} form [see below]: {"a": 1} [1]',
        '{"a": 2}\nNo, better:\n{"a": 1}',
        'Use {x} and [y].\n```\n{"a": 1}\n```',
        '{{"a": 1}}',
    ):
        assert score(output, target).value == 1, output
    assert score("[1, 2]", "[1, 2]").value == 1
    assert score("[1, 3]", "[1, 2]").value == 0.5


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("abc", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=2), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text("xyz", max_size=2), values) | st.lists(values, max_size=4))
def test_a_target_is_its_own_best_answer(value: Any) -> None:
    text = json.dumps(value)
    assert score(text, text).value == 1
    assert score(f"\n{json.dumps(value, indent=2)} ", text, ordered=False).value == 1
    longer = json.dumps([*value, "more"] if isinstance(value, list) else {**value, "more": 1})
    assert score(longer, text).value < 1
    assert score(text, longer).value < 1


@pytest.mark.parametrize("piece", ['{"a":', '{"a"}', '"\\', '{"', '["', "[{", '{"a": 1} ', "{a:"])
def test_long_text_is_read_in_time(piece: str) -> None:
    score('{"' + piece * 20_000, '{"a": 1}', repair=True)


@pytest.mark.parametrize(
    "output",
    [
        '{"a": 1}\nNote: {"source": "line 2"}',
        '```json\n{"a": 1}\n```\nThe items were ["x", "y"].',
        '{"a": 0}, no: {"a": 1} of {"total": 3}',
    ],
)
def test_a_note_after_the_object_that_is_due_does_not_count(output: str) -> None:
    assert JsonFields()(output, Example({"x": "y"}, ('{"a": 1}',))) == Score(1.0)


@pytest.mark.parametrize("output", ["{'a': 1}", '{"a": 1,}', '{"a": 1'])
def test_what_broke_the_json_is_said(output: str) -> None:
    score = JsonFields()(output, Example({"x": "y"}, ('{"a": 1}',)))
    assert (score.value, score.well_formed) == (0, False)
    assert "single quotes, a trailing comma or a missing end" in score.feedback


@pytest.mark.parametrize(
    ("output", "target", "value"),
    [
        ('{"zip": 5247}', '{"zip": "05247"}', 0),
        ('{"id": "007"}', '{"id": 7}', 0),
        ("[7]", '["007"]', 0),
        ('{"n": "-07"}', '{"n": -7}', 0),
        ('{"zip": "05247"}', '{"zip": "05247"}', 1),
        ('{"n": "0.5"}', '{"n": 0.5}', 1),
        ('{"n": 0}', '{"n": "0"}', 1),
        ('{"n": "1.50"}', '{"n": 1.5}', 1),
    ],
)
def test_a_text_with_a_zero_before_is_a_code_and_no_number(
    output: str, target: str, value: float
) -> None:
    assert score(output, target).value == value


def test_a_target_with_nan_says_what_is_wrong() -> None:
    assert "NaN and Infinity are no JSON: write null" in score("{}", '{"a": NaN}').feedback
