"""After a run: examples on which all good prompts give the same other answer than the target."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apo.errors import ApoError, TaskError, TrustError
from apo.reading.answers import plain
from apo.run.wishes import trusted_settings
from apo.scorers.awaited import AwaitedScorer
from apo.storage.folder import RunFolder
from apo.storage.rows import open_for_reading, readable
from apo.storage.summary import candidates
from apo.task import Example, Task

N_BEST = 10
"""Prompts that are asked: the best ones of the run."""
MIN_PROMPTS = 5
"""Prompts that must have answered an example: few may well be wrong together."""
MIN_SAME = 0.8
"""Share of them that must give the same other answer."""
MIN_VALUE = 0.5
"""Value on validation below which prompts that agree prove nothing."""


@dataclass(frozen=True)
class Suspect:
    """An example whose target may be wrong.

    Attributes:
        example: the example.
        answer: what the prompts say in place of its target.
        n_prompts: how many of the best prompts answered it.
        n_same: how many of them said so.
    """

    example: Example
    answer: str
    n_prompts: int
    n_same: int

    def __str__(self) -> str:
        """Tell it in a line."""
        shown = " | ".join(self.example.inputs.values())
        shown = " ".join(shown.split())
        shown = f"{shown[:79]}…" if len(shown) > 80 else shown
        return (
            f"{self.n_same} of {self.n_prompts} prompts say {self.answer[:40]!r}, the target is "
            f"{self.example.target[:40]!r}: {shown}"
        )


def suspects(folder: RunFolder) -> list[Suspect]:
    """Find examples that nearly every good prompt of a run gets wrong in the same way.

    The `N_BEST` prompts with the highest values on the whole validation split are asked. The
    target of such an example may be wrong, or all the prompts lack the same rule: look.

    Returns:
        The clearest first. None where the task cannot be loaded again, its answers are judged by
        a model, or too few prompts were measured.

    Raises:
        TrustError: the run was not made here, and nobody has allowed what it wants.
    """
    task = _task(folder)
    if task is None or isinstance(task.scorer, AwaitedScorer):
        return []
    rows = [row for row in candidates(folder)[:N_BEST] if row["whole"]]
    good = {row["id"] for row in rows if row["value"] >= MIN_VALUE}
    examples = {e.id: e for e in (*task.train, *task.validation)}
    found: list[Suspect] = []
    for identity, replies in _answers(folder, good).items():
        example = examples.get(identity)
        if example is None or len(replies) < MIN_PROMPTS:
            continue
        said = Counter(_said(task, reply) for reply in replies)
        answer, n_same = said.most_common(1)[0]
        if answer and n_same >= MIN_SAME * len(replies) and _wrong(task, answer, example):
            found.append(Suspect(example, answer, len(replies), n_same))
    return sorted(found, key=lambda suspect: (-suspect.n_same, suspect.example.id))


def _task(folder: RunFolder) -> Task | None:
    reference: Any = trusted_settings(folder).get("task_ref")
    if not isinstance(reference, str):
        return None
    from apo.taskfile.load import load_task

    try:
        return load_task(reference, memory=folder.path.parents[1] / "splits")
    except TrustError:
        raise
    except ApoError:  # Moved or changed since; the run can be shown all the same.
        return None


def _answers(folder: RunFolder, good: set[str]) -> Mapping[str, list[str]]:
    """What the good prompts answered, by example; one answer of each."""
    answers: defaultdict[str, dict[str, str]] = defaultdict(dict)
    database = open_for_reading(folder.journal_path)
    try:
        with readable():
            for note, reply in database.execute(
                "SELECT request, reply FROM calls WHERE role = 'task' AND reply IS NOT NULL "
                "ORDER BY at DESC"
            ):
                prompt, _, example = str(note).partition(" ")
                if prompt in good:
                    answers[example][prompt] = str(reply)
    finally:
        database.close()
    return {example: [*replies.values()] for example, replies in answers.items()}


def _said(task: Task, reply: str) -> str:
    """An answer in the form in which two are compared: its label, or its plain text."""
    from apo.scorers.choice import Choice

    if isinstance(task.scorer, Choice):
        found = task.scorer.find(reply)
        return found[0] if len(found) == 1 else ""
    return plain(reply)


def _wrong(task: Task, answer: str, example: Example) -> bool:
    try:
        return task.judge(answer, example).value <= 0
    except TaskError:
        return False
