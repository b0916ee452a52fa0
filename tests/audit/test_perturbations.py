"""Perturbations change an input, and keep what its answer rests on."""

import re
import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.audit.perturbations import PERTURBATIONS, REWORDINGS, protected
from apo.prompts.layout import Demo
from apo.prompts.prompt import Prompt

ENGLISH = "Please send 38 metres of stair carpet to Glasgow, before 8 October 2026. Thank you!"
KOREAN = "굴비가 짜지 않고 살이 통통하니, 구워 먹으니 밥도둑이네요. 값은 30000원 없음."


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("text", [ENGLISH, KOREAN])
def test_numbers_and_the_words_of_the_answer_stay(name: str, text: str) -> None:
    kept = protected(text, '{"city": "Glasgow", "goods": "stair carpet", "맛": "밥도둑이네요"}')
    for seed in range(20):
        changed = PERTURBATIONS[name](text, kept, Random(seed))
        assert re.findall(r"\d+", changed) == re.findall(r"\d+", text)
        for word in ("Glasgow", "stair", "carpet", "밥도둑이네요"):
            assert (word in changed) == (word in text)


@pytest.mark.parametrize(
    ("name", "text", "some"),
    [
        ("typos", ENGLISH, True),
        ("typos", KOREAN, True),
        ("white space", KOREAN, True),
        ("capitals", ENGLISH, True),
        ("capitals", KOREAN, False),  # Korean has none.
        ("small letters", ENGLISH, True),
        ("punctuation", KOREAN, True),
        ("quoted", KOREAN, True),
        ("full width", ENGLISH, True),
        ("decomposed", KOREAN, True),
    ],
)
def test_what_changes(name: str, text: str, some: bool) -> None:
    changed = {PERTURBATIONS[name](text, frozenset(), Random(seed)) for seed in range(9)}
    assert (changed != {text}) == some


def test_a_slip_in_korean_is_one_syllable_beside_the_right_one() -> None:
    slips = {PERTURBATIONS["typos"]("없어요", frozenset(), Random(seed)) for seed in range(60)}
    assert {"업어요", "없오요", "없어요"} <= slips
    assert all(re.fullmatch("[가-힣]{3}", slip) for slip in slips)


def test_forms_that_only_look_different_mean_the_same() -> None:
    for name in ("full width", "decomposed"):
        for text in (ENGLISH, KOREAN):
            changed = PERTURBATIONS[name](text, frozenset(), Random(0))
            assert unicodedata.normalize("NFKC", changed) == text


@given(st.text(), st.integers(0, 3))
def test_no_text_is_too_odd(text: str, seed: int) -> None:
    for change in PERTURBATIONS.values():
        assert change(text, protected(text, text[:5]), Random(seed)) == change(
            text, protected(text, text[:5]), Random(seed)
        )


def test_rewordings_keep_every_word_of_the_instruction() -> None:
    prompt = Prompt("Read it. Say {a} or b.\n\n한국어도 됩니다.")
    for change in REWORDINGS.values():
        for korean in (True, False):
            words = change(prompt, korean).instruction.split()
            assert [w for w in prompt.instruction.split() if w not in words] == []
    assert "안녕하세요" in REWORDINGS["polite frame"](prompt, True).instruction


def test_fields_change_places_where_each_has_a_line() -> None:
    two = Prompt("Do.", template="a: {{a}}\nb: {{b}}")
    assert REWORDINGS["field order"](two, False).template == "b: {{b}}\na: {{a}}"
    shown = two.with_demos((Demo("a: 1\nb: 2", "3"),))
    for prompt in (Prompt("Do."), Prompt("Do.", template="{{a}} {{b}}"), shown):
        assert REWORDINGS["field order"](prompt, False) == prompt
