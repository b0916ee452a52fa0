"""The prompt contract of a task: each rule, and a seed prompt that breaks its own."""

import unicodedata
from dataclasses import replace

import pytest

from apo import Demo, Prompt, TaskError
from apo.prompts.rules import Rules, estimated_tokens, require_kept

PROMPT = Prompt(
    "Sort the mail.\nNever promise  a refund.", context="Shop: Busan", template="Mail: {{text}}"
)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (Rules(frozen=("Never promise a refund.",)), ""),
        (Rules(frozen=("Shop: Busan", "Mail: {{text}}")), ""),
        (Rules(frozen=("never promise a refund.",)), "'never promise a refund.' is gone"),
        (Rules(frozen=("Never promise\na refund!",)), "must stay word for word"),
        (Rules(forbidden=("ACME", "/\\d{6}-\\d{7}/")), ""),
        (
            Rules(forbidden=("ACME", "SORT THE  MAIL")),
            "'SORT THE MAIL', which the contract forbids",
        ),
        (Rules(forbidden=("/[Rr]efund|money/",)), "'refund', which the contract forbids by /[Rr]"),
        (Rules(forbidden=("/REFUND/",)), ""),
        (Rules(forbidden=("/",)), ""),
        (Rules(max_tokens=50), ""),
        (Rules(max_tokens=10), "tokens, over the contract's limit of 10"),
        (Rules(language="en"), ""),
        (Rules(language="ko"), "not in Korean: 0% of it"),
    ],
)
def test_rules(rules: Rules, words: str) -> None:
    broken = rules.broken(PROMPT)
    assert words in broken
    assert bool(words) == bool(broken)


def test_a_frozen_passage_in_a_demo_is_not_there() -> None:
    demo = replace(PROMPT, instruction="Sort.", demos=(Demo("Never promise a refund.", "a"),))
    assert "is gone" in Rules(frozen=("Never promise a refund.",)).broken(demo)
    assert "forbids" in Rules(forbidden=("promise",)).broken(demo)


def test_korean_is_one_text_however_it_is_composed() -> None:
    passage = "환불은 약속하지 마세요."
    apart = Prompt(unicodedata.normalize("NFD", f"메일을 분류하세요. {passage}"))
    assert Rules(frozen=(passage,)).broken(apart) == ""
    assert "forbids" in Rules(forbidden=("환불",)).broken(apart)
    assert "forbids" in Rules(forbidden=("/환.은/",)).broken(apart)


@pytest.mark.parametrize(
    ("text", "language", "kept"),
    [
        ("Classify as positive or negative: 긍정, 부정.", "ko", False),
        ("다음 리뷰를 읽고 감성을 판단해 positive 나 negative 로 답해 주세요.", "ko", True),
        ("Classify the review as 긍정, 부정 or 중립.", "en", True),
        ("다음 리뷰를 분류하세요.", "en", False),
        ("42? {} 🙂", "ko", True),  # No letters: nothing to judge.
        ("", "en", True),
    ],
)
def test_language(text: str, language: str, kept: bool) -> None:
    rules = Rules(language="ko" if language == "ko" else "en")
    assert (rules.broken(Prompt(text)) == "") == kept


@pytest.mark.slow
def test_a_pattern_without_an_end_gives_up() -> None:
    rules = Rules(forbidden=("/(a|a)*$/",))
    assert "found no end" in rules.broken(Prompt(f"{'a' * 60}!"))


def test_a_wrong_pattern_is_an_error_at_once() -> None:
    with pytest.raises(TaskError, match=r"contract.forbidden: /\(a/ is no regular expression"):
        Rules(forbidden=("/(a/",))


def test_a_seed_prompt_that_breaks_its_own_contract() -> None:
    require_kept(Rules(max_tokens=100), (PROMPT,), "t")
    with pytest.raises(TaskError, match="t: the seed prompt breaks the task's own contract: the"):
        require_kept(Rules(frozen=("Be kind.",)), (PROMPT, PROMPT), "t")


@pytest.mark.parametrize(
    ("text", "n"),
    [("", 0), (" \n", 0), ("cat", 1), ("classification", 4), ("12345", 2), ("a_b", 3),
     ("안녕하세요", 8), ("日本", 3), ("{{x}}", 5), ("🙂!", 2), ("ab가나c", 4)],
)  # fmt: skip
def test_tokens_are_estimated(text: str, n: int) -> None:
    assert estimated_tokens(text) == n


def test_who_writes_is_told_what_must_stay() -> None:
    rules = Rules(frozen=("Never promise a refund.", "Mail: {{text}}"))
    prompt = Prompt("Sort.", template="Mail: {{text}}")
    told = rules.told(prompt, korean=False)
    assert told.endswith("<keep>\nNever promise a refund.\n</keep>")
    assert "Mail" not in told  # It stands in the user turn, which nobody may change.
    assert "글자 그대로" in rules.told(prompt, korean=True)
    assert Rules(forbidden=("x",)).told(prompt, korean=False) == ""
