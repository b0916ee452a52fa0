"""What edits must know of a task, and no more: its labels, the form and length of its answers."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from apo.reading.json_text import as_object
from apo.reading.numbers import whole_number
from apo.task import Task


@dataclass(frozen=True)
class Facts:
    """What is known of a task's answers, from its settings and its train split.

    Attributes:
        language: of the task, such as "en" or "ko".
        labels: the allowed answers; empty for other tasks.
        usual: the commonest target, where there are labels; else "".
        keys: the keys of the targets, where all are JSON objects of the same keys.
        nulls: whether some target's value is null.
        numbers: whether all targets are numbers.
        most_words: words of the longest target.
    """

    language: str = "en"
    labels: tuple[str, ...] = ()
    usual: str = ""
    keys: tuple[str, ...] = ()
    nulls: bool = False
    numbers: bool = False
    most_words: int = 0

    @classmethod
    def of(cls, task: Task) -> "Facts":
        """Look at a task."""
        targets = [example.target for example in task.train]
        objects = [_object(target) for target in targets]
        keys = tuple(objects[0] or ()) if objects and all(objects) else ()
        if any({*found} != {*keys} for found in objects if found):
            keys = ()
        return cls(
            language=task.language.split("-")[0],
            labels=task.labels,
            usual=Counter(targets).most_common(1)[0][0] if task.labels and targets else "",
            keys=keys,
            nulls=any(None in found.values() for found in objects if found),
            numbers=bool(targets) and not task.labels and all(map(whole_number, targets)),
            most_words=max((len(target.split()) for target in targets), default=0),
        )

    @property
    def korean(self) -> bool:
        """Whether sentences are to be Korean; they are English for all other languages."""
        return self.language == "ko"

    @property
    def text(self) -> bool:
        """Whether answers are texts: no labels, no numbers, no objects."""
        return not (self.labels or self.numbers or self.keys)


def _object(target: str) -> dict[str, Any] | None:
    if not target.lstrip().startswith("{"):
        return None
    try:
        return as_object(json.loads(target))
    except (ValueError, RecursionError):
        return None
