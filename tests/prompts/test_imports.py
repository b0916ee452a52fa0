"""Files as other programs' users write them: read as they are meant, or refused in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from apo.errors import PromptError
from apo.model import Decoding
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import FORMS
from apo.taskfile.load import load_task

CHAT = [("system", "Sort it."), ("user", "Text: X")]
PROMPTY_1 = """---
name: Sort
authors: [kim]
model:
  api: chat
  configuration: {type: openai, name: gpt-4o}
  parameters: {temperature: 0.2, max_tokens: 30, tools: [{type: function}]}
sample: {text: hello}
---
system:
Sort it.

# user:
Text: {{ text }}
"""
PROMPTY_2 = """---
name: sort
model:
  id: gpt-4o
  options: {temperature: 0.2, maxOutputTokens: 30}
tools: [{name: search, kind: function}]
template: {format: {kind: mustache}, parser: {kind: prompty}}
---
system:
Sort it.
user:
Text: {{{text}}}
"""
GITHUB = """name: Sort
model: openai/gpt-4o-mini
modelParameters: {temperature: 0.2, maxTokens: 30}
messages:
  - {role: system, content: Sort it.}
  - {role: user, content: "Text: {{text}}"}
testData: [{text: a, expected: b}]
evaluators: [{name: e, string: {equals: "{{expected}}"}}]
"""
DOTPROMPT = """---
model: googleai/gemini-2.5-flash
config: {temperature: 0.2, maxOutputTokens: 30}
input: {schema: {text: string}, default: {text: hello}}
output: {format: json}
---
{{role "system"}}Sort it.{{! short }}{{role "user"}}Text: {{this.text}}
"""
PROMPTFOO = """prompts:
  - '[{"role": "system", "content": "Sort it."}, {"role": "user", "content": "Text: {{text}}"}]'
providers: [{id: "openai:gpt-4o", config: {temperature: 0.2, max_tokens: 30}}]
tests: [{vars: {text: a}, assert: [{type: equals, value: b}]}]
"""
LANGCHAIN = """from langchain_core.prompts import ChatPromptTemplate, HumanMessagePromptTemplate
from langchain_core.messages import SystemMessage
raise SystemExit  # What reads this runs nothing.
DECODING = {"temperature": 0.2, "max_tokens": 30}
chain = ChatPromptTemplate.from_messages(
    [SystemMessage(content="Sort it."), HumanMessagePromptTemplate.from_template("Text: {text}")],
    template_format="f-string",
) | model
"""
RESPONSES = {
    "model": "gpt-5", "instructions": "Sort it.", "tools": [{"type": "web_search"}],
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "Text: {{text}}"}]}],
    "temperature": 0.2, "max_output_tokens": 30, "store": False,
}  # fmt: skip
COMPLETIONS = {
    "model": "gpt-5", "temperature": 0.2, "max_completion_tokens": 30, "tools": [],
    "messages": [
        {"role": "developer", "content": "Sort it."}, {"role": "user", "content": "Text: {{text}}"},
    ],
}  # fmt: skip
YAML = """decoding: {temperature: 0.2, max_tokens: 30}
messages:
  - {role: system, content: Sort it.}
  - {role: user, content: "Text: {{text}}"}
author: kim
"""
GIVEN: dict[str, tuple[str, list[str]]] = {
    "first.prompty": (PROMPTY_1, ["model.parameters.tools"]),
    "second.prompty": (PROMPTY_2, ["model", "tools"]),
    "sort.prompt.yml": (GITHUB, ["model", "testData", "evaluators"]),
    "sort.prompt": (DOTPROMPT, ["model", "output", "input.default"]),
    "promptfooconfig.yaml": (PROMPTFOO, ["providers", "tests"]),
    "chain.py": (LANGCHAIN, []),
    "responses.json": (json.dumps(RESPONSES), ["model", "tools", "store"]),
    "completions.json": (json.dumps(COMPLETIONS), ["model"]),
    "chat.yaml": (YAML, ["author"]),
    "row.jsonl": (
        json.dumps({"messages": COMPLETIONS["messages"], "source": "x",
                    "decoding": {"temperature": 0.2, "max_tokens": 30}}),
        ["source"],
    ),
}  # fmt: skip


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", GIVEN)
def test_a_file_is_read_and_what_is_no_prompt_is_named(name: str, tmp_path: Path) -> None:
    text, left = GIVEN[name]
    found = read_prompt(written(tmp_path, name, text), ["text"])
    assert [(m.role, m.content) for m in found.prompt.messages({"text": "X"})] == CHAT
    assert found.prompt.decoding == Decoding(temperature=0.2, max_tokens=30)
    assert sorted(found.left_out) == sorted(left)
    assert all(key in found.note for key in left)


def test_a_dspy_state_of_one_predictor(tmp_path: Path) -> None:
    state: dict[str, Any] = {
        "traces": [], "train": [], "lm": {"model": "openai/gpt-5"},
        "demos": [{"augmented": True, "text": "a", "label": "b"}],
        "signature": {"instructions": "Sort it.", "fields": []},
    }  # fmt: skip
    whole: dict[str, Any] = {"decide.predict": state, "metadata": {}}
    for value in (state, whole):
        found = read_prompt(written(tmp_path, "p.json", json.dumps(value)), ["text"])
        assert [m.content for m in found.prompt.messages({"text": "X"})] == [
            "Sort it.",
            "a",
            "b",
            "X",
        ]
        assert found.left_out == ("lm",)
    with pytest.raises(PromptError, match=r"2 predictors \(a, b\)"):
        read_prompt(written(tmp_path, "p.json", json.dumps({"a": state, "b": state})), ["text"])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("p.prompt", "{{#each a}}{{this}}{{/each}}{{text}}", r"\{\{#each a\}\}, which Dotprompt"),
        ("p.prompt", "{{media url=text}}", "media url=text"),
        ("p.prompt", "{{history}}{{text}}", "history"),
        ("p.prompt", "{{> header}}{{text}}", "> header"),
        ("p.prompt", '{{role "tool"}}x{{text}}', "tool"),
        ("p.prompty", "system:\nDo\nuser:\n{% for x in text %}{{x}}{% endfor %}", "for x in text"),
        ("p.prompty", "user:\n{{ text | upper }}", "upper.*which Jinja runs"),
        ("p.prompty", "user:\n{{text}}\ntool:\nx", "turn of a tool"),
        ("p.py", "x = 1", "holds no ChatPromptTemplate"),
        ("p.py", "p = ChatPromptTemplate([('human', TEXT)])", "TEXT is no text"),
        ("p.py", "p = ChatPromptTemplate([MessagesPlaceholder('h')])", "MessagesPlaceholder"),
        ("p.py", "p = ChatPromptTemplate([('human', '{text:.3f}')])", ":.3f"),
        ("p.py", "p = ChatPromptTemplate([('human', '{')])", "no format string"),
        ("p.py", "def f(:", "no valid Python"),
        ("promptfooconfig.yaml", "prompts: [a, b]", "holds 2 prompts"),
        ("promptfooconfig.yaml", "prompts: ['file://a.txt']", "give the file that it names"),
        ("p.prompt.yml", "messages: [{role: tool, content: x}]", "Message 1"),
        ("p.prompt.yml", "messages: x", "must be a list"),
        ("p.prompt.yml", "a: [", "not valid YAML"),
        ("p.yaml", "Just a text", "ends in .txt"),
        ("p.jsonl", "{}\n{}", "2 conversations"),
        ("p.jsonl", "{", "not valid JSON"),
        ("p.json", json.dumps({"input": "x", "prompt": {"id": "pmpt_1"}}), "kept at OpenAI"),
        ("p.json", json.dumps({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
         "without calls of tools"),
        ("p.json", json.dumps({"messages": [
            {"role": "assistant", "content": "x", "tool_calls": [{}]}]}), "calls a tool"),
        ("p.md", "---\napo_prompt: markdown\n---\nDo.", "holds no message"),
    ],
)  # fmt: skip
def test_what_a_prompt_cannot_be_is_told(name: str, text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=words):
        read_prompt(written(tmp_path, name, text), ["text"])


def test_a_task_file_takes_such_a_prompt_and_notes_what_it_leaves_out(tmp_path: Path) -> None:
    written(tmp_path, "sort.prompt.yml", GITHUB)
    written(tmp_path, "data.csv", "text,label\n" + "".join(f"t{i},{i % 2}\n" for i in range(30)))
    written(
        tmp_path,
        "task.yaml",
        "name: sort\ndata: data.csv\ninputs: text\ntarget: label\nlabels: ['0', '1']\n"
        "prompt_file: sort.prompt.yml\n",
    )
    task = load_task(tmp_path)
    assert task.seed_prompts[0].decoding.max_tokens == 30
    assert any("sort.prompt.yml: Read without model, testData" in note for note in task.notes)


def test_the_page_of_prompt_files_lists_each_form() -> None:
    page = (Path(__file__).parents[2] / "docs/prompt-files.md").read_text("utf-8")
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [*FORMS]
