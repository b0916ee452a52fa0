"""Files of OpenAI's Batch API as data: the requests of one, and the answers of the other."""

import json
from pathlib import Path
from typing import Any

from apo.data.cells import Row
from apo.data.rows import read_rows
from apo.errors import DataError
from apo.reading.json_text import as_list, as_object

SUFFIXES = (".jsonl", ".ndjson")
_FIRST = 2**20
"""Bytes of a first line that are looked at."""
_PARTS = {"input": "body", "output": "response"}
"""What lines hold beside `custom_id`."""


def batch_rows(data: Path, notes: list[str]) -> list[Row] | None:
    """Give a chat for each request that was answered; the file of the other kind lies beside.

    Args:
        data: any file.
        notes: what was found and left out is added, in words.

    Returns:
        None where the file is of no batch.

    Raises:
        DataError: the other file is not there, or there are several.
    """
    kind = _kind(data)
    if kind is None:
        return None
    ids = {row.get("custom_id") for row in read_rows(data)}
    other = "output" if kind == "input" else "input"
    beside = [path for path in sorted(data.parent.iterdir()) if _kind(path) == other]
    fitting = [path for path in beside if any(r.get("custom_id") in ids for r in read_rows(path))]
    if len(fitting) > 1:
        raise DataError(
            f"{data} is a file of an OpenAI batch, and several beside it fit: "
            f"{', '.join(path.name for path in fitting)}. Leave the right one there."
        )
    if not fitting and kind == "input":
        raise DataError(
            f"{data} holds the requests of an OpenAI batch. The file of its answers, with the same "
            "custom_ids, must lie beside it."
        )
    if not fitting:
        raise DataError(
            f"{data} holds the answers of an OpenAI batch. The file of its requests, with the same "
            "custom_ids, must lie beside it."
        )
    asked, answered = (data, fitting[0]) if kind == "input" else (fitting[0], data)
    answers = {row.get("custom_id"): _answer(row) for row in read_rows(answered)}
    chats = list[Row]()
    total = 0
    for row in read_rows(asked):
        total += 1
        turns = as_list(_object(row.get("body")).get("messages"))
        answer = answers.get(row.get("custom_id"))
        if turns and answer:
            chat = [*turns, {"role": "assistant", "content": answer}]
            chats.append({"messages": json.dumps(chat, ensure_ascii=False)})
    notes.append(
        f"The rows are an OpenAI batch: the requests of {asked.name}, and as targets the answers "
        f"of {answered.name}. They are what a model said: look whether they are right."
    )
    if left := total - len(chats):
        notes.append(f"Requests without messages or without an answer, left out: {left}.")
    if not chats:
        raise DataError(f"No request of {asked} has messages, and an answer in {answered}.")
    return chats


def _kind(path: Path) -> str | None:
    """Which file of a batch it is, by its first line."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return None
    with path.open("rb") as file:
        line = _object(file.readline(_FIRST).decode("utf-8-sig", "replace"))
    if "custom_id" not in line:
        return None
    return next((kind for kind, part in _PARTS.items() if as_object(line.get(part))), None)


def _answer(row: Row) -> str | None:
    """The text of the first choice, where the request did not fail."""
    body = as_object(_object(row.get("response")).get("body")) or {}
    choices = as_list(body.get("choices")) or [None]
    said = as_object((as_object(choices[0]) or {}).get("message")) or {}
    text = said.get("content")
    return text if isinstance(text, str) and text.strip() else None


def _object(text: str | None) -> dict[str, Any]:
    try:
        return as_object(json.loads(text or "")) or {}
    except (ValueError, RecursionError):
        return {}
