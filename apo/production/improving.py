"""A deployed prompt improved by what was said of its answers: the task of one such round."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from apo.data.sampling import inputs_id
from apo.data.split import POOLS
from apo.errors import DataError, TaskError
from apo.files import DATA, read_text, write_whole
from apo.production.kept import FILE, kept_feedback, settled, told_disagreeing
from apo.production.targets import told_strange, wanted_targets
from apo.prompts.prompt import Prompt
from apo.task import Example, Task
from apo.taskfile.load import load_task
from apo.taskfile.places import own_path
from apo.taskfile.settings import TaskFile
from apo.taskfile.yaml_file import read_task_file

TASK_FILE, ROWS_FILE, PROMPT_FILE = "improve.yaml", "improve.rows.jsonl", "improve.prompt.json"
DONE_FILE = "improve.done"
POOL, KEPT, GROUP = "pool", "must_pass", "group"
"""Columns of the rows beside those of the task."""
_GIVEN_ANEW = (
    *("prompt", "prompt_file", "steps", "template", "decoding", "output_schema"),
    *("data", "split", "must_pass", "encoding", "delimiter", "group"),
)
SHARES = {"train": 40, "validation": 20, "test": 40}


@dataclass(frozen=True)
class Round:
    """A task for one round, in the folder of the task that it improves.

    Attributes:
        path: its file.
        n_old: rows of the task as it was; who gets them right must not get them wrong.
        n_new: rows that feedback brought or corrected since the last prompt was promoted.
        notes: what was left out, in words.
    """

    path: Path
    n_old: int
    n_new: int
    notes: tuple[str, ...] = ()


def write_round(
    ref: str, prompt: Prompt, *, memory: Path | None = None, may_lose: bool = False
) -> Round:
    """Write the task of a round: the deployed prompt as its seed, and feedback as new rows.

    New rows go to train, validation and test by their content, where they stay in later rounds. The
    rows that there were keep their pools, and must pass: no candidate may get one wrong that the
    deployed prompt gets right.

    Args:
        ref: a folder with a task.yaml, and feedback beside it.
        prompt: the deployed prompt.
        memory: where splits are remembered.
        may_lose: no row must pass; a favourable verdict is enough.

    Raises:
        TaskError: the task is no folder of yours, or cannot be loaded.
        DataError: there is no feedback that says what is right.
    """
    path = own_path(ref)
    task, folder = load_task(ref, memory=memory), path.parent
    settings = read_task_file(path)
    new, notes = _new_examples(task, folder)
    there = {inputs_id(dict(e.inputs)): (pool, e) for pool in POOLS for e in getattr(task, pool)}
    placed = there | {
        key: (there[key][0] if key in there else _pool_of(key), example)
        for key, example in new.items()
    }
    fresh = new.keys() - settled_before(folder)
    rows = [
        _row(example, settings, pool, kept=not may_lose and key not in fresh)
        for key, (pool, example) in placed.items()
    ]
    try:
        write_whole(folder / ROWS_FILE, "".join(f"{_json(row)}\n" for row in rows))
        write_whole(folder / PROMPT_FILE, _json(prompt.to_dict()) + "\n")
        write_whole(folder / TASK_FILE, _document(path, settings))
    except OSError as error:
        raise TaskError(f"{folder} cannot be written: {error.strerror}.") from error
    return Round(folder / TASK_FILE, len(rows) - len(fresh), len(fresh), tuple(notes))


def settle_round(folder: Path) -> None:
    """Remember that a prompt was promoted: what feedback said until now is old from here on."""
    keys = {inputs_id(dict(one.inputs)) for one in kept_feedback(folder)} | settled_before(folder)
    write_whole(folder / DONE_FILE, "".join(f"{key}\n" for key in sorted(keys)))


def settled_before(folder: Path) -> set[str]:
    """The inputs whose feedback has led to a promoted prompt."""
    path = folder / DONE_FILE
    return set(read_text(path, DATA).split()) if path.exists() else set()


def _new_examples(task: Task, folder: Path) -> tuple[dict[str, Example], list[str]]:
    """What feedback says that the task does not: by the inputs, with the right answer."""
    kept = kept_feedback(folder)
    said = settled(kept)
    right = [one for one in said if one.wanted and set(one.inputs) == set(task.input_fields)]
    strange = told_strange(right, task)
    usable = [(one, targets) for one in right if (targets := wanted_targets(one, task))]
    if not usable:
        told = (
            f"{folder / FILE} holds no right answer: no input, of {len(said)}, has a correction or "
            "a thumbs-up. `apo feedback TASK FILE` adds some."
        )
        raise DataError(strange[0] if strange else told)
    known = {inputs_id(dict(e.inputs)): e.targets for pool in POOLS for e in getattr(task, pool)}
    found: dict[str, Example] = {}
    for one, targets in usable:
        key = inputs_id(dict(one.inputs))
        if not {*targets} <= {*known.get(key, ())}:
            found[key] = Example(dict(one.inputs), targets)
    left, same = len(said) - len(right), len(usable) - len(found)
    notes = [f"Feedback without a right answer is left out: {left}."] if left else []
    notes += [*strange, *told_disagreeing(kept)]
    notes += [f"Feedback that agrees with a row of the task: {same}."] if same else []
    if not found:
        raise DataError(f"{folder / FILE} says nothing new: all of it agrees with the task's rows.")
    return found, notes


def _pool_of(key: str) -> str:
    place = int(sha256(key.encode()).hexdigest(), 16) % sum(SHARES.values())
    first, second = SHARES["train"], SHARES["train"] + SHARES["validation"]
    return "train" if place < first else "validation" if place < second else "test"


def _row(example: Example, settings: TaskFile, pool: str, *, kept: bool) -> dict[str, Any]:
    targets = list(example.targets)
    return {
        **{settings.inputs[field]: text for field, text in example.inputs.items()},
        settings.target[0]: targets[0] if len(targets) == 1 else _json(targets),
        **{name: example.slices.get(name, "") for name in settings.slices},
        **({GROUP: example.group or inputs_id(dict(example.inputs))} if settings.group else {}),
        POOL: pool,
        KEPT: "yes" if kept else "no",
    }


def _document(path: Path, settings: TaskFile) -> str:
    given: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    kept = {name: value for name, value in given.items() if name not in _GIVEN_ANEW}
    kept |= {"target": settings.target[0], "data": ROWS_FILE, "prompt_file": PROMPT_FILE}
    kept |= {"split": {"column": POOL}, "must_pass": KEPT}
    kept |= {"group": GROUP} if settings.group else {}
    head = "# One round of `apo improve`, which writes this file anew.\n"
    return head + yaml.safe_dump(kept, allow_unicode=True, sort_keys=False)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
