"""Prompts from what a user has in Python or YAML: text, chat messages, apo's own mapping."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from apo.errors import PromptError, near
from apo.model import Role
from apo.prompts.beside import NOTHING, Beside, read_parts
from apo.prompts.fill import VARIABLE
from apo.prompts.foreign import refuse_mapping, refuse_other_variables, refuse_registered, texts_of
from apo.prompts.prompt import Prompt
from apo.prompts.prompt_set import PromptSet
from apo.prompts.turns import Turn, pieces_of, prompt_of


def default_template(input_fields: Sequence[str]) -> str:
    """The user turn when a prompt does not say: the input alone, or one named line a field."""
    if len(input_fields) == 1:
        return f"{{{{{input_fields[0]}}}}}"
    return "\n".join(f"{name}: {{{{{name}}}}}" for name in input_fields)


def parse_prompt(
    value: str | Sequence[Mapping[str, Any]] | Mapping[str, Any],
    input_fields: Sequence[str],
    template: str | None = None,
    beside: Beside = NOTHING,
) -> Prompt:
    """Read a prompt from what a user has.

    Args:
        value: plain text, a list of chat messages, or the JSON form of a `Prompt`.
        input_fields: names of the task's input fields, which are the required variables.
        template: the user turn where the value has none; by default `default_template`.
        beside: the input fields that the task shows beside the text.

    Raises:
        PromptError: unknown or missing variables, or a shape that is none of the three.
    """
    prompt = put_beside(parse_step(value, beside.texts(input_fields), template), beside)
    check_variables(prompt, input_fields)
    return prompt


def parse_step(
    value: str | Sequence[Mapping[str, Any]] | Mapping[str, Any],
    input_fields: Sequence[str],
    template: str | None = None,
) -> Prompt:
    """Read a prompt as `parse_prompt` does, whatever variables it has.

    Raises:
        PromptError: a shape that is none of the three.
    """
    refuse_registered(value)
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
    check_characters(prompt)
    return prompt


def check_variables(prompt: Prompt, input_fields: Sequence[str]) -> None:
    """Make sure that the prompt's variables are the task's input fields.

    What the steps of a program are given, its program says: see `apo.programs.fit`.

    Raises:
        PromptError: a variable that is no field, or a field that has no place in the prompt.
    """
    if isinstance(prompt, PromptSet):
        return
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


def put_beside(prompt: Prompt, beside: Beside) -> Prompt:
    """Have a prompt show a task's images and conversations beside the text of its user turn.

    Raises:
        PromptError: its text shows one of them, or it takes another field for one.
    """
    if isinstance(prompt, PromptSet):
        return prompt
    for name in filter(None, (*prompt.images, prompt.history)):
        if name not in (*beside.images, beside.history):
            key = "images" if name in prompt.images else "history"
            raise PromptError(
                f"The prompt shows {{{{{name}}}}} as {key}, and the task takes that input for "
                f"text. Write {key}: {name} into the task."
            )
    for name in VARIABLE.findall(f"{prompt.context}\n{prompt.template}"):
        if name in beside.images:
            raise PromptError(
                f"{name!r} is an image, which is shown after the text of the user turn: take "
                f"{{{{{name}}}}} out of the text."
            )
        if name == beside.history:
            raise PromptError(
                f"{name!r} is the conversation before the user turn, and its turns are sent as "
                f"turns: take {{{{{name}}}}} out of the text."
            )
    return replace(prompt, images=beside.images, history=beside.history) if beside else prompt


def check_characters(prompt: Prompt) -> None:
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
    return prompt_of([Turn("user", pieces_of(text.strip("\n")))])


def _from_messages(messages: Sequence[Mapping[str, Any]], template: str) -> Prompt:
    turns = [_turn(message, place) for place, message in enumerate(messages)]
    asked = max((i for i, (role, _, _) in enumerate(turns) if role == "user"), default=-1)
    # Word for word, unlike a file of text; and examples in between are literal.
    prompt = prompt_of(
        [
            Turn(role, pieces_of(text) if role == "system" or i >= asked else (text,), images)
            for i, (role, text, images) in enumerate(turns)
        ]
    )
    return prompt if prompt.template else replace(prompt, template=template)


def _turn(message: Any, place: int) -> tuple[Role, str, tuple[str, ...]]:
    given = cast("Mapping[str, Any]", message if isinstance(message, Mapping) else {})
    role = given.get("role")
    role = "system" if role == "developer" else role
    parts = read_parts(given.get("content"), role)
    if role not in ("system", "user", "assistant") or parts is None:
        raise PromptError(
            f"Message {place + 1} must have a role (system, user, assistant) and text as content, "
            f"or parts of text and images; it is {message!r:.120}."
        )
    said: Any = role
    return said, *parts
