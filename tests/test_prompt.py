"""The prompt: immutable, one id for one content, rendered by substitution only."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import Decoding, Demo, Layout, Message, Prompt, PromptError
from apo.prompts.fill import VARIABLE, fill

ODD = st.sampled_from(
    [
        "{{input}}",
        "{{ input }}",
        "{",
        "}",
        "%s",
        "$x",
        "\\1",
        "\\g<0>",
        "한국어",
        "🙂",
        "\x00",
        "\r\n",
    ]
)
# Lone surrogates are among st.characters(): JSON can bring them.
TEXT = st.lists(st.one_of(ODD, st.text(st.characters(), max_size=8)), max_size=5).map("".join)
PARTS = [
    ("instruction", "context"),
    ("context", "instruction"),
    ("demos", "instruction", "context"),
    ("instruction", "demos", "context"),
    ("instruction", "context", "demos"),
]
LAYOUTS = st.builds(
    Layout,
    order=st.sampled_from(PARTS),
    role=st.sampled_from(["system", "user"]),
    separator=st.sampled_from(["\n\n", "\n", "", " --- "]),
    headings=st.sampled_from(["none", "markdown", "xml"]),
    repeat_instruction=st.booleans(),
)
DECODINGS = st.builds(
    Decoding,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    frequency_penalty=st.none() | st.floats(-2, 2),
    presence_penalty=st.none() | st.integers(-2, 2),
    max_tokens=st.none() | st.integers(1, 10**9),
    stop=st.lists(TEXT, max_size=2).map(tuple),
)
PROMPTS = st.builds(
    Prompt,
    TEXT,
    context=TEXT,
    demos=st.lists(st.builds(Demo, TEXT, TEXT), max_size=2).map(tuple),
    cue=TEXT,
    template=TEXT,
    layout=LAYOUTS,
    decoding=DECODINGS,
)
PURE = settings(deadline=None, derandomize=True, max_examples=60)


@PURE
@given(PROMPTS)
def test_json_round_trip_keeps_everything(prompt: Prompt) -> None:
    again = Prompt.from_dict(json.loads(json.dumps(prompt.to_dict())))
    assert again == prompt
    assert again.id == prompt.id
    assert again.messages() == prompt.messages()
    assert hash(again) == hash(prompt)


@PURE
@given(PROMPTS, PROMPTS)
def test_equal_prompts_and_no_others_have_equal_ids(one: Prompt, other: Prompt) -> None:
    assert (one.id == other.id) == (one == other)


def test_the_id_is_the_same_in_every_process() -> None:
    prompt = Prompt("분류해 🙂 {{x}} %s", demos=(Demo("q", "a"),))
    code = (
        "from apo import Demo, Prompt; "
        "print(Prompt('분류해 🙂 {{x}} %s', demos=(Demo('q', 'a'),)).id)"
    )
    printed = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == prompt.id
    assert len(prompt.id) == 12


def test_every_part_counts_for_the_id() -> None:
    prompt = Prompt("a")
    others = [
        Prompt("b"),
        Prompt("a", context="c"),
        Prompt("a", demos=(Demo("q", "a"),)),
        Prompt("a", cue="c"),
        Prompt("a", template="c {{input}}"),
        Prompt("a", layout=Layout(headings="xml")),
        Prompt("a", decoding=Decoding(temperature=1.0)),
        Prompt("a", decoding=Decoding(temperature=None)),
        Prompt("a", decoding=Decoding(stop=("x",))),
    ]
    assert len({p.id for p in [prompt, *others]}) == len(others) + 1


def test_numbers_that_are_equal_make_one_prompt() -> None:
    whole, real = (Prompt("a", decoding=Decoding(temperature=t)) for t in (0, 0.0))
    assert whole == real
    assert whole.id == real.id


def test_a_prompt_cannot_be_changed() -> None:
    prompt = Prompt("a")
    for part in ("instruction", "context", "demos", "cue", "template", "layout", "decoding"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(prompt, part, "x")
    assert prompt.with_instruction("b") != prompt
    assert prompt.with_demos((Demo("q", "a"),)).demos
    assert prompt == Prompt("a")


def test_a_cached_id_does_not_follow_a_copy() -> None:
    prompt = Prompt("a")
    first = prompt.id
    assert prompt.with_instruction("b").id != first
    assert dataclasses.replace(prompt, cue="c").id != first


# --- messages -------------------------------------------------------------------------------


FULL = Prompt(
    "Do it.",
    context="About {{topic}}.",
    demos=(Demo("q1", "a1"), Demo("q2", "a2")),
    cue="Answer:",
    template="In: {{input}}",
)
INPUTS = {"topic": "cats", "input": "x"}


def turns(prompt: Prompt) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in prompt.messages(INPUTS)]


def lay(**options: Any) -> Prompt:
    return dataclasses.replace(FULL, layout=Layout(**options))


DEMOS = [("user", "q1"), ("assistant", "a1"), ("user", "q2"), ("assistant", "a2")]


def test_default_layout() -> None:
    last = ("user", "In: x\n\nAnswer:")
    assert turns(FULL) == [("system", "Do it.\n\nAbout cats."), *DEMOS, last]


def test_order_of_parts() -> None:
    assert turns(lay(order=("context", "instruction")))[0] == ("system", "About cats.\n\nDo it.")


def test_demos_in_the_text() -> None:
    shown = turns(lay(order=("instruction", "demos", "context")))
    text = "Do it.\n\nq1\na1\n\nq2\na2\n\nAbout cats."
    assert shown == [("system", text), ("user", "In: x\n\nAnswer:")]


def test_opening_in_the_first_user_turn() -> None:
    shown = turns(lay(role="user"))
    assert shown[0] == ("user", "Do it.\n\nAbout cats.\n\nq1")
    assert shown[1:4] == DEMOS[1:]
    assert shown[-1] == ("user", "In: x\n\nAnswer:")
    alone = turns(dataclasses.replace(lay(role="user"), demos=()))
    assert alone == [("user", "Do it.\n\nAbout cats.\n\nIn: x\n\nAnswer:")]


def test_separator() -> None:
    shown = turns(lay(separator=" | "))
    assert shown[0] == ("system", "Do it. | About cats.")
    assert shown[-1] == ("user", "In: x | Answer:")


def test_headings() -> None:
    markdown, xml = turns(lay(headings="markdown"))[0], turns(lay(headings="xml"))[0]
    assert markdown == ("system", "## Instruction\nDo it.\n\n## Context\nAbout cats.")
    text = "<instruction>\nDo it.\n</instruction>\n\n<context>\nAbout cats.\n</context>"
    assert xml == ("system", text)


def test_repeated_instruction_stands_between_input_and_cue() -> None:
    assert turns(lay(repeat_instruction=True))[-1] == ("user", "In: x\n\nDo it.\n\nAnswer:")


def test_empty_parts_leave_no_trace() -> None:
    shown = Prompt("", template="{{input}}", layout=Layout(headings="xml")).messages({"input": "x"})
    assert shown == (Message("user", "x"),)
    assert Prompt("Do.", layout=Layout(headings="markdown")).messages({"input": "x"}) == (
        Message("system", "## Instruction\nDo."),
        Message("user", "x"),
    )


NASTY = [
    "{{input}}",
    "{{ topic }}",
    "{",
    "}}",
    "%s %(x)d",
    "$input",
    "\\1 \\g<1>",
    "{0}",
    "{% x %}",
]


@pytest.mark.parametrize("text", NASTY)
def test_inputs_are_never_filled_again(text: str) -> None:
    prompt = Prompt("Do.", context="{{topic}}", template="{{input}} / {{topic}}")
    shown = prompt.messages({"input": text, "topic": "[{{input}}]"})
    assert shown[0].content == "Do.\n\n[{{input}}]"
    assert shown[1].content == f"{text} / [{{{{input}}}}]"


@pytest.mark.parametrize("text", NASTY)
def test_instructions_demos_and_cues_are_literal(text: str) -> None:
    layout = Layout(repeat_instruction=True)
    prompt = Prompt(text, demos=(Demo(text, text),), cue=text, layout=layout)
    assert prompt.variables == ("input",)
    shown = [m.content for m in prompt.messages({"input": "x"})]
    assert shown == [text, text, text, f"x\n\n{text}\n\n{text}"]


@PURE
@given(PROMPTS, st.dictionaries(st.just("input"), TEXT, min_size=1))
def test_rendering_puts_inputs_in_and_changes_nothing_else(
    prompt: Prompt, inputs: dict[str, str]
) -> None:
    filled, plain = prompt.messages(inputs), prompt.messages()
    assert [m.role for m in filled] == [m.role for m in plain]
    assert prompt.variables in ((), ("input",))
    if not prompt.variables:
        assert filled == plain


def test_variables_in_order_of_appearance_once_each() -> None:
    prompt = Prompt("{{no}}", context="{{ b }} {{a}}", template="{{a}} {{b}} {{ 한국 어 }}")
    assert prompt.variables == ("b", "a", "한국 어")


@pytest.mark.parametrize("text", ["{{}}", "{{ }}", "{x}", "{{x", "x}}", "{{a{b}}", "{{a\x00{{"])
def test_what_is_no_variable_is_text(text: str) -> None:
    assert fill(text, {}) == text


def test_a_long_run_of_blanks_is_no_trap() -> None:
    text = "{{a" + " " * 50_000 + "{{b"
    assert VARIABLE.search(text) is None


def test_a_missing_input_names_the_near_field() -> None:
    with pytest.raises(PromptError, match=r"\{\{texxt\}\}.*Did you mean 'text'"):
        Prompt("Do.", template="{{texxt}}").messages({"text": "x", "title": "y"})


def test_a_demo_is_the_user_turn_of_an_example() -> None:
    prompt = Prompt("Do.", template="In: {{input}}\nOut:")
    assert prompt.demo({"input": "{{input}}"}, "a") == Demo("In: {{input}}\nOut:", "a")


# --- errors ---------------------------------------------------------------------------------

WRONG: list[tuple[dict[Any, Any], str]] = [
    ({"instructon": "x"}, "Did you mean 'instruction'"),
    ({"instruction": "x", 5: "x"}, "no part 5"),
    ({}, "instruction"),
    ({"instruction": 5}, "must be text"),
    ({"instruction": None}, "must be text"),
    ({"instruction": "x", "cue": None}, "must be text"),
    ({"instruction": "x", "demos": [{"user": "a"}]}, "assistant"),
    ({"instruction": "x", "demos": [{"user": "a", "assistant": 5}]}, "must be text"),
    ({"instruction": "x", "demos": ["a"]}, "wrong shape"),
    ({"instruction": "x", "demos": 5}, "wrong shape"),
    ({"instruction": "x", "layout": None}, "wrong shape"),
    ({"instruction": "x", "layout": {"roll": "user"}}, "Did you mean 'role'"),
    ({"instruction": "x", "layout": {"role": "assistant"}}, "layout.role is 'assistant'"),
    ({"instruction": "x", "layout": {"headings": "mark"}}, "Did you mean 'markdown'"),
    ({"instruction": "x", "layout": {"separator": 5}}, "separator"),
    ({"instruction": "x", "layout": {"repeat_instruction": "no"}}, "true or false"),
    ({"instruction": "x", "layout": {"order": ["instruction"]}}, "once each"),
    ({"instruction": "x", "layout": {"order": ["instruction", "context", "context"]}}, "once each"),
    ({"instruction": "x", "layout": {"order": ["instruction", "context", "x"]}}, "once each"),
    ({"instruction": "x", "layout": {"order": "instruction"}}, "once each"),
    ({"instruction": "x", "layout": {"order": [["instruction"]]}}, "wrong shape"),
    ({"instruction": "x", "decoding": {"temprature": 1}}, "Did you mean 'temperature'"),
    ({"instruction": "x", "decoding": {"temperature": 3}}, r"\[0, 2\]"),
    ({"instruction": "x", "decoding": {"temperature": float("nan")}}, r"\[0, 2\]"),
    ({"instruction": "x", "decoding": {"temperature": "hot"}}, "a number"),
    ({"instruction": "x", "decoding": {"temperature": True}}, "a number"),
    ({"instruction": "x", "decoding": {"max_tokens": 1.5}}, "a whole number"),
    ({"instruction": "x", "decoding": {"max_tokens": 0}}, "max_tokens is 0"),
    ({"instruction": "x", "decoding": {"stop": "END"}}, "stop is 'END'"),
    ({"instruction": "x", "decoding": {"stop": [5]}}, "stop"),
    ({"instruction": "x", "decoding": {"stop": 5}}, "stop"),
    ({"instruction": "x", "decoding": ["temperature"]}, "wrong shape"),
    ({"instruction": "x", "apo_prompt": 2}, "this apo reads 1"),
]


@pytest.mark.parametrize(("values", "words"), WRONG, ids=lambda v: str(v)[:40])
def test_errors_teach(values: dict[str, Any], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        Prompt.from_dict(values)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@PURE
@given(
    st.dictionaries(
        st.sampled_from(["context", "demos", "cue", "template", "layout", "decoding"]), JSON
    )
)
def test_whatever_json_holds_is_a_prompt_or_a_prompt_error(parts: dict[str, Any]) -> None:
    try:
        prompt = Prompt.from_dict({"instruction": "x", **parts})
    except PromptError:
        return
    prompt.messages()
    assert Prompt.from_dict(prompt.to_dict()) == prompt


# --- diff -----------------------------------------------------------------------------------


def test_diff_marks_words() -> None:
    one, other = Prompt("Answer the big question now."), Prompt("Answer this question right now.")
    assert one.diff(other).startswith("Answer [-the big-]{+this+} question{+ right+} now.")
    assert one.diff(one) == ""
    assert one.diff(dataclasses.replace(one, decoding=Decoding(temperature=1.0))) == ""


@PURE
@given(PROMPTS, PROMPTS)
def test_the_difference_of_texts_is_shown_and_nothing_else(one: Prompt, other: Prompt) -> None:
    shown = one.diff(other)
    assert (shown == "") == (one.text() == other.text())


def test_changes_that_hardly_anything_parts_are_one() -> None:
    seed = Prompt("Read it. If none of them fits well, give the closest one.")
    best = Prompt("Read it. Words of the desk, and the words of others, name it.")
    told = "[-If none of them fits well, give the closest one-]{+Words of the desk"
    assert told in seed.diff(best)
    assert "a [-b-]{+x+} c [-d-]{+y+} e" in Prompt("a b c d e").diff(Prompt("a x c y e"))


def test_diff_of_korean_and_emoji() -> None:
    assert (
        Prompt("짧게 답해 🙂").diff(Prompt("짧게 적어 🙂")).startswith("짧게 [-답해-]{+적어+} 🙂")
    )
