"""Replies as models write them, and what a person takes out of them."""

# ruff: noqa: E501 (a reply is easier to judge on one line)

import time

import pytest

from apo.reading.replies import read_reply, read_tags, tagged

ASKED = "Reply with the instruction between <instruction> and </instruction> tags."
ASKED_KO = "지시문은 한국어로 쓰고, <instruction> 태그와 </instruction> 태그 사이에 넣어 답하세요."
DO = "Sort the ticket into one team. Answer with its name."
TUE = "문의를 한 부서로 분류하고 부서 이름만 답하세요."

READ = {
    "alone": (f"<instruction>{DO}</instruction>", DO),
    "on lines of their own": (f"Sure!\n\n<instruction>\n{DO}\n</instruction>\n\nGood luck!", DO),
    "several paragraphs": ("<instruction>\nRead.\n\nThen sort.\n</instruction>", "Read.\n\nThen sort."),
    "capitals": (f"<INSTRUCTION>{DO}</Instruction>", DO),
    "blanks in the tags": (f"< instruction >{DO}</ instruction >", DO),
    "attributes": (f'<instruction lang="en">{DO}</instruction>', DO),
    "wide signs": (f"＜instruction＞{TUE}＜/instruction＞", TUE),
    "in the middle of a line": (f"My answer is <instruction>{DO}</instruction> as wished.", DO),
    "the request said again first": (f"{ASKED}\n\n<instruction>{DO}</instruction>", DO),
    "the request said again last": (f"<instruction>{DO}</instruction>\n\n({ASKED})", DO),
    "the request said again, Korean": (f"<instruction>{TUE}</instruction>\n\n{ASKED_KO}", TUE),
    "a promise first": (f"I put it between <instruction> and </instruction>:\n<instruction>{DO}</instruction>", DO),
    "the closing tag spoken of": (
        f"It stands between <instruction> and the closing </instruction> tag.\n<instruction>\n{DO}\n</instruction>", DO,
    ),
    "one tag spoken of": (f"I use <instruction> tags. <instruction>{DO}</instruction>", DO),
    "each tag spoken of alone": (
        f"I open with <instruction>.\n\n<instruction>\n{DO}\n</instruction>\n\nand close with </instruction>.", DO,
    ),
    "dots between the tags": (f"The form is <instruction>…</instruction>.\n<instruction>{DO}</instruction>", DO),
    "in backticks": (f"As asked, in `<instruction>` and `</instruction>`:\n<instruction>\n{DO}\n</instruction>", DO),
    "a draft and a final one": (f"<instruction>Sort.</instruction> is too short. Better:\n<instruction>{DO}</instruction>", DO),
    "two of equal rank": ("<instruction>first</instruction> or <instruction>last</instruction>", "last"),
    "a remark about a part of it": (
        f"<instruction>\n{DO}\n</instruction>\nI kept the <instruction>name</instruction> style of before.", DO,
    ),
    "a draft that never closes": (f"<instruction>\nSort th\nNo, again:\n<instruction>\n{DO}\n</instruction>", DO),
    "the tag in the text": (
        "<instruction>Read what stands in <instruction> tags.</instruction>",
        "Read what stands in <instruction> tags.",
    ),
    "a pair of tags in the text": (
        "<instruction>\nDo what <instruction>x</instruction> says.\n</instruction>",
        "Do what <instruction>x</instruction> says.",
    ),
    "a pair of tags on a line of the text": (
        "<instruction>\nAnswer so:\n<instruction>x</instruction>\n</instruction>",
        "Answer so:\n<instruction>x</instruction>",
    ),
    "written twice": (f"<instruction>\n<instruction>\n{DO}\n</instruction>\n</instruction>", DO),
    "opened twice": (f"<instruction>\n<instruction>\n{DO}\n</instruction>", DO),
    "closed twice": (f"<instruction>{DO}</instruction></instruction>", DO),
    "other tags in the text": (
        "<instruction>Put the label in <answer></answer>.</instruction>",
        "Put the label in <answer></answer>.",
    ),
    "JSON in the text": ('<instruction>Answer {"a": {"b": 1}}.</instruction>', 'Answer {"a": {"b": 1}}.'),
    "in a list": (f"1. <instruction>{DO}</instruction>", DO),
    "in bold": (f"**<instruction>**{DO}**</instruction>**", DO),
    "the whole reply in a fence": (f"```xml\n<instruction>\n{DO}\n</instruction>\n```", DO),
    "a fence inside": (f"<instruction>\n```\n{DO}\n```\n</instruction>", DO),
    "a fence with a language inside": (f"<instruction>\n```markdown\n{DO}\n```\n</instruction>", DO),
    "a fence that is a part": (
        "<instruction>\nAnswer so:\n```json\n{}\n```\n</instruction>", "Answer so:\n```json\n{}\n```",
    ),
    "two fences": (
        "<instruction>\n```\na\n```\nor\n```\nb\n```\n</instruction>", "```\na\n```\nor\n```\nb\n```",
    ),
    "quotation marks": (f'<instruction>"{DO}"</instruction>', DO),
    "typographic marks": (f"<instruction>“{DO}”</instruction>", DO),
    "Korean marks": (f"<instruction>「{TUE}」</instruction>", TUE),
    "single marks and an apostrophe": ("<instruction>'Don't guess.'</instruction>", "Don't guess."),
    "marks within marks": ('<instruction>"Say "yes" or "no"."</instruction>', 'Say "yes" or "no".'),
    "marks that are its own": (
        '<instruction>"yes" is right, and so is "no"</instruction>', '"yes" is right, and so is "no"',
    ),
    "a preamble inside": (f"<instruction>Here is the improved prompt:\n\n{DO}</instruction>", DO),
    "a polite preamble": (
        f"<instruction>Sure! Here's a revised version for you:\n{DO}</instruction>", DO,
    ),
    "a label": (f"<instruction>**Improved instruction:** {DO}</instruction>", DO),
    "a preamble and marks": (f'<instruction>Here is my new instruction: "{DO}"</instruction>', DO),
    "a preamble, Korean": (f"<instruction>다음은 개선된 지시문입니다:\n\n{TUE}</instruction>", TUE),
    "a label, Korean": (f"<instruction>개선된 프롬프트: {TUE}</instruction>", TUE),
    "no preamble": (
        "<instruction>Here is the text of a ticket: sort it.</instruction>",
        "Here is the text of a ticket: sort it.",
    ),
    "no preamble, Korean": (
        "<instruction>다음은 고객의 문의입니다: 분류하세요.</instruction>", "다음은 고객의 문의입니다: 분류하세요.",
    ),
    "a heading that is its own": (
        "<instruction>Instruction: sort.\nFormat: one word.</instruction>",
        "Instruction: sort.\nFormat: one word.",
    ),
    "signs alone": ("<instruction>+++</instruction>", "+++"),
}  # fmt: skip
EMPTY = "nothing stands between its <instruction> tags"
NONE = "the reply has no <instruction> tags"
SPEAKS = "the reply only speaks of <instruction> tags"
OPEN = "the reply opens <instruction> and never closes it"
CUT = "the reply was cut at its limit of tokens, before </instruction>"
SILENT = "the reply was cut before it said anything, perhaps while it was thinking"
UNREAD = {
    "the request said again": (ASKED, False, SPEAKS),
    "the request said again, Korean": (ASKED_KO, False, SPEAKS),
    "a promise": (
        "I will reply between <instruction> and the closing </instruction> tag.",
        False,
        SPEAKS,
    ),
    "a promise, Korean": ("<instruction>과 </instruction> 사이에 쓰겠습니다.", False, SPEAKS),
    "dots": ("<instruction>...</instruction>", False, SPEAKS),
    "no tags": (DO, False, NONE),
    "another tag": (f"<prompt>{DO}</prompt>", False, NONE),
    "a longer tag": (f"<instructions>{DO}</instructions>", False, NONE),
    "the wrong way round": ("</instruction>x<instruction>", False, NONE),
    "never closed": (f"<instruction>\n{DO}", False, OPEN),
    "opened in place of closed": (f"<instruction>\n{DO}\n<instruction>", False, OPEN),
    "a final one that is never closed": (
        f"<instruction>\nSort.\n</instruction>\nBetter:\n<instruction>\n{DO}",
        False,
        OPEN,
    ),
    "cut": ("<instruction>\nSort the ticket in", True, CUT),
    "cut in the final one": (
        "<instruction>\nSort.\n</instruction>\nBetter:\n<instruction>\nSort the ticket in",
        True,
        CUT,
    ),
    "cut after a draft in running words": (
        "A first try is <instruction>Sort.</instruction>, but that is too",
        True,
        CUT,
    ),
    "cut before": ("Let me look at the failures. The first", True, CUT),
    "cut in its thinking": ("", True, SILENT),
    "empty": (" \n", False, "the reply is empty"),
    "empty tags": ("<instruction> \n </instruction>", False, EMPTY),
    "an empty fence": ("<instruction>\n```\n```\n</instruction>", False, EMPTY),
}


@pytest.mark.parametrize("case", READ)
def test_read(case: str) -> None:
    reply, text = READ[case]
    request = ASKED_KO if "Korean" in case else ASKED
    found = read_reply(reply, "instruction", request=request)
    assert (found.text, found.reason) == (text, "")
    assert tagged(reply, "instruction") == text


@pytest.mark.parametrize("case", UNREAD)
def test_unread(case: str) -> None:
    reply, truncated, reason = UNREAD[case]
    found = read_reply(reply, "instruction", request=ASKED, truncated=truncated)
    assert (found.text, found.reason) == ("", reason)


def test_a_text_that_was_whole_before_the_reply_was_cut_is_read() -> None:
    reply = f"<instruction>\n{DO}\n</instruction>\nI changed the for"
    assert read_reply(reply, "instruction", truncated=True).text == DO


def test_what_a_request_of_your_own_says_between_the_tags_is_no_text() -> None:
    request = "Reply so: <instruction>your  new prompt</instruction> or <choice>A</choice>."
    reply = "I reply so: <instruction>your new\nprompt</instruction>."
    assert not read_reply(reply, "instruction", request=request).text
    assert read_reply("<choice>A</choice>", "choice", request=request).text == "A"


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("B is better. <choice>B</choice>", "B"),
        ("**<choice>A</choice>**", "A"),
        ('<choice>"A"</choice>', "A"),
        ("<choice>a</choice>", "a"),
        ("I choose between <choice> and </choice> tags: <choice>B</choice>", "B"),
        ("The choice between <choice> and </choice> is B.", None),
        ("선택은 <choice> 태그와 </choice> 태그 사이에 넣습니다.", None),
        ("<choice>A", None),
    ],
)
def test_a_judges_choice(reply: str, found: str | None) -> None:
    assert tagged(reply, "choice") == found


def test_all_texts_of_a_reply() -> None:
    reply = "1. <instruction>Sort.</instruction>\n2. <instruction>\n“Sort well.”\n</instruction>"
    assert read_tags(reply, "instruction") == ["Sort.", "Sort well."]
    assert read_tags(ASKED, "instruction") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "<x>a</x>\nb <x>c</x> d\n" * 20_000,
        "<x>\n" * 20_000 + "a <x>b</x> c\n" * 20_000,
        "<x>\na <x>b</x> c\n" * 20_000,
        "<x>" * 20_000 + "</x>" * 20_000,
        "a <x>b " * 20_000 + "</x> c\n" * 20_000,
    ],
)
def test_the_time_grows_with_the_length_alone(text: str) -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        read_reply(text[:size], "x", request="Reply.")
        return time.process_time() - start

    size = len(text) // 8
    assert min(seconds(8 * size) for _ in range(2)) < 0.5 + 30 * min(seconds(size) for _ in "ab")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I use <x> tags, and </x>. <x>Do.</x> That was <x>.", "Do."),
        ("<x>{{y}} 한국어 🙂 < b ></x>", "{{y}} 한국어 🙂 < b >"),
        ("<x>" * 20_000, None),
        ("<x>" * 20_000 + "Do.</x>", "Do."),
        ("<xy>Do.</xy>", None),
    ],
)
def test_any_tag(text: str, found: str | None) -> None:
    assert tagged(text, "x") == found
