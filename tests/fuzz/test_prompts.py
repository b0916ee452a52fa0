"""Prompt files of any content end as a prompt or as a `PromptError`; what apo writes, it reads."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import PromptError
from apo.model import Decoding
from apo.prompts.files import parse_prompt
from apo.prompts.forms.found import Found
from apo.prompts.forms.loss import lost
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import FORMATS, write_prompt
from apo.prompts.layout import Demo, Layout
from apo.prompts.prompt import Prompt
from tests.fuzz.hostile import damaged, deep, encoded, fuzzed, fuzzed_each, json_values, texts, told

GOOD = Prompt(
    "Answer in one word.",
    context="Facts: {{facts}}",
    demos=(Demo("2 + 2", "four"),),
    cue="Answer:",
    template="{{text}}",
    layout=Layout(order=("context", "demos", "instruction"), headings="xml"),
    decoding=Decoding(temperature=0.5, stop=("\n",)),
)
FIELDS = ("text", "facts")
ENDINGS = [".json", ".md", ".txt", ".yaml", ".py", ".jsonl", ".prompty", ".prompt", ".prompt.yml"]
words = texts.map(lambda text: text.encode("utf-8", "replace").decode())
prompts = st.builds(
    Prompt,
    words,
    context=words | st.just("Facts: {{facts}}"),
    demos=st.lists(st.builds(Demo, words, words), max_size=2).map(tuple),
    cue=words,
    template=words,
    layout=st.builds(
        Layout,
        order=st.sampled_from([("instruction", "context"), ("demos", "context", "instruction")]),
        role=st.sampled_from(["system", "user"]),
        separator=words,
        headings=st.sampled_from(["none", "markdown", "xml"]),
        repeat_instruction=st.booleans(),
    ),
    decoding=st.builds(
        Decoding,
        temperature=st.none() | st.floats(0, 2),
        stop=st.lists(words, max_size=2).map(tuple),
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prompts")


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_export_is_a_prompt_or_says_what_is_wrong(form: str, folder: Path) -> None:
    @fuzzed_each
    @given(
        st.sampled_from(ENDINGS),
        damaged(write_prompt(GOOD, form).encode()),
    )
    def check(suffix: str, data: bytes) -> None:
        path = folder / f"prompt{suffix}"
        path.write_bytes(data)
        _usable(told(lambda: read_prompt(path, FIELDS)))

    check()


def _usable(found: Prompt | Found | None) -> None:
    """What was read can be filled, sent, kept and exported."""
    if found is None:
        return
    prompt = found.prompt if isinstance(found, Found) else found
    for message in prompt.messages(dict.fromkeys((*FIELDS, "input"), "x")):
        message.content.encode()
    for form in ("text", "messages", "python", "yaml", "prompty", "dotprompt", "langchain"):
        if text := told(partial(write_prompt, prompt, form)):
            lost(prompt, form, text)
    assert Prompt.from_dict(json.loads(write_prompt(prompt, "json"))) == prompt


@fuzzed
@given(texts.map(encoded) | st.binary(max_size=80))
def test_any_bytes_are_a_prompt_or_no_prompt(folder: Path, data: bytes) -> None:
    for name in ("p.json", "p.txt"):
        (folder / name).write_bytes(data)
        _usable(told(partial(read_prompt, folder / name, ("input",))))


shapes = st.dictionaries(st.sampled_from(["apo_prompt", *GOOD.to_dict()]), json_values, max_size=4)


@fuzzed
@given(
    shapes | st.lists(st.fixed_dictionaries({"role": texts, "content": json_values}), max_size=4)
)
def test_any_json_is_a_prompt_or_no_prompt(value: Any) -> None:
    prompt = told(lambda: parse_prompt(value, ("input",)))
    if prompt is not None:
        prompt.messages({"input": "x"})
        assert Prompt.from_dict(prompt.to_dict()).id == prompt.id


@fuzzed
@given(prompts)
def test_a_prompt_written_as_json_is_the_same_prompt(prompt: Prompt) -> None:
    again = Prompt.from_dict(json.loads(write_prompt(prompt, "json")))
    assert again == prompt
    assert again.id == prompt.id


@fuzzed
@given(prompts, words, words)
def test_a_prompt_written_as_python_says_the_same_and_does_nothing_else(
    prompt: Prompt, value: str, facts: str
) -> None:
    inputs = dict.fromkeys(prompt.variables, value) | {"facts": facts}
    space: dict[str, Any] = {}
    exec(compile(write_prompt(prompt, "python"), "prompt.py", "exec"), space)
    expected = [{"role": m.role, "content": m.content} for m in prompt.messages(inputs)]
    assert space["messages"](inputs) == expected
    assert set(space) == {"__builtins__", "__doc__", "DECODING", "VARIABLES", "messages"}


@pytest.mark.parametrize("text", [deep("[", "]"), deep('{"a":', "}"), "[" + "1," * 300_000 + "1]"])
def test_extreme_json_is_no_prompt(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(PromptError):
        read_prompt(tmp_path / "p.json", ("input",))
