"""The checklist of `apo lint`: what prompts have, lack and should mind, in two languages."""

import pytest

from apo.lint.checklist import lint
from apo.model import Decoding
from apo.prompts.layout import Demo, Layout
from apo.prompts.prompt import Prompt
from apo.prompts.prompt_set import PromptSet


def levels(prompt: Prompt) -> dict[str, str]:
    return {hint.technique: hint.level for hint in lint(prompt)}


GOOD = Prompt(
    instruction="Classify the review as one of: good, bad. If it says neither, answer none.\n"
    "Example: 'It broke.' is bad.",
    cue="Label:",
)
GOOD_KO = Prompt(
    instruction="다음 본문만 근거로 질문에 한 문장으로 답하세요.\n"
    "본문에 답이 없으면 '모름'이라고 쓰세요.\n"
    "예: '서울입니다.' 같은 형식으로 쓰세요.",
    template="# 본문\n{{본문}}\n\n# 질문\n{{질문}}\n\n답:",
)


@pytest.mark.parametrize("prompt", [GOOD, GOOD_KO])
def test_a_prompt_that_has_all_lacks_nothing(prompt: Prompt) -> None:
    assert set(levels(prompt).values()) <= {"has", "mind"}


def test_a_vague_prompt_is_told_what_it_lacks() -> None:
    vague = Prompt("Be careful. Please note that quality matters.")
    found = levels(vague)
    for technique in ("instruction first", "an out", "length", "cue", "output example"):
        assert found[technique] == "lacks", technique
    assert found["plain words"] == "mind"
    assert levels(Prompt("적절히 잘 부탁합니다."))["plain words"] == "mind"


@pytest.mark.parametrize(
    ("technique", "without", "with_it"),
    [
        ("an out", "Name the city.", "Name the city. If none is named, say so."),
        ("an out", "도시 이름을 쓰세요.", "도시 이름을 쓰세요. 없으면 '없음'이라고 쓰세요."),
        ("length", "Sum the text up.", "Sum the text up in one sentence."),
        ("length", "요약하세요.", "20자 이내로 요약하세요."),
        ("specified output structure", "Extract the order.", "Extract the order as JSON."),
        ("specified output structure", "주문을 찾으세요.", "주문을 찾아 표로 정리하세요."),
        ("output example", "Write a slogan.", "Write a slogan, for example 'Fly lower'."),
        ("instruction first", "A ticket of a customer.", "Sort the ticket of a customer."),
        ("instruction first", "고객의 문의입니다.", "고객의 문의를 분류해 주세요."),
    ],
)
def test_each_is_found_where_it_is(technique: str, without: str, with_it: str) -> None:
    assert levels(Prompt(without))[technique] == "lacks"
    assert levels(Prompt(with_it))[technique] == "has"


def test_a_request_after_a_long_story_is_not_first() -> None:
    story = "Our shop was founded by my grandfather in a small town by the sea. " * 5
    late = Prompt(story + "Classify the ticket.")
    assert levels(late)["instruction first"] == "lacks"
    (hint,) = [hint for hint in lint(late) if hint.technique == "instruction first"]
    assert "words stand before" in hint.reason
    assert "Classify the ticket." in hint.reason


def test_rules_keep_quiet_where_they_do_not_concern_a_prompt() -> None:
    quiet = levels(Prompt("Answer yes or no only."))
    assert not {"grounding", "clear syntax", "instruction repeated at the end"} & quiet.keys()
    long = Prompt("Classify the ticket. " + "Tickets come from the shop. " * 60)
    assert levels(long)["instruction repeated at the end"] == "lacks"
    assert levels(long)["clear syntax"] == "lacks"
    again = Prompt(long.instruction, layout=Layout(repeat_instruction=True, headings="xml"))
    assert levels(again)["instruction repeated at the end"] == "has"
    assert levels(again)["clear syntax"] == "has"


def test_what_tends_to_hurt() -> None:
    forbids = Prompt("Reply. Don't be rude. Never guess. Do not use slang.")
    assert levels(forbids)["closed request"] == "mind"
    assert "closed request" not in levels(Prompt("Reply. Don't be rude."))
    assert levels(Prompt("Reply.\n\n\n\nOnly this."))["space efficiency"] == "mind"
    both = Prompt("Reply.", decoding=Decoding(temperature=0.7, top_p=0.5))
    assert levels(both)["decoding"] == "mind"
    assert "decoding" not in levels(Prompt("Reply."))


def test_demos_are_examples_and_steps_are_named() -> None:
    demos = (Demo("in", "out"), Demo("in 2", "out 2"))
    assert levels(Prompt("Translate.", demos=demos))["output example"] == "has"
    program = PromptSet.of({"draft": Prompt("A ticket."), "check": Prompt("Check it only.")})
    reasons = [hint.reason for hint in lint(program) if hint.technique == "instruction first"]
    assert [reason.split(":")[0] for reason in reasons] == ["draft", "check"]  # It lacks, has.


def test_what_to_mind_comes_first() -> None:
    told = [hint.level for hint in lint(Prompt("Try to be good."))]
    assert told == sorted(told, key=("mind", "lacks", "has").index)
