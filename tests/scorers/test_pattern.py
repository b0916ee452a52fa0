"""The scorer of regular expressions: forms, targets, wrong patterns and endless ones."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import TaskError
from apo.scorers.function import FunctionScorer
from apo.scorers.registry import Regex, make_scorer
from apo.task import Example, Score

EXAMPLE = Example({"input": "x"}, ("any",))


def value(scorer: Regex, answer: str, *targets: str) -> float:
    return scorer(answer, Example({"input": "x"}, targets or ("any",))).value


@pytest.mark.parametrize(
    ("scorer", "answer", "expected"),
    [
        (Regex(pattern=r"\d{4}-\d\d"), "on 2024-05, so", 1),
        (Regex(pattern=r"\d{4}-\d\d", whole=True), "on 2024-05", 0),
        (Regex(pattern=r"\d{4}-\d\d", whole=True), " 2024-05\n", 1),
        (Regex(pattern="점수: [1-5]점"), "제 생각에는 점수: 4점", 1),
        (Regex(pattern="sorry", absent=True, ignore_case=True), "Sorry, no", 0),
        (Regex(pattern="sorry", absent=True, ignore_case=True), "Here it is", 1),
        (Regex(pattern="a.b"), "a\nb", 0),
        (Regex(pattern="(?s)a.b"), "a\nb", 1),
        (Regex(pattern="A"), "a", 0),
    ],
)
def test_the_form_of_an_answer(scorer: Regex, answer: str, expected: float) -> None:
    score = scorer(answer, EXAMPLE)
    assert score.value == expected
    assert score.well_formed == bool(expected)


def test_feedback_says_what_is_wanted() -> None:
    assert Regex(pattern=r"\d+")("none", EXAMPLE).feedback == (
        r"The answer must match the pattern '\d+'; it said 'none'."
    )
    assert "must not match" in Regex(pattern="a", absent=True)("a", EXAMPLE).feedback
    assert "as a whole" in Regex(pattern="a", whole=True)("b", EXAMPLE).feedback


def test_a_target_may_be_the_pattern() -> None:
    assert value(Regex(), "It is in Seoul.", "Busan", "Seoul|서울") == 1
    assert value(Regex(), "서울입니다", "Seoul|서울") == 1
    assert value(Regex(whole=True), "서울입니다", "Seoul|서울") == 0
    score = Regex()("Busan", Example({"input": "x"}, ("Seoul|서울",)))
    assert score.feedback == "Expected a match of 'Seoul|서울', the answer said 'Busan'."
    assert score.well_formed
    assert not Regex()("", Example({"input": "x"}, ("a",))).well_formed


def test_a_target_that_is_no_pattern_never_scores() -> None:
    score = Regex()("(", Example({"input": "x"}, ("(",)))
    assert score.value == 0
    assert "no regular expression" in score.feedback


def test_hangul_typed_on_a_mac_matches() -> None:
    assert value(Regex(pattern="^정답"), unicodedata.normalize("NFD", "정답: 1")) == 1
    assert value(Regex(pattern=unicodedata.normalize("NFD", "정답")), "정답") == 1


@pytest.mark.parametrize("pattern", ["(a|a)*$", "(a|aa)+$"])
def test_an_endless_match_is_given_up(pattern: str) -> None:
    answer = "a" * 60 + "c" + "a" * 60 + "c"
    score = Regex(pattern=pattern, seconds=0.05)(answer, EXAMPLE)
    assert (score.value, score.well_formed) == (0, False)
    assert "found no end on this answer in 0.05 s" in score.feedback
    endless = Example({"input": "x"}, (pattern, "c$"))
    assert Regex(seconds=0.05)(answer, endless) == Score(1.0)  # Another target still counts.


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"pattern": "("}, "no regular expression: missing"),
        ({"pattern": "[a"}, "no regular expression"),
        ({"pattern": "a{2,1}"}, "no regular expression"),
        ({"pattern": 5}, "must be a text"),
        ({"pattern": "a", "absent": "yes"}, "true or false"),
        ({"absent": True}, "needs a pattern"),
        ({"pattern": "a", "seconds": 0}, "a number above 0"),
        ({"pattern": "a", "seconds": float("nan")}, "a number above 0"),
        ({"pattern": "a", "full": True}, "no setting 'full'"),
    ],
)
def test_a_wrong_setting_is_explained(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        make_scorer({"name": "regex", **settings})


def test_a_form_does_not_ask_the_targets_to_have_it() -> None:
    assert isinstance(make_scorer({"name": "regex", "pattern": "a"}), FunctionScorer)
    assert isinstance(make_scorer("regex"), Regex)


@given(st.text(), st.text("ab(|)*+.\\[]가", max_size=12))
def test_any_text_has_a_score(answer: str, target: str) -> None:
    scorer = Regex(seconds=0.5)
    assert value(scorer, answer, target) in (0, 1)
    if value(scorer, target, target) < 1:
        assert "no regular expression" in scorer(target, Example({}, (target,))).feedback
