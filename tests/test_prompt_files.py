"""Prompts in and out of files: what a user has is read as it is meant, or refused in words."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from apo import Decoding, Demo, Layout, Message, Prompt, PromptError
from apo.prompts.files import default_template, parse_prompt
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import FORMATS, write_prompt

PURE = settings(deadline=None, derandomize=True, max_examples=60)


def shown(prompt: Prompt, **inputs: str) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in prompt.messages(inputs)]


# --- text -----------------------------------------------------------------------------------


def test_text_without_variables_gets_the_default_user_turn() -> None:
    prompt = parse_prompt("  Classify. \n", ["text"])
    assert shown(prompt, text="x") == [("system", "Classify."), ("user", "x")]
    both = parse_prompt("Answer.", ["context", "question"])
    assert both.messages({"context": "c", "question": "q"})[-1].content == "context: c\nquestion: q"
    given_ = parse_prompt("Classify.", ["text"], "T: {{text}}")
    assert shown(given_, text="x")[-1] == ("user", "T: x")


def test_text_with_variables_is_kept_word_for_word_in_one_turn() -> None:
    text = "Classify.\n  Use labels.\n\n\nText: {{text}}\nLabel:"
    prompt = parse_prompt(text, ["text"])
    assert prompt.instruction == "Classify.\n  Use labels."
    assert shown(prompt, text="x") == [("user", text.replace("{{text}}", "x"))]
    assert prompt.with_instruction("New.").messages()[0].content.startswith("New.\n\n\nText: ")


def test_an_instruction_on_the_line_of_the_variable_stays_there() -> None:
    prompt = parse_prompt("Classify {{text}} now.", ["text"])
    assert prompt.instruction == ""
    assert shown(prompt, text="x") == [("user", "Classify x now.")]


def test_default_templates() -> None:
    assert default_template(["x"]) == "{{x}}"
    assert default_template(["a", "b"]) == "a: {{a}}\nb: {{b}}"


# --- chat -----------------------------------------------------------------------------------


def chat(*turns: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for role, content in turns]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_system_message_is_the_instruction(role: str) -> None:
    prompt = parse_prompt(chat((role, "Do."), ("user", "T: {{text}}")), ["text"])
    assert prompt.instruction == "Do."
    assert shown(prompt, text="x") == [("system", "Do."), ("user", "T: x")]


def test_turns_in_between_are_demos_and_stay_literal() -> None:
    turns = [("system", "Do."), ("user", "q {{text}}"), ("assistant", "a"), ("user", "{{text}}")]
    prompt = parse_prompt(chat(*turns), ["text"])
    assert prompt.demos == (Demo("q {{text}}", "a"),)
    assert shown(prompt, text="x") == [*turns[:3], ("user", "x")]


def test_a_prefilled_answer_is_the_cue() -> None:
    turns = [("system", "Do."), ("user", "{{text}}"), ("assistant", "Label:")]
    prompt = parse_prompt(chat(*turns), ["text"])
    assert prompt.cue == "Label:"
    assert shown(prompt, text="x")[-1] == ("user", "x\n\nLabel:")


def test_a_system_message_with_a_variable_is_split_at_its_paragraph() -> None:
    system = "Do.\n\nCarefully.\n\nAbout {{topic}}.\n\nMore."
    prompt = parse_prompt(chat(("system", system), ("user", "{{text}}")), ["text", "topic"])
    assert (prompt.instruction, prompt.context) == (
        "Do.\n\nCarefully.",
        "About {{topic}}.\n\nMore.",
    )
    assert shown(prompt, text="x", topic="t")[0] == ("system", system.replace("{{topic}}", "t"))


@pytest.mark.parametrize("system", ["\n\n{{topic}}", "Do {{topic}}", "\n{{topic}}\n\nDo."])
def test_a_system_message_keeps_its_blank_lines(system: str) -> None:
    prompt = parse_prompt(chat(("system", system), ("user", "{{text}}")), ["text", "topic"])
    assert shown(prompt, text="x", topic="t")[0] == ("system", system.replace("{{topic}}", "t"))


def test_a_user_turn_alone_is_kept_word_for_word() -> None:
    content = "\n\nDo.\n\n{{text}}\n\n"
    prompt = parse_prompt(chat(("user", content)), ["text"])
    assert shown(prompt, text="x") == [("user", content.replace("{{text}}", "x"))]


def test_a_system_message_alone_gets_the_default_user_turn() -> None:
    assert shown(parse_prompt(chat(("system", "Do.")), ["text"]), text="x")[-1] == ("user", "x")


WRONG_CHATS: list[tuple[list[Any], str]] = [
    ([], "empty"),
    (["hello"], "Message 1 must have a role"),
    ([5], "Message 1"),
    ([None], "Message 1"),
    (chat(("system", "Do."), ("bot", "x")), "Message 2"),
    (chat(("user", [{"type": "audio", "data": "x"}])), "text as content"),
    (chat(("user", None)), "text as content"),
    ([{"role": "user"}], "text as content"),
    (chat(("user", "{{text}}"), ("user", "{{text}}")), "alternate"),
    (chat(("user", "a"), ("user", "b"), ("user", "{{text}}")), "alternate"),
    (chat(("assistant", "a"), ("user", "b"), ("user", "{{text}}")), "alternate"),
    (chat(("user", "a"), ("assistant", "b"), ("assistant", "c")), "alternate"),
    (chat(("user", "")), "empty"),
    (chat(("system", "Do."), ("user", "Classify.")), r"\{\{text\}\} is missing"),
    (chat(("user", "a"), ("assistant", "b"), ("user", "c")), r"\{\{text\}\} is missing"),
]


@pytest.mark.parametrize(("value", "words"), WRONG_CHATS, ids=lambda v: str(v)[:40])
def test_chats_that_are_refused(value: list[Any], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        parse_prompt(value, ["text"])


# --- variables ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Do {{texxt}}", "no input field of the task.*Did you mean 'text'"),
        ("Do {{text}} {{zzz}}", "zzz.*Known: text, title"),
        ("Do {{text}}", r"never shows the input: \{\{title\}\} is missing"),
        ("", "empty"),
        (" \n\t", "empty"),
        ("\ufeff" * 0 + "\u3000", "empty"),
    ],
)
def test_variables_must_be_the_input_fields(text: str, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        parse_prompt(text, ["text", "title"])


# --- files ----------------------------------------------------------------------------------


def test_a_file_of_text(tmp_path: Path) -> None:
    path = tmp_path / "프롬프트.txt"
    path.write_text("분류해 🙂: {{text}}\n", encoding="utf-8-sig")
    assert shown(read_prompt(path, ["text"]).prompt, text="x") == [("user", "분류해 🙂: x")]


@pytest.mark.parametrize("text", ["{{text}} is what?", "[Task] Do {{text}}", "{a} {{text}}"])
def test_text_that_begins_like_json_is_text(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_text(text)
    assert shown(read_prompt(path, ["text"]).prompt, text="x")[0][1] == text.replace(
        "{{text}}", "x"
    )


def test_json_is_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_text(json.dumps(chat(("system", "Do."), ("user", "{{text}}"))))
    assert read_prompt(path, ["text"]).prompt.instruction == "Do."
    path.write_text(json.dumps({"instruction": "Do."}))
    assert shown(read_prompt(path, ["text"]).prompt, text="x") == [("system", "Do."), ("user", "x")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Do \xff", "not UTF-8 .byte 3."),
        ("Do.".encode("utf-16"), "not UTF-8"),
        (b'{"instruction": ', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1]", "Message 1"),
        (b"{}", "instruction"),
        (b'{"messages": []}', "The list of messages is empty"),
        (b'{"instruction": "half \\ud83d"}', "half of a surrogate pair"),
        (b'{"instruction": "x", "decoding": {"stop": ["\\udc00"]}}', "half of a surrogate pair"),
        (b'[{"role": "user", "content": "{{text}} \\ud83d"}]', "half of a surrogate pair"),
        (b"", "empty"),
    ],
)
def test_files_that_are_refused(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "prompt.json"
    path.write_bytes(content)
    with pytest.raises(PromptError, match=words):
        read_prompt(path, ["text"])


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.txt", tmp_path):
        with pytest.raises(PromptError, match="Cannot read the prompt file"):
            read_prompt(path, ["text"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "instruction", "demos", "user"]) | st.text(), inner
        )
    ),
    max_leaves=6,
)


@PURE
@given(st.lists(JSON, max_size=3) | st.dictionaries(st.text(max_size=9), JSON))
def test_any_json_is_a_prompt_or_a_prompt_error(value: Any) -> None:
    with contextlib.suppress(PromptError):
        parse_prompt(value, ["text"])


# --- export ---------------------------------------------------------------------------------

ODD = st.sampled_from(
    ["{", "}}", "%s", "$x", '"""', "'", "\\", "\\N{DASH}", "한국어", "🙂", "\n", "\n\n", "{{zzz}}",
     "\x00", "\x0c", "\x85", "\u2028", "\ue000", "\ue001"]
)  # fmt: skip
PLAIN = st.lists(
    st.one_of(ODD, st.text(st.characters(exclude_categories=["Cs"]), max_size=6)), max_size=5
).map("".join)
LITERAL = st.one_of(PLAIN, PLAIN.map(lambda text: text + "{{input}}"))
TEMPLATE = st.tuples(PLAIN, PLAIN).map(lambda pair: f"{pair[0]}{{{{input}}}}{pair[1]}")
LAYOUTS = st.builds(
    Layout,
    order=st.sampled_from(
        [
            ("instruction", "context"),
            ("context", "instruction"),
            ("instruction", "demos", "context"),
        ]
    ),
    role=st.sampled_from(["system", "user"]),
    separator=st.sampled_from(["\n\n", "\n", ""]),
    headings=st.sampled_from(["none", "markdown", "xml"]),
    repeat_instruction=st.booleans(),
)


def prompts(text: st.SearchStrategy[str]) -> st.SearchStrategy[Prompt]:
    return st.builds(
        Prompt,
        text,
        context=PLAIN | TEMPLATE,
        demos=st.lists(st.builds(Demo, text, text), max_size=2).map(tuple),
        cue=text,
        template=TEMPLATE,
        layout=LAYOUTS,
        decoding=st.builds(Decoding, max_tokens=st.none() | st.integers(1, 99)),
    )


def known(prompt: Prompt) -> None:
    """Assume that its only variable is {{input}}."""
    assume(prompt.variables == ("input",))


@PURE
@given(prompts(LITERAL))
def test_json_export_is_lossless(prompt: Prompt) -> None:
    known(prompt)
    again = parse_prompt(json.loads(write_prompt(prompt, "json")), ["input"])
    assert again == prompt


@PURE
@given(prompts(LITERAL))
def test_messages_export_reads_back_to_the_same_messages(prompt: Prompt) -> None:
    known(prompt)
    assume({*prompt.literal_variables} <= {"{{input}}"})
    again = parse_prompt(json.loads(write_prompt(prompt, "messages")), ["input"])
    assert again.messages() == prompt.messages()


@PURE
@given(prompts(PLAIN), PLAIN)
def test_messages_export_fills_the_same_places(prompt: Prompt, value: str) -> None:
    """Where no literal text holds a variable, which a list of messages cannot say."""
    known(prompt)
    assume({*prompt.literal_variables} <= {"{{input}}"})
    # A user turn that opens with context and ends in a demo reads back as a demo, unfilled.
    assume(not (prompt.layout.role == "user" and prompt.demos))
    again = parse_prompt(json.loads(write_prompt(prompt, "messages")), ["input"])
    assert again.messages({"input": value}) == prompt.messages({"input": value})


@PURE
@given(prompts(LITERAL))
def test_text_export_reads_back_to_the_same_text(prompt: Prompt) -> None:
    known(prompt)
    assume({*prompt.literal_variables} <= {"{{input}}"})
    again = parse_prompt(write_prompt(prompt, "text"), ["input"])
    assert again.text() == prompt.text().strip("\n")


@PURE
@given(prompts(LITERAL), LITERAL)
def test_python_export_gives_the_same_messages(prompt: Prompt, value: str) -> None:
    inputs = dict.fromkeys(prompt.variables, value)
    space: dict[str, Any] = {}
    exec(compile(write_prompt(prompt, "python"), "prompt.py", "exec"), space)
    expected = [{"role": m.role, "content": m.content} for m in prompt.messages(inputs)]
    assert space["messages"](inputs) == expected
    assert space["VARIABLES"] == list(prompt.variables)
    assert space["DECODING"] == {
        k: v for k, v in prompt.decoding.to_dict().items() if v is not None
    }


def test_python_export_of_a_context_in_a_user_turn() -> None:
    prompt = Prompt(
        "Do.", context="{{input}}", demos=(Demo("q {{input}}", "a"),), layout=Layout(role="user")
    )
    space: dict[str, Any] = {}
    exec(write_prompt(prompt, "python"), space)
    found = [Message(m["role"], m["content"]) for m in space["messages"]({"input": "x"})]
    assert tuple(found) == prompt.messages({"input": "x"})


def test_python_export_names_missing_inputs() -> None:
    space: dict[str, Any] = {}
    exec(write_prompt(Prompt("Do."), "python"), space)
    with pytest.raises(ValueError, match=r"missing inputs: \['input'\]"):
        space["messages"]({})


def test_every_format_is_one_of_the_list_and_ends_with_a_line_break() -> None:
    assert all(write_prompt(Prompt("Do."), form).endswith("\n") for form in FORMATS)
    with pytest.raises(PromptError, match="Did you mean 'messages'"):
        write_prompt(Prompt("Do."), "message")
