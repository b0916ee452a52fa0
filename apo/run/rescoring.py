"""A run whose scorer was edited before it was resumed: all is scored anew, and that is told."""

import logging
from datetime import datetime

from apo.scorers.identity import mark_of
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.task import Task

RESCORED = "rescored"
"""Kind of events in the journal: the scorer or the metric is another from here on."""
_log = logging.getLogger(__name__)


def note_rescoring(folder: RunFolder, journal: Journal, task: Task) -> None:
    """Look whether a run is still judged as it was; if not, its earlier scores are forgotten."""
    before, mark = folder.settings.get("scorer"), mark_of(task.scorer, task.metric)
    folder.update(scorer=mark)
    if before is None or before == mark:
        return
    answers = sum(n for _, n, _ in journal.taken())
    when = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
    journal.forget("evaluation")
    journal.note(RESCORED, f"{when} {mark}", {"at": when, "answers": answers})
    for line in rescored(journal)[-1:]:
        _log.warning("%s", line)


def rescored(journal: Journal) -> tuple[str, ...]:
    """Say that a run was scored anew; nothing where its scorer stayed as it was."""
    return tuple(
        f"The scorer was edited before the run was resumed at {body.get('at')}: its "
        f"{body.get('answers'):,} answers until then were scored anew, and no score of before "
        "is left."
        for body in journal.told(RESCORED)
        if isinstance(body.get("answers"), int)
    )
