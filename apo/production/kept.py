"""Feedback that is kept beside a task, and what of it counts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apo.errors import DataError
from apo.files import DATA, read_text, write_whole
from apo.production.feedback import Feedback

FILE = "feedback.jsonl"
"""Where a task's folder keeps it."""


def keep_feedback(folder: Path, said: Sequence[Feedback]) -> int:
    """Add feedback to what a task's folder has; what is there already is not added again.

    Returns:
        How many were added.

    Raises:
        DataError: the file cannot be read or written.
    """
    there = kept_feedback(folder)
    new = [one for one in dict.fromkeys(map(_line, said)) if one not in set(map(_line, there))]
    lines = [*map(_line, there), *new]
    try:
        write_whole(folder / FILE, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise DataError(f"{folder / FILE} cannot be written: {error.strerror}.") from error
    return len(new)


def kept_feedback(folder: Path) -> list[Feedback]:
    """What a task's folder has, in the order in which it came; nothing without a file.

    Raises:
        DataError: the file cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return []
    try:
        return [_parsed(json.loads(line)) for line in read_text(path, DATA).splitlines() if line]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} cannot be read: {error}. `apo feedback` writes it.") from error


def _line(said: Feedback) -> str:
    return json.dumps(asdict(said), ensure_ascii=False, sort_keys=True)


def _parsed(values: dict[str, Any]) -> Feedback:
    inputs = values["inputs"]
    texts = [*inputs, *inputs.values(), values["answer"], values["target"], values["by"]]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a line holds what is no text")
    return Feedback(**values)


def settled(said: Iterable[Feedback]) -> list[Feedback]:
    """One word for each input: a person's before a judge's, and of these the last."""
    return [words[-1] for words in _of_inputs(said)]


def told_disagreeing(said: Iterable[Feedback]) -> list[str]:
    """Say on how many inputs people, or where none spoke judges, disagree; nothing for none."""
    n = 0
    for words in _of_inputs(said):
        wanted = {one.wanted for one in words} - {""}
        refused = {one.answer for one in words if one.right is False} - {""}
        n += len(wanted) > 1 or bool(wanted & refused)
    return [f"Inputs on which the feedback disagrees: {n}; what came last counts."] if n else []


def _of_inputs(said: Iterable[Feedback]) -> list[list[Feedback]]:
    """What counts of each input, as it came: what people said, or where none spoke, judges."""
    found: dict[str, list[Feedback]] = {}
    for one in said:
        found.setdefault(json.dumps(dict(one.inputs), sort_keys=True), []).append(one)
    return [[one for one in all_ if one.by == "person"] or all_ for all_ in found.values()]
