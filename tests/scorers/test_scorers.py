"""Scorers: what they accept, what they refuse, and that a target is always its own best answer."""

import dataclasses
import json
import sys
import unicodedata
from fractions import Fraction
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import TaskError
from apo.reading.answers import plain
from apo.reading.json_text import json_in
from apo.reading.numbers import numbers_in
from apo.reading.said_number import number_in
from apo.scorers.function import FunctionScorer
from apo.scorers.registry import (
    SCORERS,
    Choice,
    Contains,
    Exact,
    JsonFields,
    Numeric,
    TokenF1,
    judges_form,
    keeps_targets,
    make_scorer,
    reads_lists,
)
from apo.task import Example, Score, Scorer

INTENTS = ("billing", "refund", "login", "feature request", "account change", "change")
MOODS = ("긍정", "부정", "중립")


def example(*targets: str) -> Example:
    return Example({"input": "x"}, targets)


NEEDED: dict[str, dict[str, Any]] = {
    "json_schema": {"schema": {"type": "object", "required": ["a"]}},
    "sql": {"schema": "CREATE TABLE t (a INTEGER);"},
    "reward": {"parts": [{"name": "all", "scorer": "exact"}]},
}
"""Settings of the scorers that have some without a default."""
PURE = [name for name in SCORERS if name not in ("code", "judge")]


def made(name: str) -> Scorer:
    return make_scorer({"name": name, **NEEDED.get(name, {})}, MOODS)


def value(scorer: Scorer, output: str, *targets: str) -> float:
    return scorer(output, example(*targets)).value


# --- exact and contains


@pytest.mark.parametrize(
    "output",
    ["Paris", " paris\n", '"Paris".', "**PARIS**", "(Paris)", "`Paris`", "Paris!"],
)
def test_exact_overlooks_how_it_is_written(output: str) -> None:
    assert value(Exact(), output, "Paris") == 1


@pytest.mark.parametrize(
    ("output", "target"),
    [("-5", "5"), ("C#", "C"), ("50%", "50"), (".5", "5"), ("Paris, France", "Paris"), ("", "x")],
)
def test_exact_keeps_what_carries_meaning(output: str, target: str) -> None:
    assert value(Exact(), output, target) == 0


def test_exact_takes_any_of_the_targets() -> None:
    assert value(Exact(), "USA", "United States", "usa") == 1


def test_each_part_of_the_plain_form_can_be_switched_off() -> None:
    decomposed = unicodedata.normalize("NFD", "부정")
    assert value(Exact(), decomposed, "부정") == 1
    assert value(Exact(unicode_nfc=False), decomposed, "부정") == 0
    assert value(Exact(ignore_case=False), "a", "A") == 0
    assert value(Exact(collapse_space=False), "a  b", "a b") == 0
    assert value(Exact(strip_punctuation=False), "a.", "a") == 0


def test_signs_alone_are_compared_as_they_are() -> None:
    assert value(Exact(), "!!!", "!!!") == 1
    assert value(Exact(), "", "!!!") == 0


def test_an_empty_answer_is_not_well_formed() -> None:
    assert Exact()("  ", example("a")) == Score(0.0, False, "Expected 'a', the answer is empty.")


def test_feedback_is_short_and_on_one_line() -> None:
    feedback = Exact()("line\n" * 1000, example("b")).feedback
    assert len(feedback) < 150
    assert "\n" not in feedback


@pytest.mark.parametrize(
    ("output", "target", "expected"),
    [
        ("I think it is New York.", "new  york", 1),
        ("그래서 서울에서 만났다", "서울", 1),
        ("nothing", "no", 0),
        ("", "no", 0),
    ],
)
def test_contains_finds_whole_words(output: str, target: str, expected: float) -> None:
    assert value(Contains(), output, target) == expected


# --- choice


@pytest.mark.parametrize(
    "output",
    [
        "refund",
        "Refund.",
        "The intent is refund.",
        "I first thought of billing.\nAnswer: refund",
        "Answer: **Refund**. The customer also mentions billing.",
        "**Answer:** refund",
        "billing? No: <answer>refund</answer>",
        "login or billing\n#### refund",
        r"not billing, so \boxed{refund}",
        "**refund** (because of the billing error)",
        "It looks like billing at first, but it is not.\n\nrefund",
        "refund\n\nThe customer complains about billing and login.",
        '{"label": "refund"}',
        "```\nrefund\n```",
        "Intent: refund\nReason: a billing error",
        "_refund_",
        "refund로 분류합니다.",
    ],
)
def test_choice_reads_chatty_answers(output: str) -> None:
    assert Choice(labels=INTENTS)(output, example("refund")) == Score(1.0)


@pytest.mark.parametrize("output", ["account change", "Account_Change", "it is: account-change"])
def test_choice_prefers_the_longer_label(output: str) -> None:
    assert Choice(labels=INTENTS).find(output) == ("account change",)
    assert Choice(labels=INTENTS).find("a change") == ("change",)


@pytest.mark.parametrize(
    "output",
    [
        "billing or refund",
        "Answer: billing / refund",
        "**billing** **refund**",
        "billing\n\nrefund",
    ],
)
def test_choice_refuses_two_labels(output: str) -> None:
    scorer = Choice(labels=("billing", "refund"))
    score = scorer(output, example("refund"))
    assert (score.value, score.well_formed) == (0.0, False)
    assert "and" in score.feedback


@pytest.mark.parametrize("output", ["", "refunds", "a complaint", "🤷", "prelogin"])
def test_choice_refuses_no_label(output: str) -> None:
    score = Choice(labels=INTENTS)(output, example("refund"))
    assert (score.value, score.well_formed) == (0.0, False)
    assert "none of" in score.feedback


def test_a_wrong_label_is_well_formed() -> None:
    score = Choice(labels=INTENTS)("billing", example("refund"))
    assert score == Score(0.0, True, "Expected 'refund', the answer said 'billing'.")


@pytest.mark.parametrize(
    ("output", "label"),
    [
        ("긍정입니다", "긍정"),
        ("이 리뷰는 '부정'으로 판단됩니다.", "부정"),
        ("답: 중립", "중립"),
        ("정답은 부정입니다. 긍정은 아닙니다.", "부정"),
        ("긍정적인 리뷰입니다.", "긍정"),
        ("감성: **긍정**", "긍정"),
        ("중립이에요", "중립"),
        ("부정", "부정"),
    ],
)
def test_choice_reads_korean(output: str, label: str) -> None:
    assert Choice(labels=MOODS).find(output) == (label,)


@pytest.mark.parametrize("output", ["부정확한 설명입니다", "무긍정", "긍정문", "부정요소"])
def test_choice_needs_a_whole_korean_word(output: str) -> None:
    assert Choice(labels=MOODS).find(output) == ()


def test_choice_reads_labels_that_are_numbers_or_signs() -> None:
    assert Choice(labels=("1", "2", "10")).find("I give 10 of 10") == ("10",)
    assert Choice(labels=("1", "2")).find("1.5") == ()
    assert Choice(labels=("1", "-1")).find("-1") == ("-1",)
    assert Choice(labels=("+", "-")).find("Answer: +") == ("+",)


@pytest.mark.parametrize("labels", [("a",), (), ("a", "A"), ("a", "a "), ("a", " ")])
def test_choice_refuses_labels_that_cannot_be_told_apart(labels: tuple[str, ...]) -> None:
    with pytest.raises(TaskError):
        Choice(labels=labels)


def test_labels_may_differ_in_case_when_case_counts() -> None:
    scorer = Choice(labels=("US", "us"), ignore_case=False)
    assert scorer.find("It is US.") == ("US",)


# --- numeric


@pytest.mark.parametrize(
    ("output", "number"),
    [
        ("1,234.50", Fraction("1234.5")),
        ("-5", Fraction(-5)),
        ("$-5", Fraction(-5)),
        ("-$5", Fraction(-5)),
        ("−5", Fraction(-5)),
        ("5-3", Fraction(3)),
        ("- 5 apples", Fraction(5)),
        ("3/4", Fraction(3, 4)),
        ("1 1/2", Fraction(3, 2)),
        ("½", Fraction(1, 2)),
        ("2½", Fraction(5, 2)),
        (r"\boxed{\frac{3}{4}}", Fraction(3, 4)),
        (".5", Fraction(1, 2)),
        ("1e3", Fraction(1000)),
        ("25%", Fraction(25)),
        ("first 3, then 7", Fraction(7)),
        ("#### 42\n", Fraction(42)),
        ("Answer: 3 + 4 = 7", Fraction(7)),
        ("Answer: 7 (that is 3 + 4)", Fraction(7)),
        ("**Answer:** 12 apples in 3 boxes", Fraction(12)),
        ("Answer: 7. There are 3 boxes left.", Fraction(7)),
        ("The answer is 18.\nI used 3 steps.", Fraction(18)),
        ("답: 1,200원입니다", Fraction(1200)),
        ("정답은 7개. 3상자에 담습니다", Fraction(7)),
        ("5 m²", Fraction(5)),
        ("１２", Fraction(12)),
    ],
)
def test_numbers_are_read(output: str, number: Fraction) -> None:
    found = number_in(output)
    assert found is not None
    assert found.value == number


@pytest.mark.parametrize("output", ["", "none", "tenfold", "1/0", "9" * 5000, "∞", "NaN"])
def test_no_number_is_not_well_formed(output: str) -> None:
    score = Numeric()(output, example("10"))
    assert (score.value, score.well_formed) == (0.0, False)


def test_tolerance_is_exact() -> None:
    assert value(Numeric(tolerance=0.1), "0.3", "0.2") == 1
    assert value(Numeric(tolerance=0.1), "0.31", "0.2") == 0
    assert value(Numeric(), "0.30000000000000001", "0.3") == 0


@pytest.mark.parametrize(
    ("output", "target", "expected"),
    [
        ("25%", "25", 1),
        ("25%", "0.25", 1),
        ("0.25", "25%", 1),
        ("25", "2500%", 1),
        ("2.5", "25%", 0),
    ],
)
def test_percent(output: str, target: str, expected: float) -> None:
    assert value(Numeric(), output, target) == expected


@given(
    st.one_of(
        st.integers().map(str),
        st.integers().map(lambda n: f"{n:,}"),
        st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda d: f"{d:f}"),
        st.tuples(st.integers(0, 999), st.integers(1, 99)).map(lambda ab: f"{ab[0]}/{ab[1]}"),
        st.integers(0, 100).map(lambda n: f"{n}%"),
    )
)
def test_a_number_is_its_own_right_answer(target: str) -> None:
    assert value(Numeric(), target, target) == 1
    assert value(Numeric(), f"So 1 and 2.\nAnswer: {target}", target) == 1


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_different_numbers_are_different(a: int, b: int) -> None:
    assert value(Numeric(), f"{a:,}", str(b)) == (a == b)


# --- f1


def test_f1_is_the_overlap_of_words() -> None:
    assert value(TokenF1(), "The cat sat.", "a cat sat") == 1
    assert value(TokenF1(), "cat", "cat sat") == pytest.approx(2 / 3)
    assert value(TokenF1(), "dog", "cat") == 0
    assert value(TokenF1(), "the", "the") == 1


def test_f1_is_lenient_with_korean_particles() -> None:
    assert 0.5 < value(TokenF1(), "서울에서 만났다", "서울 만났다") < 1
    assert value(TokenF1(), "부산", "서울") == 0


# --- json

ORDER = '{"product": "Ink", "quantity": 3, "date": null, "tags": ["a", "b"]}'


@pytest.mark.parametrize(
    "output",
    [
        ORDER,
        f"Here you are:\n```json\n{ORDER}\n```\nAnything else?",
        '{"tags": ["A", "b"], "quantity": 3.0, "date": null, "product": " ink "}',
        '{"product": "Ink", "quantity": "3", "date": null, "tags": ["a", "b"]}',
        f'First {{"product": "Pen"}}, corrected: {ORDER} {{}}',
    ],
)
def test_json_overlooks_how_it_is_written(output: str) -> None:
    assert JsonFields()(output, example(ORDER)) == Score(1.0)


def test_json_scores_the_share_of_fields() -> None:
    output = '{"product": "ink", "quantity": 4, "date": "null", "extra": 1}'
    score = JsonFields()(output, example(ORDER))
    assert score.value == pytest.approx(1 / 5)
    assert score.well_formed
    assert "quantity: expected 3, the answer said 4" in score.feedback
    assert "date: expected null, the answer said 'null'" in score.feedback
    assert "tags is missing" in score.feedback
    assert "extra was not asked for" in score.feedback


def test_json_keeps_long_numbers_exact() -> None:
    long = 12345678901234567890
    assert value(JsonFields(), f'{{"x": "{long}"}}', f'{{"x": {long}}}') == 1
    assert value(JsonFields(), f'{{"x": "{long}"}}', f'{{"x": {long + 1}}}') == 0


def test_json_can_look_at_some_fields_only() -> None:
    scorer = JsonFields(fields=("product",))
    assert value(scorer, '{"product": "ink", "other": 1}', ORDER) == 1


@pytest.mark.parametrize(
    "output",
    ["", "no", "[1, 2]", '{"product": ', "{" * 50_000, '{"a":' * 50_000, '{"a": NaN}', "{{x}}"],
)
def test_json_that_cannot_be_parsed_is_not_well_formed(output: str) -> None:
    score = JsonFields()(output, example(ORDER))
    assert (score.value, score.well_formed) == (0.0, False)


@pytest.mark.parametrize(
    ("a", "b"),
    [("true", "1"), ("null", '""'), ("null", "0"), ("false", "null"), ("[1]", "1"), ("{}", "null")],
)
def test_json_values_of_different_kinds_differ(a: str, b: str) -> None:
    assert value(JsonFields(), f'{{"x": {a}}}', f'{{"x": {b}}}') == 0


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=5), st.booleans())
def test_an_object_is_its_own_right_answer(target: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(target, ensure_ascii=ascii_only)
    assert value(JsonFields(), f"```json\n{text}\n```", text) == 1
    assert json_in(text) is not None


# --- all


@given(st.text(min_size=1).filter(str.strip), st.text())
def test_a_text_is_its_own_right_answer(target: str, other: str) -> None:
    for scorer in (Exact(), Contains(), TokenF1()):
        assert value(scorer, target, target) == 1
        assert value(scorer, target, other, target) == 1


@given(
    st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=5).filter(
        lambda labels: (
            len({plain(label, strip_punctuation=False) for label in labels} - {""}) == len(labels)
        )
    )
)
def test_a_label_is_its_own_right_answer(labels: list[str]) -> None:
    scorer = Choice(labels=tuple(labels))
    for label in labels:
        assert value(scorer, label, label) == 1


TRICKY = st.text() | st.lists(
    st.sampled_from(
        ["<answer>", "Answer:", "####", "**", "답:", "{", "}", "긍정", "1", "/", "\n", " "]
    )
).map("".join)


@given(TRICKY, TRICKY)
def test_no_text_breaks_a_scorer(output: str, target: str) -> None:
    scorers: list[Scorer] = [
        Exact(), Contains(), Choice(labels=MOODS), Numeric(), TokenF1(), JsonFields()
    ]  # fmt: skip
    for scorer in scorers:
        score = scorer(output, example(target))
        assert 0 <= score.value <= 1
        assert scorer(output, example(target)) == score


@pytest.mark.parametrize(
    "output",
    ["\ud800", "\0", "a" * 50_000, "Answer: " * 6_000, "<answer>" * 6_000, "**" * 20_000,
     "답:\n" * 10_000, "1,234 " * 8_000, "1" * 50_000, " " * 50_000, "{}" * 20_000],
)  # fmt: skip
def test_strange_and_huge_answers(output: str) -> None:
    for name in PURE:
        score = made(name)(output, example("긍정"))
        assert score.value == 0


# --- by name


def test_all_scorers_are_frozen() -> None:
    for name in PURE:
        scorer: Any = made(name)
        scorer = scorer.function if isinstance(scorer, FunctionScorer) else scorer
        with pytest.raises(dataclasses.FrozenInstanceError):
            scorer.labels = ()


def test_what_a_scorer_expects_of_targets() -> None:
    parts = [{"name": "form", "scorer": "list"}]
    form = make_scorer({"name": "regex", "pattern": "a"})
    reward = make_scorer({"name": "reward", "parts": parts})
    mine = FunctionScorer(function=len, name="mine")
    assert [keeps_targets(s) for s in (Exact(), make_scorer("regex"), form, mine)] == [1, 1, 0, 0]
    assert [judges_form(s) for s in (Exact(), form, reward, mine)] == [0, 1, 1, 0]
    assert [reads_lists(s) for s in (Exact(), form, reward, mine)] == [0, 0, 1, 0]


def test_settings_are_taken() -> None:
    assert make_scorer({"name": "numeric", "tolerance": 0.01}) == Numeric(tolerance=0.01)
    assert make_scorer({"name": "json", "fields": ["a"]}) == JsonFields(fields=("a",))
    assert make_scorer("choice", ["a", "b"]) == Choice(labels=("a", "b"))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("exakt", "Did you mean 'exact'?"),
        ({"name": "numeric", "tolerence": 1}, "Did you mean 'tolerance'?"),
        ({"name": "numeric", "tolerance": "a"}, "must be a number"),
        ({"name": "numeric", "tolerance": True}, "must be a number"),
        ({"name": "numeric", "tolerance": -1}, "at least 0"),
        ({"name": "numeric", "tolerance": float("nan")}, "at least 0"),
        ({"name": "exact", "ignore_case": "yes"}, "true or false"),
        ({"name": "json", "fields": "a"}, "a list of texts"),
        ({"name": "json", "fields": [1]}, "a list of texts"),
        ({"name": "choice", "labels": "ab"}, "a list of texts"),
        ({"name": "judge", "rubric": 3}, "a text, in quotes"),
        ({"name": "judge", "rubric": "good?", "samples": 1.5}, "a whole number"),
        ({"name": "regex", "pattern": ["a"]}, "a text, in quotes"),
        ({"name": "json_schema", "schema": 5}, "a mapping or a text"),
        ({"name": "f1", "x": 1}, "no settings"),
        ({"tolerance": 1}, "needs a name"),
        ("choice", "needs labels"),
        ("missing.py:score", "no Python file"),
    ],
)
def test_wrong_specs_say_what_is_right(spec: Any, words: str) -> None:
    with pytest.raises(TaskError, match=words.replace("?", r"\?")):
        make_scorer(spec)


def write(folder: Path, text: str) -> None:
    (folder / "mine.py").write_text(text, encoding="utf-8")


def test_a_function_of_the_users(tmp_path: Path) -> None:
    write(tmp_path, "def score(output, example, bonus=0):\n    return len(output) / 10 + bonus\n")
    assert make_scorer("mine.py:score", folder=tmp_path)("abc", example("x")).value == 0.3
    spec = {"name": "mine.py:score", "bonus": 0.5}
    assert make_scorer(spec, folder=tmp_path)("abc", example("x")).value == 0.8


def test_settings_of_a_users_class_are_what_it_declares(tmp_path: Path) -> None:
    write(
        tmp_path,
        "from dataclasses import dataclass\n"
        "class Own: pass\n"
        "@dataclass(frozen=True)\n"
        "class Mine:\n"
        "    words: list[str]\n"
        "    weights: tuple[float, ...] = ()\n"
        "    own: Own | None = None\n"
        "    lost: 'NotThere' = 0\n"
        "    def __call__(self, output, example):\n"
        "        return len(self.words) / 10\n",
    )
    scorer = make_scorer({"name": "mine.py:Mine", "words": ["a", "b"], "lost": "x"}, (), tmp_path)
    assert value(scorer, "a", "a") == 0.2
    (tmp_path / "mine.py").write_text(
        (tmp_path / "mine.py").read_text().replace("    lost: 'NotThere' = 0\n", "")
    )
    spec = {"name": "mine.py:Mine", "words": ["a"]}
    assert value(make_scorer({**spec, "weights": [1, 0.5]}, (), tmp_path), "a", "a") == 0.1
    for key, wrong in (("words", "a"), ("weights", "a"), ("own", 3)):
        with pytest.raises(TaskError, match=f"Mine.{key} is"):
            make_scorer({**spec, key: wrong}, (), tmp_path)


def test_a_class_of_the_users(tmp_path: Path) -> None:
    write(
        tmp_path,
        "from dataclasses import dataclass\n"
        "from apo.task import Score\n"
        "@dataclass(frozen=True)\n"
        "class Mine:\n"
        "    labels: tuple\n"
        "    strict: bool = False\n"
        "    def __call__(self, output, example):\n"
        "        return Score(float(output in self.labels and self.strict))\n",
    )
    scorer = make_scorer({"name": "mine.py:Mine", "strict": True}, ["a"], tmp_path)
    assert value(scorer, "a", "a") == 1
    with pytest.raises(TaskError, match=r"Mine\.strict is 'yes'; it must be true or false"):
        make_scorer({"name": "mine.py:Mine", "strict": "yes"}, ["a"], tmp_path)
    with pytest.raises(TaskError, match="no setting 'strikt'"):
        make_scorer({"name": "mine.py:Mine", "strikt": True}, ["a"], tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def other(): ...", "has no name 'score'"),
        ("score = 3", "must be a function"),
        ("1 / 0", "line 1: ZeroDivisionError"),
        ("def score(:", "line 1: SyntaxError"),
    ],
)
def test_a_file_that_does_not_fit(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path, text)
    with pytest.raises(TaskError, match=words):
        make_scorer("mine.py:score", folder=tmp_path)


@pytest.mark.parametrize("result", [2, -0.1, float("nan"), None, "1", Score(3.0)])
def test_a_function_must_give_a_score(result: Any) -> None:
    def give(output: str, example: Example) -> Any:
        return result

    scorer = FunctionScorer(function=give, name="mine")
    with pytest.raises(TaskError, match="must give a Score"):
        scorer("a", example("a"))


def test_a_failing_function_is_named() -> None:
    def fail(output: str, example: Example) -> float:
        return 1 / 0

    scorer = FunctionScorer(function=fail, name="mine")
    with pytest.raises(TaskError, match=r"mine failed on example .*ZeroDivisionError"):
        scorer("a", example("a"))


def test_numbers_in_gives_all_in_order() -> None:
    assert [float(n.value) for n in numbers_in("1, 2.5 and 3/4 of 1,000")] == [1, 2.5, 0.75, 1000]


@dataclasses.dataclass(frozen=True)
class Offered:
    """A scorer of another package."""

    level: int = 1

    def __call__(self, output: str, example: Example) -> Score:
        return Score(self.level / 10)


class Plain:
    """A scorer that is no dataclass, with a setting that it must have."""

    def __init__(self, level: float) -> None:
        self.level = level

    def __call__(self, output: str, example: Example) -> float:
        return self.level


def test_scorers_of_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint(name="offered", value=f"{__name__}:Offered", group="apo.scorers"),
        EntryPoint(name="plain", value=f"{__name__}:Plain", group="apo.scorers"),
    ]

    def installed(group: str) -> list[EntryPoint]:
        return points

    monkeypatch.setattr("apo.scorers.registry.entry_points", installed)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    assert value(make_scorer("offered"), "x", "y") == 0.1
    assert value(make_scorer({"name": "offered", "level": 3}), "x", "y") == 0.3
    assert value(make_scorer({"name": "plain", "level": 0.5}), "x", "y") == 0.5
    with pytest.raises(TaskError, match="plain does not take these settings"):
        make_scorer("plain")
    with pytest.raises(TaskError, match="Did you mean 'offered'"):
        make_scorer("ofered")
