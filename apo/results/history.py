"""How every candidate answered one example: read from a run's journal, scored anew."""

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from sqlite3 import Connection
from typing import Any

from apo.errors import SettingsError
from apo.prompts.prompt import Prompt
from apo.reading.answers import quote
from apo.results.replay import find_reply
from apo.scorers.awaited import AwaitedScorer
from apo.storage.folder import RunFolder
from apo.storage.rows import Event, open_for_reading, read_events, readable
from apo.task import Example, Score, Task

SHOWN = 5
"""Examples that are named where several fit."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one candidate answered to the example.

    Attributes:
        id: the prompt's.
        operator: where the candidate came from; "seed" for a seed prompt.
        instruction: its instruction; of a program, those of all steps.
        validation: its score on the whole validation split.
        output: the answer; "" when the provider refused.
        score: of the answer, in [0, 1], 0 where it was refused; None where models judge it.
        outcome: "right", "wrong", "malformed", "refused", or "" where it was not scored.
        feedback: what is missing, or the refusal.
        thinking: what the model thought before the answer, where that is known.
    """

    id: str
    operator: str
    instruction: str
    validation: float
    output: str
    score: float | None
    outcome: str
    feedback: str
    thinking: str = ""


@dataclass(frozen=True, kw_only=True)
class History:
    """One example, and what the candidates answered to it.

    Attributes:
        example: the example.
        split: where it stands: "train", "validation" or "test".
        answers: of the candidates measured on the whole validation split that were asked it, in the
            order in which they were measured.
    """

    example: Example
    split: str
    answers: tuple[Answer, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the history as JSON values."""
        example = self.example
        return {
            "id": example.id,
            "split": self.split,
            "inputs": dict(example.inputs),
            "targets": list(example.targets),
            "slices": dict(example.slices),
            "must_pass": example.must_pass,
            "answers": [asdict(answer) for answer in self.answers],
        }


def history(folder: RunFolder, task: Task, wanted: str) -> History:
    """Find an example, and what each candidate measured on the whole validation split said to it.

    Args:
        folder: the run.
        task: its task, with the pools that it was run on.
        wanted: an example's id, the first 4 characters of it or more, or a part of its inputs or
            targets that no other example has; of several that have it, one that is all of it.

    Raises:
        SettingsError: none or several examples fit.
        JournalError: the journal is damaged, or missing.
    """
    split, example = find_example(task, wanted)
    database = open_for_reading(folder.journal_path)
    try:
        events = list(read_events(database))
        models = task_models(database)
        known = {e.key: e for e in events if e.kind == "candidate"}
        whole = {
            e.body["candidate"]: e.body["value"]
            for e in events
            if e.kind == "evaluation" and e.body["whole"] and e.body["candidate"] in known
        }
        answers = [
            _answer(database, task, example, known[name], value, models)
            for name, value in whole.items()
        ]
    finally:
        database.close()
    found = tuple(answer for answer in answers if answer is not None)
    return History(example=example, split=split, answers=found)


def find_example(task: Task, wanted: str) -> tuple[str, Example]:
    """Find an example by its id or a part of its text.

    Returns:
        Its split, and the example.

    Raises:
        SettingsError: none or several fit.
    """
    if not wanted.strip():
        raise SettingsError("--example is empty; give an example's id, or a part of its text.")
    pools = (("validation", task.validation), ("test", task.test), ("train", task.train))
    every = {example: name for name, pool in reversed(pools) for example in pool}
    text = _plain(wanted)
    texts = {e: [_plain(t) for t in (*e.inputs.values(), *e.targets)] for e in every}
    named = [e for e in every if e.id == wanted or (len(wanted) > 3 and e.id.startswith(wanted))]
    fitting = (
        named
        or [e for e in every if text in texts[e]]
        or [e for e in every if any(text in t for t in texts[e])]
    )
    if len(fitting) == 1:
        return every[fitting[0]], fitting[0]
    if not fitting:
        raise SettingsError(
            f"No example of {task.name!r} has the id or the text {quote(wanted)}. "
            "apo show RUN --flips lists test examples with their ids."
        )
    shown = "; ".join(f"{e.id} ({quote(' | '.join(e.inputs.values()))})" for e in fitting[:SHOWN])
    more = f"; and {len(fitting) - SHOWN} more" if len(fitting) > SHOWN else ""
    raise SettingsError(
        f"Examples that fit {quote(wanted)}: {len(fitting)}: {shown}{more}. Give the id of one."
    )


def _plain(text: str) -> str:
    """A text to compare: Korean in one of its two Unicode forms, small letters, single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def task_models(database: Connection) -> list[str]:
    """The names of the models that answered examples in a run."""
    with readable():
        rows = database.execute(
            "SELECT DISTINCT model FROM calls WHERE role = 'task' ORDER BY model"
        )
        return [str(name) for (name,) in rows]


def _answer(
    database: Connection, task: Task, example: Example, event: Event, value: float,
    models: Sequence[str],
) -> Answer | None:  # fmt: skip
    """What a candidate answered; None when it was not asked."""
    prompt = Prompt.from_dict(event.body["prompt"])
    reply = find_reply(database, task.program, prompt, example, models)
    if reply is None:
        return None
    output, error = reply.text, reply.error
    score = Score(0.0, feedback=error) if error else None
    if not error and not isinstance(task.scorer, AwaitedScorer):
        score = task.judge(output, example)
    outcome = "refused" if error else ""
    if score is not None and not error:
        outcome = "right" if score.value >= 1 else "wrong"
        outcome = outcome if score.well_formed else "malformed"
    return Answer(
        id=prompt.id,
        operator=event.body["operator"],
        instruction=prompt.instructions,
        validation=value,
        output=output,
        score=None if score is None else score.value,
        outcome=outcome,
        feedback=score.feedback if score is not None else "",
        thinking=reply.thinking,
    )
