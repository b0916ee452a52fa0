"""A prompt in parts: what is one, and what is left when some are left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo import Prompt, PromptSet
from apo.prompts.layout import Demo, Layout
from apo.prompts.parts import parts_of, pieces, without


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Read it, e.g. a mail. Decide!", ["Read it, e.g. a mail.", "Decide!"]),
        ('Dr. Kim says "Go." Then stop.', ['Dr. Kim says "Go."', "Then stop."]),
        ("This line wraps\ninto two. So", ["This line wraps\ninto two.", "So"]),
        ("정확히 분류하세요. 라벨만 쓰세요.", ["정확히 분류하세요.", "라벨만 쓰세요."]),
        (
            "Words:\n- a: x, y\n  and z\n- b\nAnswer.",
            ["Words:", "- a: x, y\n  and z", "- b", "Answer."],
        ),
        ("1. First. It matters.\n2) Then.", ["1. First. It matters.", "2) Then."]),
        ("## Task\nDo it.\n\nNow.", ["## Task", "Do it.", "Now."]),
        ('See:\n```json\n{"a": 1}\n\n```\nGo.', ["See:", '```json\n{"a": 1}\n\n```', "Go."]),
        ("At least 3.5 of 10. Go.", ["At least 3.5 of 10.", "Go."]),
        ("<rules>\nNever guess.\n</rules>\nGo.", ["Never guess.", "Go."]),
        ("!!! ??? Go.", ["!!! ??? Go."]),
    ],
)
def test_sentences_items_headings_and_blocks_are_parts(text: str, parts: list[str]) -> None:
    assert [part.text for part in parts_of(Prompt(text))] == parts


@given(st.text(st.sampled_from(list("ab.!? \n\t-*#1)<>/`~:가。")), max_size=60))
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    prompt = Prompt(text)
    assert without(prompt, []) == prompt
    assert (
        not without(prompt, parts_of(prompt)).instruction.strip("<>ab/- \n\t:1#)가") or "<" in text
    )


def test_what_is_left_is_as_it_was() -> None:
    prompt = Prompt("One. Two.\n\nThree.\n\n<tips>\nFour.\n</tips>\n- Five\n- Six")
    one, two, three, four, five, six = parts_of(prompt)
    assert without(prompt, [two]).instruction == prompt.instruction.replace(" Two.", "")
    assert without(prompt, [three, four]).instruction == "One. Two.\n\n- Five\n- Six"
    assert without(prompt, [one, two, three, four, five]).instruction == six.text


def test_demos_context_cue_and_layout_are_parts() -> None:
    prompt = Prompt(
        "Decide.",
        context="Today is Monday.\n\nThe customer is {{name}}.",
        demos=(Demo("a", "x"), Demo("b", "y")),
        cue="Label:",
        template="{{text}}",
        layout=Layout(headings="xml", repeat_instruction=True, role="user"),
    )
    parts = parts_of(prompt)
    kinds = ["instruction", "context", "demo", "demo", "cue", "layout", "layout"]
    assert [part.kind for part in parts] == kinds
    left = without(prompt, parts[1:])
    assert left.context == "The customer is {{name}}."
    assert (left.demos, left.cue, left.layout) == ((), "", Layout(role="user"))
    assert left.instruction == "Decide."
    assert without(prompt, [parts[3]]).demos == prompt.demos[:1]


def test_the_parts_of_a_program_are_those_of_its_steps() -> None:
    steps = {"read": Prompt("Read. Find."), "decide": Prompt("Decide.", cue="Team:")}
    parts = parts_of(PromptSet.of(steps))
    assert [(part.step, part.text) for part in parts] == [
        ("read", "Read."),
        ("read", "Find."),
        ("decide", "Decide."),
        ("decide", "Team:"),
    ]
    left = without(PromptSet.of(steps), [parts[0], parts[3]])
    assert left == PromptSet.of({"read": Prompt("Find."), "decide": Prompt("Decide.")})
