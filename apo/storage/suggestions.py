"""Prompts that people put into a run while it searches or stands: a line each in its folder."""

import json
from collections.abc import Sequence
from pathlib import Path

from apo.errors import PromptError, RunError
from apo.files import RESULTS, read_text, require_own
from apo.prompts.prompt import Prompt
from apo.secrecy import redact
from apo.storage.folder import RunFolder, now
from apo.storage.shapes import require

FILE = "suggestions.jsonl"
OPERATOR = "suggested"
"""The operator of a candidate that a person wrote."""


def suggest(folder: RunFolder, prompt: Prompt) -> None:
    """Leave a prompt for a run, which measures it when its search ends.

    Raises:
        RunError: the run is finished, or its folder cannot be written.
    """
    require_unfinished(folder)
    line = json.dumps({"at": now(), "prompt": prompt.to_dict()})
    path = folder.path / FILE
    try:
        require_own(path)
        with path.open("a", encoding="utf-8") as file:
            file.write(redact(line) + "\n")
    except OSError as error:
        raise RunError(f"Cannot write {path}: {error.strerror}.") from error


def require_unfinished(folder: RunFolder) -> None:
    """Make sure that a run still takes suggestions.

    Raises:
        RunError: it is finished.
    """
    if folder.state == "finished":
        raise RunError(
            f"{folder.id} is finished, and its verdict is reached once. Search from the prompt "
            "with apo optimize TASK --prompt FILE, or compare it with apo gate."
        )


def suggestions(folder: Path) -> list[Prompt]:
    """The prompts that people have left in a run's folder, each once, in order.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return []
    try:
        require_own(path)
        lines = read_text(path, RESULTS).splitlines()
        bodies = [json.loads(line) for line in lines if line.strip()]
        for number, body in enumerate(bodies, 1):
            require(body, {"prompt": dict}, f"{path}, line {number}")
        return list(dict.fromkeys(Prompt.from_dict(body["prompt"]) for body in bodies))
    except (OSError, ValueError, RecursionError, PromptError) as error:
        raise RunError(f"{path} cannot be read: {error}. Delete it, and suggest anew.") from error


def came_late(folder: Path, taken: Sequence[Prompt]) -> tuple[str, ...]:
    """Say how many suggestions came when the search had ended; nothing where none did."""
    n = len(set(suggestions(folder)) - {*taken})
    what = "1 suggestion" if n == 1 else f"{n} suggestions"
    verb = "was" if n == 1 else "were"
    told = f"{what} came when the search had ended, and {verb} not measured."
    return (told,) if n else ()
