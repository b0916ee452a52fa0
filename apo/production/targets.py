"""Right answers of feedback as targets of a task: people do not write labels as the task does."""

from collections.abc import Iterable

from apo.data.examples import targets_of
from apo.production.feedback import Feedback, first_few
from apo.reading.answers import one_form, plain
from apo.scorers.registry import reads_lists
from apo.task import Example, Task
from apo.taskfile.build import judgeable

NAMED = 5
"""Answers, and twice as many labels, that a note names."""


def wanted_targets(said: Feedback, task: Task) -> tuple[str, ...]:
    """The right answer that feedback gives, as targets of the task; () where it gives none.

    A label is meant by what differs from it in case, blanks and punctuation alone. An answer that
    names no label, or that the task's scorer cannot judge, would be refused as a row of the task.
    """
    if not said.wanted:
        return ()
    whole = reads_lists(task.scorer)
    targets = targets_of((said.wanted,), strip=bool(task.labels), whole=whole)
    if task.labels and not whole:
        targets = tuple(dict.fromkeys(_label(target, task.labels) for target in targets))
    if not targets or "" in targets:
        return ()
    return targets if judgeable(Example(dict(said.inputs), targets), task.scorer) else ()


def _label(said: str, labels: tuple[str, ...]) -> str:
    """The only label that a text can mean; "" where there is none, or where several may be."""
    meant = [label for label in labels if _key(label) == _key(said)]
    if said in labels:
        return said
    return meant[0] if len(meant) == 1 else ""


def _key(text: str) -> str:
    return plain(one_form(text))


def told_strange(said: Iterable[Feedback], task: Task) -> list[str]:
    """Say which right answers are none in the task; nothing where all are."""
    strange = [one.wanted for one in said if one.wanted and not wanted_targets(one, task)]
    if not strange:
        return []
    n, named = len(strange), first_few([f"{text:.40}" for text in dict.fromkeys(strange)], NAMED)
    if task.labels:
        known = first_few(task.labels, 2 * NAMED)
        return [
            f"Right answers that name no label of the task do not count: {n} ({named}). Its labels "
            f"are: {known}."
        ]
    return [f"Right answers that the task cannot judge do not count: {n} ({named})."]
