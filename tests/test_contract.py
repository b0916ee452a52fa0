"""What a candidate must be before a token is spent on it."""

import json
from dataclasses import replace

import pytest

from apo import Demo, Example, Layout, Prompt
from apo.guards.contract import Contract, plain
from apo.prompts.files import parse_prompt
from apo.prompts.forms.registry import write_prompt
from apo.prompts.rules import Rules

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
        "{", "}}", '{"a": {"b": 1}}', '{{"label": "x"}}', "{{ {x} }}", "{# x #}", "100 %}",
        "%s $text {text} {0}", "<instruction>", "\x00",
        "짧게 답해 🙂",
        ROW[:35],
        "short",
        "late delivery, and a damaged parcel as well",  # An answer may be named.
    ],
)  # fmt: skip
def test_allowed(instruction: str) -> None:
    assert refusal(instruction) == ""
    prompt, inputs = SEED.with_instruction(instruction), {"text": "a", "topic": "b"}
    exported = parse_prompt(json.loads(write_prompt(prompt, "messages")), ["text", "topic"])
    assert exported.messages(inputs) == prompt.messages(inputs)


def test_what_the_seed_prompt_itself_says_may_be_said_again() -> None:
    seed = SEED.with_instruction("Write {{NAME}} and {% raw %} as they stand.")
    contract = Contract([seed], EXAMPLES, max_chars=200)
    assert contract.refusal(seed.with_instruction("Copy {{NAME}} and {% raw %} as they are.")) == ""
    assert "{{ NAMES }}" in contract.refusal(seed.with_instruction("Copy {{ NAMES }}."))
    assert "{{other}}" in CONTRACT.refusal(replace(SEED, cue="{{other}}:"))


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("", "empty"),
        (" \n\t\u3000", "empty"),
        ("x" * 201, "201 characters, over the limit of 200"),
        ("Read {{text}}.", "{{text}}"),
        ("Read {{ topic }}.", "{{ topic }}"),
        ("Read {{text}}, {{other}}.", "{{text}}"),
        ("Answer {{question}}.", "{{question}}, which is no input field"),
        ("분류하세요: {{ 문의 }}", "{{ 문의 }}, which is no input field"),
        (r"Write \frac{{a}}{{b}}.", "{{a}}, which is no input field"),
        ("{% if x %}Yes{% endif %}", "'{% if x %}', which the prompt registry would run"),
        (f"E.g. {ROW} is late.", "copies a row of the data: 'The parcel came"),
        (ROW.upper().replace(" ", "\n  "), "copies a row"),
        (f"예: {KOREAN}", "copies a row"),
    ],
)
def test_refused(instruction: str, words: str) -> None:
    assert words in refusal(instruction)


def test_what_is_not_the_candidates_to_change() -> None:
    prompt = SEED.with_instruction("Sort.")
    assert "user turn or the context" in CONTRACT.refusal(replace(prompt, template="{{text}}"))
    lost = replace(prompt, template="Label:")
    assert "lost the variable {{text}}" in CONTRACT.refusal(lost)
    assert "lost the variable {{topic}}" in CONTRACT.refusal(replace(prompt, context=""))
    assert "{{text}}" in CONTRACT.refusal(replace(prompt, cue="Of {{text}}:"))
    free = replace(prompt, cue="Answer:", demos=(Demo(ROW, "a"),), layout=Layout(headings="xml"))
    assert CONTRACT.refusal(free) == ""


def test_braces_that_only_meet_between_two_parts_are_no_variable() -> None:
    prompt = replace(SEED.with_instruction("Use {"), cue="{text}}")
    assert CONTRACT.refusal(prompt) == ""


def test_the_tasks_own_rules_come_before_any_other() -> None:
    rules = Rules(frozen=("Answer in one word.",), forbidden=("refund",), max_tokens=40)
    seed = SEED.with_instruction("Classify. Answer in one word.")
    contract = Contract([seed], EXAMPLES, rules=rules, max_chars=200)
    assert contract.refusal(seed) == ""
    assert contract.refusal(seed.with_instruction("Sort. Answer in one\n word.")) == ""
    assert "is gone" in contract.refusal(seed.with_instruction("Sort."))
    lost = seed.with_instruction("Answer in one word. Say Refund.")
    assert "'refund', which the contract forbids" in contract.refusal(lost)
    long = replace(seed, demos=(Demo(ROW, "a"), Demo(ROW, "b"), Demo(ROW, "c")))
    assert "over the contract's limit of 40" in contract.refusal(long)  # Demos are paid, too.


def test_a_demo_must_not_be_a_row_of_validation() -> None:
    train, validation = EXAMPLES[:1], EXAMPLES[1:]
    contract = Contract([SEED], train, validation=validation, max_chars=200)
    for example, words in ((train[0], ""), (validation[0], "a demo shows a row of validation")):
        for instruction in (SEED.instruction, "Sort."):
            prompt = SEED.with_instruction(instruction)
            demo = prompt.demo(example.inputs, example.target)
            assert words in contract.refusal(prompt.with_demos((demo,)))
            assert bool(words) == bool(contract.refusal(prompt.with_demos((demo,))))
    shown = Demo(f"{KOREAN}  X", "a")  # Without the template's words, and in another case.
    assert "row of validation" in contract.refusal(SEED.with_demos((shown,)))
    given = SEED.with_demos((shown,))  # What the user shows is the user's business.
    assert Contract([given], train, validation=validation, max_chars=200).refusal(given) == ""


def test_the_tasks_own_words_may_be_said_again() -> None:
    own = Contract([SEED], EXAMPLES, own=[f"Such as: {ROW}"], max_chars=200)
    assert own.refusal(SEED.with_instruction(f"E.g. {ROW}")) == ""
    assert "copies a row" in own.refusal(SEED.with_instruction(f"예: {KOREAN}"))


def test_plain_folds_case_and_blanks() -> None:
    assert plain("  A\n\tB ẞ\u3000c ") == "a b ss c"
