"""What apo writes in a form, it reads again: the same messages and decoding, or it says so."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from apo import Decoding, Demo, Example, Layout, Prompt, Request, Task, load_task
from apo.cli.export import FORMATS
from apo.models.embedded import Embedded
from apo.prompts.forms.loss import lost
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import FORMS, write_prompt

PURE = settings(deadline=None, derandomize=True, max_examples=25)
FILES = {
    "json": "p.json",
    "yaml": "p.yaml",
    "markdown": "p.md",
    "messages": "p.json",
    "openai": "p.json",
    "dspy": "p.json",
    "langchain": "p.py",
    "prompty": "p.prompty",
    "dotprompt": "p.prompt",
    "github": "p.prompt.yml",
    "promptfoo": "promptfooconfig.yaml",
    "huggingface": "p.jsonl",
}
"""The file of each form that can be read."""
ESCAPE = ("json", "yaml", "dspy", "langchain", "prompty", "dotprompt", "promptfoo")
"""Forms in which text that looks like a variable can stay text."""
WHOLE = Decoding(
    temperature=0.3, top_p=0.9, frequency_penalty=0.1, presence_penalty=0.2, max_tokens=50,
    stop=("\n", "끝"), extra={"reasoning_effort": "low"},
)  # fmt: skip
KNOWN = Provenance(
    prompt="0a1b", run="r-1", task="문의", model="openai/gpt-5-mini", data="ff00", score=0.5769,
    interval=(0.5, 0.65), split="test", n=208, spent={"calls": 10, "usd": 0.01},
    rows=[({"input": "{{ 7*7 }} 환불"}, ["refund"])],
)  # fmt: skip
ODD = st.sampled_from(
    ["{", "}", "{{", "}}", "{%", "{% if x %}", "{#", "\\", "\\\\", "'", '"', "'''", "`", "````",
     "한국어", "🙂", "\n", "\n\n", " ", "---", "system", "${input}", "{0}", "#{", "<<<", "%s", ": ",
     "- a", "\t"]
)  # fmt: skip
PIECES = st.lists(ODD | st.text("abc 가{}\\", max_size=3), max_size=6).map("".join)
TEMPLATES = st.tuples(PIECES, PIECES).map("{{input}}".join)


def prompts(text: st.SearchStrategy[str]) -> st.SearchStrategy[Prompt]:
    return st.builds(
        Prompt,
        text,
        context=st.just("") | TEMPLATES,
        demos=st.lists(st.builds(Demo, text, text), max_size=2).map(tuple),
        cue=st.sampled_from(["", "Label:"]),
        template=st.just("{{input}}") | TEMPLATES,
        layout=st.builds(Layout, role=st.sampled_from(["system", "user"])),
    )


def put(folder: Path, form: str, prompt: Prompt, known: Provenance = KNOWN) -> Path:
    """Write a file in a form, and give its path."""
    path = folder / FILES[form]
    path.write_text(write_prompt(prompt, form, known), encoding="utf-8", newline="")
    return path


def test_each_form_that_is_read_has_a_file_here() -> None:
    assert [name for name, form in FORMS.items() if form.reads or name == "messages"] == [*FILES]
    assert [*FORMATS] == [*FORMS]


@pytest.mark.parametrize("form", FILES)
def test_messages_come_back_or_the_loss_is_told(
    form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("forms")

    @PURE
    @given(prompts(PIECES), st.text("ab{}", max_size=5))
    def check(prompt: Prompt, value: str) -> None:
        assume(prompt.variables == ("input",))
        assume(prompt.instruction.strip() and not prompt.literal_variables)
        assume(form != "dspy" or prompt.template == "{{input}}")
        # As a user turn that opens with context and ends in a demo reads back as a demo.
        assume(form != "messages" or not (prompt.layout.role == "user" and prompt.demos))
        blank = any(not message.content.strip() for message in prompt.messages())
        assume(form != "dotprompt" or not blank)  # It leaves such turns out.
        path = put(folder, form, prompt)
        if form == "prompty" and lost(prompt, form, path.read_text("utf-8")):
            return
        again = read_prompt(path, ["input"]).prompt
        assert again.messages({"input": value}) == prompt.messages({"input": value})
        assert again.decoding == prompt.decoding

    check()


@pytest.mark.parametrize("form", ESCAPE)
@pytest.mark.parametrize(
    "text",
    [
        "Keep {{input}}.",
        "{{input}}",
        "\\{{input}} and \\\\{{x}}",
        "{{{input}}} {{{{x}}}}",
        "{% raw %}{{x}}{% endraw %} {# no #}",
        "{{ '{' }} {{! no }} {{> part}} {{#each x}}",
        "a {\n{{x}} }} {",
        '{"a": {"b": {}}}',
        '{{role "system"}} <<<dotprompt:x>>> {0} {x!r}',
        "끝 🙂 {{고객 문의}}",
    ],
)
def test_what_looks_like_a_template_stays_text(form: str, text: str, tmp_path: Path) -> None:
    prompt = Prompt(text, demos=(Demo(text, text),), template="{{input}}")
    path = put(tmp_path, form, prompt)
    again = read_prompt(path, ["input"]).prompt
    assert again.messages({"input": "x"}) == prompt.messages({"input": "x"})
    assert not [told for told in lost(prompt, form, path.read_text("utf-8")) if "keep" in told]


@pytest.mark.parametrize("form", [name for name in FILES if name not in (*ESCAPE, "markdown")])
def test_text_that_would_be_filled_is_told(form: str) -> None:
    prompt = Prompt("Keep {{input}}.", template="{{input}}")
    assert any("{{" in told or "braces" in told
               for told in lost(prompt, form, write_prompt(prompt, form)))  # fmt: skip


def test_a_text_says_that_it_makes_one_message_of_several() -> None:
    prompt = Prompt("Sort it.", template="{{input}}")
    assert ["as 2 messages" in told for told in lost(prompt, "txt", prompt.text())] == [True]
    one = replace(prompt, layout=Layout(role="user"))
    assert not lost(one, "text", one.text()) + lost(prompt, "messages", "")


@pytest.mark.parametrize(
    ("form", "held"),
    {
        "json": "all",
        "yaml": "all",
        "markdown": "all",
        "dspy": "all",
        "langchain": "all",
        "huggingface": "all",
        "dotprompt": "all",
        "prompty": "all",
        "promptfoo": "all",
        "openai": "temperature top_p max_tokens extra",
        "github": "temperature top_p max_tokens",
        "messages": "",
    }.items(),
)
def test_decoding_comes_back_or_the_loss_is_told(form: str, held: str, tmp_path: Path) -> None:
    prompt = Prompt("Sort it.", template="{{input}}", decoding=WHOLE)
    path = put(tmp_path, form, prompt)
    again = read_prompt(path, ["input"]).prompt.decoding
    told = " ".join(lost(prompt, form, path.read_text("utf-8")))
    for name, value in WHOLE.to_dict().items():
        if held == "all" or name in held.split():
            assert again.to_dict()[name] == value
        else:
            assert ("reasoning_effort" if name == "extra" else name) in told


@pytest.mark.parametrize("form", ["openai", "prompty", "dotprompt", "github", "promptfoo"])
def test_no_temperature_is_none_and_not_zero(form: str, tmp_path: Path) -> None:
    prompt = Prompt("Sort it.", template="{{input}}", decoding=Decoding(temperature=None))
    assert read_prompt(put(tmp_path, form, prompt), ["input"]).prompt.decoding.temperature is None


@pytest.mark.parametrize("form", [name for name in FORMS if name not in ("text", "messages")])
def test_provenance_stands_in_the_file(form: str) -> None:
    text = write_prompt(Prompt("Sort it."), form, KNOWN)
    for word in ("r-1", "ff00", "0.5769", "0.65", "208", "gpt-5-mini"):
        assert word in text, word
    assert "provenance" not in write_prompt(Prompt("Sort it."), form).lower() or form == "dspy"


def test_near_names_of_forms() -> None:
    for near, name in {
        "yml": "yaml",
        "chat": "messages",
        ".prompt.yml": "github",
        "HF": "huggingface",
    }.items():
        assert write_prompt(Prompt("Do."), near) == write_prompt(Prompt("Do."), name)


@pytest.mark.parametrize("name", ["support-tickets", "reviews-ko", "order-fields"])
def test_a_task_scores_the_same_with_what_was_written_and_read(name: str, tmp_path: Path) -> None:
    task = load_task(name)
    seed = task.seed_prompts[0]
    demos = tuple(seed.demo(example.inputs, example.target) for example in task.train[:2])
    prompt = replace(seed, demos=demos, layout=Layout())
    examples = task.test[:8]
    before = asyncio.run(scores(task, prompt, examples))
    space: dict[str, Any] = {}
    exec(write_prompt(prompt, "python", KNOWN), space)
    for example in examples:
        chat = [{"role": m.role, "content": m.content} for m in prompt.messages(example.inputs)]
        assert space["messages"](example.inputs) == chat
    for form in FILES:
        again = read_prompt(put(tmp_path, form, prompt), task.input_fields, seed.template).prompt
        for example in examples:
            assert again.messages(example.inputs) == prompt.messages(example.inputs), form
        assert again.decoding == prompt.decoding
        assert asyncio.run(scores(task, again, examples)) == before


async def scores(task: Task, prompt: Prompt, examples: Sequence[Example]) -> list[float]:
    """What the embedded model's answers score."""
    model, found = Embedded(), list[float]()
    for example in examples:
        request = Request(prompt.messages(example.inputs), prompt.decoding)
        found.append(task.judge((await model.complete(request)).text, example).value)
    return found


def test_promptfoo_is_given_no_row_that_it_would_fill() -> None:
    rows = [({"input": "a {{input}}"}, ["b"]), ({"input": "c {{other}}"}, ["d"])]
    text = write_prompt(Prompt("Do."), "promptfoo", replace(KNOWN, rows=rows))
    assert "a {{input}}" not in text
    assert "c {{other}}" in text
    assert "without 1 test examples" in " ".join(text.split())
