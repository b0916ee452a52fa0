"""Prompts from files: which form a file is of, and what of it is the prompt."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from apo.errors import PromptError
from apo.prompts.beside import NOTHING, Beside
from apo.prompts.files import (  # fmt: skip
    check_characters,
    check_variables,
    default_template,
    parse_prompt,
    parse_step,
    put_beside,
)
from apo.prompts.foreign import refuse_address, refuse_file, refuse_mapping
from apo.prompts.forms.found import Found, keys_of
from apo.prompts.forms.registry import FORMS, module_of
from apo.prompts.prompt_set import PromptSet

_ENDINGS = {
    ".prompt.yml": "github",
    ".prompt.yaml": "github",
    ".prompty": "prompty",
    ".prompt": "dotprompt",
    ".jsonl": "huggingface",
    ".py": "langchain",
    ".yaml": "yaml",
    ".yml": "yaml",
}
"""What a file's name says of its form; a longer ending stands before a shorter one."""


def read_prompt(
    path: Path,
    input_fields: Sequence[str],
    template: str | None = None,
    beside: Beside | None = NOTHING,
) -> Found:
    """Read a prompt from a file of any form that apo reads.

    Args:
        path: the file. Its ending tells the form, or else what it holds: JSON, or plain text.
        input_fields: names of the task's input fields, which are the required variables.
        template: the user turn where the file has none; by default `default_template`.
        beside: the input fields that the task shows beside the text; None for what the file says.

    Raises:
        PromptError: no such file, not UTF-8, or not a usable prompt.
    """
    refuse_address(path)
    text = _text(path)
    form = _form_of(path, text)
    if form is None:
        refuse_file(path, text)
        return Found(parse_prompt(text, input_fields, template, beside or NOTHING))
    if form == "messages":
        chat = json.loads(text)
        if beside is None:
            beside = parse_step(chat, input_fields, template).beside
            input_fields = [*dict.fromkeys((*input_fields, *beside.images))]
        return Found(parse_prompt(chat, input_fields, template, beside or NOTHING))
    try:
        found: Found = module_of(FORMS[form]).read(text)
        prompt = found.prompt
        if beside is None:
            beside = prompt.beside
            input_fields = list(dict.fromkeys((*input_fields, *prompt.variables)))
        if not prompt.template and not isinstance(prompt, PromptSet):
            texts = beside.texts(input_fields)
            prompt = replace(prompt, template=template or default_template(texts))
        prompt = put_beside(prompt, beside)
        check_characters(prompt)
        check_variables(prompt, input_fields)
    except PromptError as error:
        raise PromptError(f"{path}, read as {form}: {error}") from error
    return found._replace(prompt=prompt)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PromptError(f"Cannot read the prompt file {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PromptError(
            f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 and try again."
        ) from error


def _form_of(path: Path, text: str) -> str | None:
    """The form of a file; None for plain text."""
    name = path.name.lower()
    for ending, form in _ENDINGS.items():
        if name.endswith(ending):
            is_config = form == "yaml" and "promptfooconfig" in name
            return "promptfoo" if is_config else form
    if name.endswith((".md", ".markdown")) and text.startswith("---\napo_prompt: markdown\n"):
        return "markdown"
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        if path.suffix == ".json":
            raise PromptError(f"{path} is not valid JSON: {error}.") from error
        return None
    return _form_of_json(value)


def _form_of_json(value: object) -> str:
    if not isinstance(value, dict):
        return "messages"
    keys = set(cast("dict[str, Any]", value))
    if "input" in keys or "messages" in keys:
        return "openai"
    inner = cast("dict[str, Any]", value).values()
    if "signature" in keys or any("signature" in keys_of(part) for part in inner):
        return "dspy"
    refuse_mapping(cast("dict[str, Any]", value))
    return "json"
