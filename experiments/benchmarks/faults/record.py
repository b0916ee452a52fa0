"""What is left of a run, and how it compares with one that nothing befell."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apo.errors import JournalError
from apo.storage.folder import RunFolder
from apo.storage.rows import open_for_reading, read_events

COMPARED = ("seed_prompt", "best_prompt", "winner", "validation", "verdict")
SPENT = ("calls", "usd", "tokens")
"""What an evaluation's event says of the run so far, which may come in another order;
and its tokens, which a server may state as it likes."""


@dataclass(frozen=True)
class Record:
    """A run as it stands on the disk.

    Attributes:
        result: the parts of the result that no fault may change; None while there is none.
        answers: the examples of the verdict with both prompts' answers and scores, as written.
        replies: what the journal holds of each call's answer.
        scores: the figures of each evaluation.
        paid: how often each distinct request was answered.
    """

    result: dict[str, Any] | None
    answers: str
    replies: dict[str, str]
    scores: dict[str, dict[str, Any]]
    paid: Counter[str]


def read(run: RunFolder, paid: Counter[str]) -> Record:
    """Read a run's files.

    Raises:
        ApoError: they cannot be read.
    """
    result = run.result
    answers = run.path / "test.jsonl"
    return Record(
        result=None if result is None else {key: result[key] for key in COMPARED},
        answers=answers.read_text(encoding="utf-8") if answers.exists() else "",
        replies=replies(run.journal_path),
        scores=scores(run.journal_path),
        paid=paid,
    )


def replies(path: Path) -> dict[str, str]:
    """Read the answers, or the refusals, in a journal by the keys of their calls."""
    try:
        with closing(open_for_reading(path)) as db:
            rows = db.execute("SELECT key, reply, error FROM calls").fetchall()
    except sqlite3.Error as error:
        raise JournalError(f"{path}: {error}") from error
    return {str(key): f"{reply}{error}" for key, reply, error in rows}


def scores(path: Path) -> dict[str, dict[str, Any]]:
    """Read the figures of the evaluations in a journal."""
    with closing(open_for_reading(path)) as db:
        return {
            event.key: {name: v for name, v in event.body.items() if name not in SPENT}
            for event in read_events(db)
            if event.kind == "evaluation"
        }


def n_wrong(found: Record, clean: Record) -> int:
    """Answers and scores that are not those of the clean run."""
    replies = sum(clean.replies.get(key) != reply for key, reply in found.replies.items())
    scores = sum(clean.scores.get(key) != score for key, score in found.scores.items())
    return replies + scores + (found.result is not None and found.answers != clean.answers)


def n_paid_again(found: Counter[str], clean: Counter[str]) -> int:
    """Answers beyond those that the clean run was given to the same requests."""
    return (found - clean).total()


def files_with(secret: str, folder: Path) -> list[str]:
    """The files of a folder that hold a secret."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return [str(path.relative_to(folder)) for path in paths if secret.encode() in _bytes(path)]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # SQLite's own, which come and go.
        return b""


def told(text: str) -> str:
    """The message of an error in the JSON that a command printed; "" when there is none."""
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""
