"""What a file held: the prompt, and what of the file is no part of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from apo.body import Extra
from apo.errors import PromptError
from apo.model import Decoding
from apo.prompts.beside import read_parts
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Turn, prompt_of


class Found(NamedTuple):
    """A prompt from a file.

    Attributes:
        prompt: with an empty template where the file has no user turn.
        left_out: what the file holds and a prompt of apo does not, each by its key.
    """

    prompt: Prompt
    left_out: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What was left out, in a sentence; "" for nothing."""
        if not self.left_out:
            return ""
        return f"Read without {', '.join(self.left_out)}, which a prompt of apo does not hold."


def options_of(decoding: Decoding, names: Mapping[str, str]) -> dict[str, Any]:
    """The options of a decoding that a form has names for, by these names.

    Args:
        decoding: how answers are drawn.
        names: apo's name of an option: the form's; "extra" maps to "" where the form takes any
            further field beside the others.
    """
    given = {k: v for k, v in decoding.to_dict().items() if v is not None}
    extra: dict[str, Any] = given.pop("extra", {})
    found = {names[k]: list(v) if k == "stop" else v for k, v in given.items() if k in names}
    return {**found, **extra} if "extra" in names else found


def decoding_of(
    options: Mapping[str, Any], names: Mapping[str, str], where: str
) -> tuple[Decoding, tuple[str, ...]]:
    """Read what `options_of` gives, and the names of options that apo does not hold.

    An option that is not there is left to the provider, also the temperature.

    Raises:
        PromptError: a value outside of its range.
    """
    back = {theirs: ours for ours, theirs in names.items() if theirs}
    given = {back[k]: v for k, v in options.items() if k in back and v is not None}
    if isinstance(given.get("stop"), str):
        given["stop"] = [given["stop"]]
    extra, left = dict[str, Any](), list[str]()
    for name, value in options.items():
        if name in back or value is None:
            continue
        if "extra" in names and _sendable(name, value):
            extra[name] = value
        else:
            left.append(f"{where}{name}")
    return Decoding.from_dict({"temperature": None, **given, "extra": extra}), tuple(left)


def _sendable(name: str, value: object) -> bool:
    """Whether a field can be sent in a request's body beside apo's own."""
    try:
        Extra.of({name: value})
    except PromptError:
        return False
    return True


def chat_turns(messages: Any, read: Any) -> list[Turn]:
    """Turns of chat messages as files hold them.

    Args:
        messages: a list of objects with role and content: a text, or a list of parts.
        read: makes pieces of a text.

    Raises:
        PromptError: another shape, such as a call of a tool.
    """
    if not isinstance(messages, list):
        raise PromptError(f"messages must be a list; it is {messages!r:.80}.")
    return [_turn(m, i, read) for i, m in enumerate(items(messages), 1)]


def _turn(message: Any, place: int, read: Any) -> Turn:
    given = keys_of(message)
    role, content = given.get("role"), given.get("content")
    role = {"developer": "system", "model": "assistant", "ai": "assistant"}.get(str(role), role)
    parts = read_parts(content, role)
    if role not in ("system", "user", "assistant") or parts is None:
        raise PromptError(
            f"Message {place} must have a role (system, user, assistant) and as content text, or "
            f"parts of text and images, without calls of tools; it is {message!r:.120}."
        )
    further = set(given) - {"role", "content", "type", "name", "refusal", "annotations"}
    if further & {"tool_calls", "function_call", "tool_call_id"}:
        raise PromptError(f"Message {place} calls a tool, which apo's prompts do not.")
    return Turn(cast("Any", role), read(parts[0]), parts[1])


def found(
    turns: Sequence[Turn], decoding: Decoding | None = None, left_out: Sequence[str] = ()
) -> Found:
    """What was found, from turns."""
    return Found(prompt_of(turns, decoding), tuple(dict.fromkeys(left_out)))


def items(value: Any) -> list[Any]:
    """A list as it is; anything else as the only item, and None as none."""
    if value is None:
        return []
    return [*cast("Sequence[Any]", value)] if isinstance(value, list) else [value]


def keys_of(value: object) -> dict[str, Any]:
    """An object as it is; anything else as one without keys."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Make sure that a part of a file is an object; none is an empty one.

    Raises:
        PromptError: it is something else.
    """
    if value is None:
        return {}
    given: object = value
    if not isinstance(given, dict):
        raise PromptError(f"{what} must be an object with keys; it is {value!r:.80}.")
    return {str(k): v for k, v in keys_of(value).items()}


def load_json(text: str) -> Any:
    """Read JSON.

    Raises:
        PromptError: it is not valid.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PromptError(f"It is not valid JSON: {error}.") from error


def pretty(value: object) -> str:
    """JSON for files that people read."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def kept_in(extra: Mapping[str, Any]) -> Decoding | None:
    """The decoding that apo wrote beside a prompt, where there is one."""
    given = extra.get("decoding")
    return Decoding.from_dict(mapping(given, "decoding")) if given is not None else None
