"""Prompts in forms that apo does not read: each is named, and none is optimized as text."""

import json
from pathlib import Path

import pytest

from apo.errors import PromptError
from apo.prompts.files import parse_prompt
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import write_prompt

PROMPTY = "---\nname: Sort\nmodel:\n  api: chat\n---\nsystem:\nSort it.\nuser:\n{{text}}\n"
YAML = (
    "messages:\n  - role: system\n    content: Sort it.\n  - role: user\n    content: '{{text}}'\n"
)
FILES = {
    "sort.txt": (PROMPTY, "a Prompty file or a .prompt file .name it .prompty"),
    "sort.md": (YAML, "chat messages as YAML .name it .yaml"),
    "sort.sh": ('curl -d \'{"text": "Sort it."}\'\n', "a script"),
    "sort": ("#!/bin/sh\necho Sort it.\n", "a script"),
    "sort.jinja2": ("# system:\nSort it.\n# user:\n{{text}}\n", "a chat with lines of roles"),
    "sort.poml": ("<poml><task>Sort it.</task></poml>", "a POML file"),
    "sort.toml": ("prompt = 'Sort it.'\n", "a TOML file"),
    "sort.j2": ("Sort it.\n{% if text %}{{text}}{% endif %}", "a Jinja template with statements"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_program_is_named(name: str, tmp_path: Path) -> None:
    text, kind = FILES[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(PromptError, match=kind) as caught:
        read_prompt(tmp_path / name, ["text"])
    assert "apo reads a text, a list of chat messages as JSON" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("prompts:/sort@prod", "a prompt in MLflow's registry"),
        ("models:/sort/1", "a model in MLflow's registry"),
        ("https://hub/sort", "an address"),
        ("sort.py:PROMPT", "a name in a Python file"),
    ],
)
def test_an_address_is_no_file(path: str, kind: str) -> None:
    with pytest.raises(PromptError, match=f"looks like {kind}"):
        read_prompt(Path(path), ["text"])


@pytest.mark.parametrize(
    "place",
    ["{text}", "{ text }", "{text!r}", "{text:.100}", "${text}", "$text", "%(text)s", "<<text>>"],
)
def test_an_input_that_is_marked_in_another_way(place: str) -> None:
    for value in (f"Sort it.\n{place}", [{"role": "user", "content": f"Sort it: {place}"}]):
        with pytest.raises(PromptError, match="in two braces") as caught:
            parse_prompt(value, ["text"], "{{text}}")  # The template is the task's own.
        assert f"The prompt shows the input as {place}," in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        'Answer as {"label": "…"}.',
        "Write {label} and {texts}.",
        "Keep {text} as it is.\n{{text}}",
        "It costs $5 or 5 %.",
        "---\nSort it.\n---\nThe role: a clerk.",
    ],
)
def test_braces_that_are_only_text_stay(value: str, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text(value, encoding="utf-8")
    assert value.split("\n")[0] in read_prompt(tmp_path / "p.txt", ["text"]).prompt.text()


def test_what_apo_writes_is_read_again_whatever_its_words(tmp_path: Path) -> None:
    prompt = parse_prompt("Keep {text} and {% if x %}.\n{{text}}", ["text"])
    for form in ("messages", "json"):
        (tmp_path / "p.json").write_text(write_prompt(prompt, form), encoding="utf-8")
        assert read_prompt(tmp_path / "p.json", ["text"]).prompt.text() == prompt.text()


@pytest.mark.parametrize("name", ["p.json", "p.yaml"])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"_type": "prompt", "template": "{text}", "input_variables": ["text"]}, "LangChain"),
        ({"lc": 1, "type": "constructor", "kwargs": {}}, "LangChain has dumped"),
        ({"type": "text", "prompt": "Sort {{text}}", "labels": []}, "Langfuse"),
        ({"contents": [{"role": "user", "parts": [{"text": "Sort {{text}}"}]}]}, "Gemini"),
    ],
)
def test_objects_of_other_programs(
    value: dict[str, object], kind: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(PromptError, match=kind):
        read_prompt(tmp_path / name, ["text"])


def test_what_others_send_is_read_whole(tmp_path: Path) -> None:
    """Anthropic has the system turn beside the messages; a PromptTemplate is one user turn."""
    body = {"system": "Be brief.", "messages": [{"role": "user", "content": "Sort {{text}}"}]}
    source = "p = PromptTemplate(input_variables=['text'], template='Sort {text}')"
    for name, text, wanted in (
        ("p.json", json.dumps(body), ["Be brief.", "Sort {{text}}"]),
        ("p.py", source, ["Sort {{text}}"]),
        ("p.py", "p = ChatPromptTemplate.from_template('Sort {text}')", ["Sort {{text}}"]),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        found = read_prompt(tmp_path / name, ["text"])
        assert [m.content for m in found.prompt.messages()] == wanted
        assert not found.note


def test_a_request_among_values_is_named() -> None:
    """In a file it is read; in a task file or in Python, the list stands alone."""
    with pytest.raises(PromptError, match="Give the list alone"):
        parse_prompt({"messages": [{"role": "user", "content": "Sort {{text}}"}]}, ["text"])


def test_an_address_in_a_task_is_no_instruction() -> None:
    for value in ("prompts:/sort@prod", " prompts:/sort/3\n"):
        with pytest.raises(PromptError, match="--prompt prompts:/sort"):
            parse_prompt(value, ["text"])
    assert parse_prompt("prompts:/ and more", ["text"]).instruction == "prompts:/ and more"
