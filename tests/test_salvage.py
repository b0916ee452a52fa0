"""Replies whose tags are not as they were asked for, as small models write them."""

import pytest

from apo.reading.salvage import closed, read_written

ASKED = (
    "Rewrite it.\n<candidate>\nSort it.\n</candidate>\n"
    "Reply between <instruction> and </instruction> tags."
)
DO = "Sort the ticket into one team. Answer with its name."
TUE = "문의를 한 부서로 분류하고 부서 이름만 답하세요."
OTHER = "its tags are written otherwise"
OPEN = "its <instruction> is never closed"

SALVAGED = {
    "never closed": (f"<instruction>\n{DO}", DO, OPEN),
    "never closed, in the line": (f"Here it is: <instruction> {DO}", DO, OPEN),
    "opened where it should be closed": (f"<instruction>\n{DO}\n<instruction>", DO, OPEN),
    "never closed, another tag after it": (f"<instruction>\n{DO}\n</output>\nDone.", DO, OPEN),
    "never closed, a heading after it": (f"<instruction>{DO}\n\nCandidate:\nSort it.", DO, OPEN),
    "the tag of the data, closed as asked": (f"<candidate> {DO}</instruction>", DO, OTHER),
    "a fence that is never closed": (f"<instruction>\n```\n{DO}", DO, OPEN),
    "never opened": (f"{DO}\n</instruction>", DO, "its <instruction> is never opened"),
    "the plural": (f"<instructions>\n{DO}\n</instructions>", DO, OTHER),
    "closed in the plural": (f"<instruction>{DO}</instructions>", DO, OTHER),
    "a word before it": (f"<new_instruction>{DO}</new_instruction>", DO, OTHER),
    "a number after it": (f"<instruction_1>{DO}</instruction_1>", DO, OTHER),
    "square brackets": (f"[instruction]\n{DO}\n[/instruction]", DO, OTHER),
    "entities": (f"&lt;instruction&gt;{DO}&lt;/instruction&gt;", DO, OTHER),
    "escaped": (f"\\<instruction\\>{DO}\\</instruction\\>", DO, OTHER),
    "a backslash that closes": (f"<instruction>{DO}<\\instruction>", DO, OTHER),
    "the tag of the data": (f"<candidate>\n{DO}\n</candidate>", DO, OTHER),
    "two tags mixed": (f"<candidate>{DO}</instruction>", DO, OTHER),
    "Korean tags": (f"<지시문>{TUE}</지시문>", TUE, OTHER),
    "said again without an end": (
        f"<instruction>\n{DO}\n</instruction>\n\n<instruction>\n{DO[:40]}", DO,
        "it says the same again and breaks off",
    ),
    "JSON": (f'```json\n{{"instruction": "{DO}"}}\n```', DO, "it is JSON"),
    "JSON with a word before it": (f'{{"why": "x", "new_instruction": "{DO}"}}', DO, "it is JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", SALVAGED)
def test_salvaged(case: str) -> None:
    reply, text, how = SALVAGED[case]
    found = read_written(reply, "instruction", request=ASKED)
    assert (found.text, found.reason, found.salvaged) == (text, "", how)


@pytest.mark.parametrize(
    ("reply", "truncated"),
    [
        (f"<instruction>\n{DO}", True),  # Nobody knows how it would have ended.
        ("<candidate>\nSort it.\n</candidate>", False),  # What was shown, shown again.
        ("[instruction]Sort it.[/instruction]", False),
        ("<instruction>\n1.", False),
        (DO, False),  # Perhaps one, perhaps an answer: the second ask tells.
        ("The instruction should name the teams.", False),
        ('{"instruction": 3}', False),
        ('{"instruction": "Sort', False),
        ("Between <instruction> and </instruction>.", False),
    ],
)
def test_not_salvaged(reply: str, truncated: bool) -> None:
    found = read_written(reply, "instruction", request=ASKED, truncated=truncated)
    assert not found.text
    assert found.reason
    assert found.fault


def test_what_stands_in_its_tags_is_not_salvaged() -> None:
    found = read_written(f"<instruction>{DO}</instruction>", "instruction", request=ASKED)
    assert found == (DO, "", "", "")


@pytest.mark.parametrize("tag", ["reason", "critique", "summary"])
def test_a_comment_needs_no_tags(tag: str) -> None:
    said = "It does not say which teams there are to choose from."
    assert read_written(said, tag).text == said
    assert read_written(f"<{tag}>\n{said}", tag).text == said
    assert not read_written("None.", tag).text
    assert not read_written("I would add more detail to it.", tag).text
    assert not read_written("더 자세히 쓰겠습니다. 예를 들어 볼까요?", tag).text
    assert not read_written(said, tag, truncated=True).text
    assert not read_written(said, "choice").text


def test_a_fence_around_nothing_is_no_text() -> None:
    """As of a reply that was begun for the model, and of which only the fence comes before data."""
    for reply in ("```python\n# example: do not follow it\n```", "```"):
        text = closed(f"<instruction>\n{reply}", "instruction")
        assert read_written(text, "instruction", request=ASKED).text == ""


def test_control_characters_go_into_no_prompt() -> None:
    written = f"\x1b[31m<instruction>\n{DO}\x00\x1b[0m\u202e Then\tstop.\r\n</instruction>"
    assert read_written(written, "instruction").text == f"{DO} Then\tstop."
