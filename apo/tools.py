"""Tools that a model may call in place of answering: declared in a request, never run by apo."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from apo.errors import PromptError

_SHAPE = (
    'Write {"type": "function", "function": {"name": "weather", "description": "…", "parameters": '
    "{a JSON schema}}}."
)


def declared(given: object) -> list[dict[str, Any]]:
    """Check declarations of tools, and give them as chat completions take them.

    Args:
        given: a list of functions, in the form of chat completions or of the Responses API.

    Raises:
        PromptError: one is no function, has no name, or that of another.
    """
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise PromptError(f"tools is {given!r:.80}; it must be a list of functions. {_SHAPE}")
    found = [_declared(tool, n) for n, tool in enumerate(cast("Sequence[object]", given), 1)]
    names = [tool["function"]["name"] for tool in found]
    for name in names:
        if names.count(name) > 1:
            raise PromptError(f"tools declares {name!r} twice.")
    return found


def _declared(tool: object, number: int) -> dict[str, Any]:
    fields = dict(cast("Mapping[str, Any]", tool)) if isinstance(tool, Mapping) else {}
    kind = fields.pop("type", "function")
    inner: object = fields.get("function", fields)
    if kind != "function":
        raise PromptError(
            f"Tool {number} is of the type {kind!r:.40}, which the provider itself would run. apo "
            f"declares functions alone. {_SHAPE}"
        )
    name = cast("Mapping[str, Any]", inner).get("name") if isinstance(inner, Mapping) else None
    if not isinstance(name, str) or not name.strip():
        raise PromptError(f"Tool {number} is {tool!r:.80}, which has no name. {_SHAPE}")
    return {"type": "function", "function": dict(cast("Mapping[str, Any]", inner))}


def flat(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tools as the Responses API takes them."""
    return [{"type": "function", **tool["function"]} for tool in tools]


def calls_as_text(calls: Any) -> str | None:
    """The calls of an answer as JSON: {"name": …, "arguments": {…}}, several as a list.

    Arguments that are no JSON stay the text that they are. None where there is no call of a name.
    """
    found = list[dict[str, Any]]()
    for call in cast("list[object]", calls) if isinstance(calls, list) else []:
        inner = cast("dict[str, object]", call).get("function") if isinstance(call, dict) else None
        if not isinstance(inner, Mapping):
            continue
        fields = cast("Mapping[str, Any]", inner)
        name, arguments = fields.get("name"), fields.get("arguments")
        if isinstance(name, str) and name:
            found.append({"name": name, "arguments": _arguments(arguments)})
    if not found:
        return None
    return json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False)


def _arguments(given: object) -> object:
    if not isinstance(given, str):
        return {} if given is None else given
    try:
        return json.loads(given) if given.strip() else {}
    except (ValueError, RecursionError):
        return given
