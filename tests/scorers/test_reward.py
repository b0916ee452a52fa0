"""The reward: points by part, conditions, what each part says, and parts that are wrong."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import TaskError
from apo.scorers.function import FunctionScorer
from apo.scorers.registry import Exact, Numeric, Part, Regex, Reward, make_scorer
from apo.scorers.reward import combine, due
from apo.task import Example, Score

EXAMPLE = Example({"input": "x"}, ("4",))
FORMAT = {"name": "regex", "pattern": "<answer>.*</answer>"}
SPEC: dict[str, Any] = {
    "name": "reward",
    "parts": [
        {"name": "format", "scorer": FORMAT, "weight": 5},
        {"name": "정답", "scorer": "numeric", "weight": 15, "if": "format"},
    ],
}
THREE = (
    Part(name="format", scorer=Exact(), weight=5),
    Part(name="compiles", scorer=Exact(), weight=10, condition="format"),
    Part(name="tests", scorer=Exact(), weight=20, condition="compiles"),
)


@pytest.mark.parametrize(
    ("answer", "points"),
    [
        ("<answer>4</answer>", [5, 15]),
        ("<answer>5</answer>", [5, 0]),
        ("4", [0, 0]),
        ("", [0, 0]),
    ],
)
def test_the_share_of_the_points(answer: str, points: list[float]) -> None:
    score = make_scorer(SPEC)(answer, EXAMPLE)
    assert score.value == sum(points) / 20
    assert score.parts == dict(zip(("format", "정답"), points, strict=True))
    assert score.well_formed == (points[0] == 5)


def test_each_part_says_what_it_finds_wanting() -> None:
    scorer = make_scorer(SPEC)
    assert scorer("<answer>4</answer>", EXAMPLE).feedback == ""
    assert scorer("<answer>5</answer>", EXAMPLE).feedback == (
        "정답 (0 of 15 points): Expected '4', the answer said '5'."
    )
    assert scorer("4", EXAMPLE).feedback == (
        "format (0 of 5 points): The answer must match the pattern '<answer>.*</answer>'; "
        "it said '4'. 정답: not judged, as format is not fully right."
    )


def test_conditions_chain() -> None:
    right, half = Score(1.0), Score(0.5, True, "half")
    assert combine(THREE, dict.fromkeys(("format", "compiles", "tests"), right)) == Score(
        1.0, True, "", {"format": 5, "compiles": 10, "tests": 20}
    )
    score = combine(THREE, {"format": right, "compiles": half})
    assert score.value == 10 / 35
    assert score.parts == {"format": 5, "compiles": 5, "tests": 0}
    assert "tests: not judged, as compiles is not fully right." in score.feedback
    # The score of a part whose condition does not hold has no say.
    wrong = Score(0.0, False, "no tests")
    assert combine(THREE, {"format": right, "compiles": half, "tests": wrong}) == score


def test_a_part_is_due_when_its_condition_is_fully_right() -> None:
    first, second, third = THREE
    assert due(first, {})
    assert not due(second, {})
    assert due(second, {"format": Score(1.0)})
    assert not due(second, {"format": Score(0.99)})
    assert not due(third, {"format": Score(1.0)})


def test_a_part_that_is_not_due_is_not_asked() -> None:
    def never(output: str, example: Example) -> Score:
        raise AssertionError("asked")

    reward = Reward(
        parts=(
            Part(name="a", scorer=Exact()),
            Part(name="b", scorer=never, condition="a"),
        )
    )
    assert reward("5", EXAMPLE).parts == {"a": 0, "b": 0}


def test_a_part_may_be_a_function_of_the_user(tmp_path: Path) -> None:
    code = "def short(output, example, most=3):\n    return len(output) <= most\n"
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    parts = [
        {"name": "short", "scorer": {"name": "mine.py:short", "most": 2}, "weight": 1},
        {"name": "polite", "scorer": {"name": "regex", "pattern": "몰라", "absent": True}},
        {"name": "label", "scorer": "choice", "weight": 2},
    ]
    scorer = make_scorer({"name": "reward", "parts": parts}, ("긍정", "부정"), tmp_path)
    assert isinstance(scorer, FunctionScorer)  # Its targets need not have every part's form.
    mood = Example({"input": "x"}, ("긍정",))
    assert scorer("긍정", mood) == Score(1.0, True, "", {"short": 1, "polite": 1, "label": 2})
    assert scorer("긍정 아니면 몰라", mood).parts == {"short": 0, "polite": 0, "label": 2}


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=3),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_a_reward_is_a_share(weights: list[float], values: list[float]) -> None:
    parts = [
        Part(name=str(i), scorer=Exact(), weight=weight, condition=str(i - 1) if i == 2 else "")
        for i, weight in enumerate(weights)
    ]
    score = combine(parts, {str(i): Score(value) for i, value in enumerate(values)})
    assert 0 <= score.value <= 1
    assert (score.feedback == "") == all(value == 1 for value in values)
    assert score.value == pytest.approx(sum(score.parts.values()) / sum(weights))


PART = {"name": "a", "scorer": "exact"}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (None, "needs a list of parts"),
        ([], "needs a list of parts"),
        ("exact", "needs a list of parts"),
        ([5], "must be a mapping"),
        ([{"scorer": "exact"}], "needs a text as its name"),
        ([{"name": "", "scorer": "exact"}], "names of their own"),
        ([PART, PART], "names of their own, not 'a'"),
        ([{"name": "a"}], "The part a needs a scorer"),
        ([{"name": "a", "scorer": "exakt"}], "The part a of the reward: .* Did you mean 'exact'"),
        ([{**PART, "wieght": 2}], "no key 'wieght'. Did you mean 'weight'"),
        ([{**PART, "weight": "5"}], "it must be a number"),
        ([{**PART, "weight": True}], "it must be a number"),
        ([{**PART, "weight": -5}], "absent: true"),
        ([{**PART, "weight": float("nan")}], "above 0"),
        ([{**PART, "weight": float("inf")}], "above 0"),
        ([{**PART, "if": "b"}], "no part before it. It is the first"),
        ([{**PART, "if": True}], "and as if"),
        ([PART, {"name": "c", "scorer": "exact", "if": "A"}], "Did you mean 'a'|Known: a"),
    ],
)
def test_a_wrong_part_is_explained(parts: object, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        make_scorer({"name": "reward", "parts": parts})


def test_a_wrong_setting_is_explained() -> None:
    with pytest.raises(TaskError, match=r"no setting 'partz'\. Did you mean 'parts'"):
        make_scorer({"name": "reward", "partz": []})
    with pytest.raises(TaskError, match="needs parts"):
        Reward(parts=())


def test_parts_can_be_made_in_python() -> None:
    parts = (Part(name="form", scorer=Regex(pattern=r"^\d$")), Part(name="right", scorer=Numeric()))
    reward = make_scorer({"name": "reward", "parts": parts})
    assert reward("4", EXAMPLE).parts == {"form": 1, "right": 1}
