"""Prompts in and out of files: plain text, chat messages with {{variables}}, apo's own JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from apo.errors import PromptError, near
from apo.prompts.fill import VARIABLE
from apo.prompts.foreign import (
    refuse_address,
    refuse_file,
    refuse_mapping,
    refuse_other_variables,
    texts_of,
)
from apo.prompts.layout import Demo, Layout
from apo.prompts.prompt import Prompt
from apo.prompts.python_source import python_source

FORMATS = ["text", "json", "messages", "python"]


def default_template(input_fields: Sequence[str]) -> str:
    """The user turn when a prompt does not say: the input alone, or one named line a field."""
    if len(input_fields) == 1:
        return f"{{{{{input_fields[0]}}}}}"
    return "\n".join(f"{name}: {{{{{name}}}}}" for name in input_fields)


def parse_prompt(
    value: str | Sequence[Mapping[str, Any]] | Mapping[str, Any],
    input_fields: Sequence[str],
    template: str | None = None,
) -> Prompt:
    """Read a prompt from what a user has.

    Args:
        value: plain text, a list of chat messages, or the JSON form of a `Prompt`.
        input_fields: names of the task's input fields, which are the required variables.
        template: the user turn where the value has none; by default `default_template`.

    Raises:
        PromptError: unknown or missing variables, or a shape that is none of the three.
    """
    if isinstance(value, Mapping):
        refuse_mapping(value)
    else:
        refuse_other_variables(texts_of(value), input_fields)
    template = default_template(input_fields) if template is None else template
    if isinstance(value, str):
        prompt = _from_text(value, template)
    elif isinstance(value, Mapping):
        prompt = Prompt.from_dict({"template": template, **value})
    else:
        prompt = _from_messages(value, template)
    _check_characters(prompt)
    check_variables(prompt, input_fields)
    return prompt


def check_variables(prompt: Prompt, input_fields: Sequence[str]) -> None:
    """Make sure that the prompt's variables are the task's input fields.

    Raises:
        PromptError: a variable that is no field, or a field that has no place in the prompt.
    """
    for name in prompt.variables:
        if name not in input_fields:
            raise PromptError(
                f"The prompt has a variable {{{{{name}}}}}, which is no input field of the task."
                f"{near(name, list(input_fields))}"
            )
    missing = [name for name in input_fields if name not in prompt.variables]
    if missing:
        raise PromptError(
            f"The prompt never shows the input: {', '.join(f'{{{{{m}}}}}' for m in missing)} "
            "is missing. Put it in the user turn, or leave all variables out to have it added."
        )


def _check_characters(prompt: Prompt) -> None:
    r"""Refuse what JSON escapes such as \ud83d can bring in: half of a character."""
    try:
        json.dumps(prompt.to_dict(), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        broken = str(error.object)[error.start]
        raise PromptError(
            f"The prompt holds {broken!r}, half of a surrogate pair, which is no character and "
            "which no model takes. Remove it."
        ) from None


def _from_text(text: str, template: str) -> Prompt:
    if not text.strip():
        raise PromptError("The prompt is empty; it needs at least one sentence of instruction.")
    if not VARIABLE.search(text):
        return Prompt(text.strip(), template=template)
    return _split(text.strip("\n"))


def _split(text: str) -> Prompt:
    """Take what stands above the first line with a variable as the instruction.

    The rest stays as the user turn, word for word. An instruction on the variable's own line
    cannot be rewritten apart from it: optimizers then write a new one in front.
    """
    first = VARIABLE.search(text)
    line = text.rfind("\n", 0, first.start()) + 1 if first else 0
    head = text[:line].rstrip()
    if not head:
        return Prompt("", template=text, layout=Layout(role="user"))
    separator = text[len(head) : line]
    tail = text[line:]
    return Prompt(head, template=tail, layout=Layout(role="user", separator=separator))


def _from_messages(messages: Sequence[Mapping[str, Any]], template: str) -> Prompt:
    turns = [_turn(message, place) for place, message in enumerate(messages)]
    if not turns:
        raise PromptError("The list of messages is empty.")
    system = [content for role, content in turns if role == "system"]
    turns = [(role, content) for role, content in turns if role != "system"]
    cue = turns.pop()[1] if turns and turns[-1][0] == "assistant" else ""
    roles = [role for role, _ in turns]
    if roles and roles != [*["user", "assistant"] * (len(roles) // 2), "user"]:
        raise PromptError(
            "Chat messages must alternate user and assistant after the system message, "
            "and end with the user turn that holds the input."
        )
    if not turns and (VARIABLE.search("".join(system)) or VARIABLE.search(cue)):
        raise PromptError(
            "The chat has no user turn, but variables elsewhere. Add a message with the role user "
            "that holds the input; the system message may hold further ones."
        )
    user = turns.pop()[1] if turns else template
    demos = tuple(
        Demo(asked, answered)
        for (_, asked), (_, answered) in zip(turns[::2], turns[1::2], strict=True)
    )
    if not system and not demos:
        # Word for word, unlike a file of text, whose last line break is the editor's.
        prompt = _split(user) if VARIABLE.search(user) else _from_text(user, template)
        return replace(prompt, cue=cue)
    instruction, context = _instruction_and_context("\n\n".join(system))
    return Prompt(instruction, context=context, demos=demos, cue=cue, template=user)


def _turn(message: Any, place: int) -> tuple[str, str]:
    given = cast("Mapping[str, Any]", message if isinstance(message, Mapping) else {})
    role, content = given.get("role"), given.get("content")
    role = "system" if role == "developer" else role
    if role not in ("system", "user", "assistant") or not isinstance(content, str):
        raise PromptError(
            f"Message {place + 1} must have a role (system, user, assistant) and text as content; "
            f"it is {message!r:.120}."
        )
    return role, content


def _instruction_and_context(system: str) -> tuple[str, str]:
    """Split a system message: from the first paragraph with a variable on, it is context."""
    first = VARIABLE.search(system)
    if first is None:
        return system, ""
    start = system.rfind("\n\n", 0, first.start())
    if start <= 0:
        return "", system
    return system[:start], system[start + 2 :]


def read_prompt(path: Path, input_fields: Sequence[str], template: str | None = None) -> Prompt:
    """Read a prompt from a file: JSON when it parses as a list or object, otherwise plain text.

    Raises:
        PromptError: no such file, not UTF-8, or not a usable prompt.
    """
    refuse_address(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PromptError(f"Cannot read the prompt file {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PromptError(
            f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 and try again."
        ) from error
    value: Any = text
    if text.lstrip().startswith(("{", "[")):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            if path.suffix == ".json":
                raise PromptError(f"{path} is not valid JSON: {error}.") from error
    if isinstance(value, str):
        refuse_file(path, text)
    return parse_prompt(value, input_fields, template)


def write_prompt(prompt: Prompt, form: str) -> str:
    """Write a prompt for use elsewhere.

    Args:
        prompt: the prompt.
        form: "text" (all turns as one text), "json" (apo's own, lossless), "messages" (a chat
            list with {{variables}}), or "python" (a function of the input fields that returns
            the messages, needing no package).

    Raises:
        PromptError: an unknown form.
    """
    if form == "json":
        return json.dumps(prompt.to_dict(), ensure_ascii=False, indent=2) + "\n"
    messages = [{"role": m.role, "content": m.content} for m in prompt.messages()]
    if form == "messages":
        return json.dumps(messages, ensure_ascii=False, indent=2) + "\n"
    if form == "text":
        return prompt.text() + "\n"
    if form == "python":
        return python_source(prompt)
    raise PromptError(f"There is no export format {form!r}.{near(form, FORMATS)}")
