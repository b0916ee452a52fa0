"""What a form does not keep of a prompt: found by reading what was written, not by promises."""

from collections.abc import Mapping
from typing import Any

from apo.errors import PromptError
from apo.language.catalogue import message
from apo.model import Decoding
from apo.prompts.forms.registry import form_named, module_of
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Turn, shown, turns_of


def lost(prompt: Prompt, form: str, text: str) -> list[str]:
    """Say what a form does not keep, so that what is used is what was measured.

    Args:
        prompt: the prompt.
        form: its name, as `write_prompt` takes it.
        text: what was written.
    """
    kind = form_named(form)
    told = [kind.loses] if kind.loses else []
    if prompt.focus:
        return told  # Only forms that hold all of a program are written.
    if kind.module in ("text", "messages"):
        turns = len(prompt.messages()) if kind.module == "text" else 1
        return ([_turns_lost(turns)] if turns > 1 else []) + _lost_in_chat(prompt)
    if kind.module in ("curl", "dspy") or not kind.reads:
        return told
    try:
        return told + _differences(prompt, module_of(kind).read(text).prompt)
    except PromptError as error:
        why = message(f"This form does not keep it: {error} --format json and python do.")
        return [*told, why]


def _lost_in_chat(prompt: Prompt) -> list[str]:
    told = list[str]()
    if prompt.literal_variables:
        name = prompt.literal_variables[0]
        told.append(
            message(
                f"{name} stands in it as text, such as that of a demo, but is read as a variable "
                "in this form; --format json and python keep them apart."
            )
        )
    if prompt.decoding != Decoding():
        told.append(_options_lost(prompt.decoding.to_dict()))
    return told


def _turns_lost(turns: int) -> str:
    return message(
        f"It was measured as {turns} messages, which a text makes one: sent so, it has another "
        "score. --format messages, json and python keep them apart."
    )


def _differences(prompt: Prompt, back: Prompt) -> list[str]:
    before, after = turns_of(prompt), turns_of(back)
    told = list[str]()
    pairs = zip(before, after, strict=False)
    changed = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
    if changed is not None or len(before) != len(after):
        place = min(len(before), len(after)) if changed is None else changed
        where = _where(before, after, place)
        told.append(
            message(
                f"This form does not keep message {place + 1} as it is{where}; --format json and "
                "python do."
            )
        )
    given, kept = prompt.decoding.to_dict(), back.decoding.to_dict()
    values = {k: v for k, v in given.items() if v is not None and v != kept.get(k)}
    return told + ([_options_lost(values)] if values else [])


def _where(before: list[Turn], after: list[Turn], place: int) -> str:
    """The texts from the first difference on."""
    if place >= min(len(before), len(after)):
        return f": it would be {len(after)} messages, and it is {len(before)}"
    was, now = (shown(turns[place].pieces) for turns in (before, after))
    if was == now:
        return ": text in double braces, which is no variable, would be filled"
    pairs = enumerate(zip(was, now, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(was), len(now)))
    return f": {was[at : at + 30]!r} would be {now[at : at + 30]!r}"


def _options_lost(options: Mapping[str, Any]) -> str:
    return message(
        f"It was measured with {told_options(options)}, which this form does not hold: send that "
        "with each call, or take --format json or python, which hold it."
    )


def told_options(options: Mapping[str, Any]) -> str:
    """Options of decoding in words, such as "temperature 0.3"."""
    given = {k: v for k, v in options.items() if v is not None}
    given |= given.pop("extra", {})
    return ", ".join(f"{name} {_value(value)}" for name, value in given.items()) or "none"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
