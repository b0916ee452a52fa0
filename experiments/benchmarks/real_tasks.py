"""Benchmark data that lie outside the project, as tasks: `real_tasks.py:NAME` is a folder's name.

The variable APO_BENCH_DATA names the folder that holds one data folder for each task, each with
`train.jsonl`, `test.jsonl` and `meta.json` (see `apo.compare.data_folder`).

    APO_BENCH_DATA=... apo optimize experiments/benchmarks/real_tasks.py:bbh_navigate
"""

import os
from pathlib import Path

from apo import Task, TaskError
from apo.compare.data_folder import is_data_folder, task_from_folder

VARIABLE = "APO_BENCH_DATA"


def __getattr__(name: str) -> Task:
    """Make the task of a data folder; called for each name that this file does not define.

    Raises:
        TaskError: the variable is not set, or there is no such folder.
        AttributeError: a name that Python itself asks a module for.
    """
    if name.startswith("_"):
        raise AttributeError(name)
    given = os.environ.get(VARIABLE, "")
    if not given:
        raise TaskError(
            f"{name} is a task on outside data: set {VARIABLE} to the folder that holds {name}/ "
            "with train.jsonl, test.jsonl and meta.json."
        )
    folder = Path(given) / name
    if not is_data_folder(str(folder)):
        known = sorted(p.parent.name for p in Path(given).glob("*/meta.json"))
        raise TaskError(
            f"There is no data folder {name!r} in {VARIABLE}={given}; it holds: "
            f"{', '.join(known) or 'none'}."
        )
    return task_from_folder(folder)
