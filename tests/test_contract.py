"""What a candidate must be before a token is spent on it."""

from dataclasses import replace

import pytest

from apo import Demo, Example, Layout, Prompt
from apo.contract import COPIED_LENGTH, Contract, plain

ROW = "The parcel came three days late and the box was torn at two corners."
SEED = Prompt(
    "Classify.", context="About {{topic}}.", template="Text: {{text}}\nLabel:", cue="Label:"
)
KOREAN = "짧은 글이지만 서른 글자는 넘는 한국어 문장이어서 복사로 여겨집니다."
EXAMPLES = [
    Example({"text": ROW, "topic": "short"}, ("late delivery, and a damaged parcel as well",)),
    Example({"text": KOREAN, "topic": "x"}, ("a",)),
]
CONTRACT = Contract([SEED], EXAMPLES, max_chars=200)


def refusal(instruction: str) -> str:
    return CONTRACT.refusal(SEED.with_instruction(instruction))


@pytest.mark.parametrize(
    "instruction",
    [
        "Sort the text.",
        "x" * 200,
        "{", "}}", "{{other}}", "{% if %}", "%s $text {text} {0}", "<instruction>", "\x00",
        "짧게 답해 🙂",
        ROW[:COPIED_LENGTH],
        "short",
        "late delivery, and a damaged parcel as well",  # An answer may be named.
    ],
)  # fmt: skip
def test_allowed(instruction: str) -> None:
    assert refusal(instruction) == ""


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("", "empty"),
        (" \n\t\u3000", "empty"),
        ("x" * 201, "201 characters, over the limit of 200"),
        ("Read {{text}}.", "{{text}}"),
        ("Read {{ topic }}.", "{{ topic }}"),
        ("Not {{other}}, but {{text}}.", "{{text}}"),
        (f"E.g. {ROW} is late.", "copies a row of the data: 'the parcel came"),
        (ROW.upper().replace(" ", "\n  "), "copies a row"),
        (f"예: {KOREAN}", "copies a row"),
    ],
)
def test_refused(instruction: str, words: str) -> None:
    assert words in refusal(instruction)


def test_what_is_not_the_candidates_to_change() -> None:
    prompt = SEED.with_instruction("Sort.")
    assert "user turn or the context" in CONTRACT.refusal(replace(prompt, template="{{text}}"))
    assert "user turn or the context" in CONTRACT.refusal(replace(prompt, context=""))
    assert "{{text}}" in CONTRACT.refusal(replace(prompt, cue="Of {{text}}:"))
    free = replace(prompt, cue="Answer:", demos=(Demo(ROW, "a"),), layout=Layout(headings="xml"))
    assert CONTRACT.refusal(free) == ""


def test_braces_that_only_meet_between_two_parts_are_no_variable() -> None:
    prompt = replace(SEED.with_instruction("Use {"), cue="{text}}")
    assert CONTRACT.refusal(prompt) == ""


def test_plain_folds_case_and_blanks() -> None:
    assert plain("  A\n\tB ẞ\u3000c ") == "a b ss c"
