"""Whether folds can part the rows of a task file, or it sets its pools itself."""

from collections.abc import Mapping
from pathlib import Path

from apo.errors import TaskError
from apo.taskfile.places import path_of
from apo.taskfile.yaml_file import read_task_file
from apo.user_code import is_python_reference


def require_no_test(ref: str | Path) -> None:
    """Make sure that a task file leaves it to apo which examples are tested on.

    Raises:
        TaskError: it gives a test pool of its own, or a column of pools.
    """
    kept = _kept(ref)
    if kept == "test":
        raise TaskError(
            f"{path_of(ref)}: folds test on all rows in turn, and this task sets examples aside: "
            "data has test. Leave --folds out; or put these rows into train, when they may be "
            "learnt from."
        )
    if kept == "column":
        raise TaskError(
            f"{path_of(ref)}: folds test on all rows in turn, and split: column says which row is "
            "in which pool. Leave --folds out; or take the column out of split."
        )


def folds_hint(ref: str | Path) -> str:
    """Say that folds test every row of a task, and what in its file stands against it.

    Raises:
        TaskError: there is no such task, or its file is not usable.
    """
    kept = _kept(ref)
    if kept == "test":
        return (
            "apo optimize --folds 5 would test all rows, if those of test may be learnt from and "
            "are put into train."
        )
    if kept == "column":
        return (
            "apo optimize --folds 5 would test all rows, if they may be mixed and column is taken "
            "out of split in task.yaml."
        )
    return "apo optimize --folds 5 tests all rows."


def _kept(ref: str | Path) -> str:
    """What of a task file keeps folds from parting all rows: "test", "column", or ""."""
    if is_python_reference(str(ref)):
        return ""
    settings = read_task_file(path_of(ref))
    if isinstance(settings.data, Mapping) and "test" in settings.data:
        return "test"
    return "column" if settings.split.column is not None else ""
