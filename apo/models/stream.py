"""A streamed reply, from a server that streams though it was not asked to, as one body."""

import re
from typing import Any

from apo.models.body import as_dict, read_body
from apo.models.within import first_choice

_FIELDS = ("content", "refusal", "reasoning_content", "reasoning")


def read_stream(text: str) -> dict[str, Any] | None:
    """Put server-sent events together to the body of a chat completion.

    Returns:
        None when the text holds no such events. An event that is an error makes the whole one;
        without an event that ends the answer, or [DONE], nobody knows its rest: it has no choice,
        and is `unended`.
    """
    if not text.lstrip().startswith(("data:", "event:", "id:", ":")):
        return None
    events = [
        as_dict(read_body(line[5:].encode("utf-8", "replace")))
        for line in text.splitlines()
        if line.startswith("data:")
    ]
    if not any(events):
        return None
    parts: dict[str, list[str]] = {}
    usage, reason, model, fingerprint = None, None, None, None
    for event in events:
        if event.get("error") or event.get("type") == "error":
            return {"error": event.get("error") or event}
        usage, model = event.get("usage") or usage, event.get("model") or model
        fingerprint = event.get("system_fingerprint") or fingerprint
        choice = first_choice(event)
        if choice.get("index", 0) != 0:
            continue
        delta = as_dict(choice.get("delta", {"content": choice.get("text")}))
        reason = choice.get("finish_reason") or reason
        for field in _FIELDS:
            if isinstance(delta.get(field), str):
                parts.setdefault(field, []).append(delta[field])
    message = {field: "".join(texts) for field, texts in parts.items()}
    ended = reason or re.search(r"^data:\s*\[DONE\]", text, re.MULTILINE)
    choices = [{"message": message, "finish_reason": reason}] if ended else []
    said = {"unended": not ended, "usage": usage, "model": model, "system_fingerprint": fingerprint}
    return {"choices": choices, **said}
