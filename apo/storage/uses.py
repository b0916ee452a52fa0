"""How often examples were looked at before: by which prompts, in how many runs and beside them."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from apo.errors import RunError
from apo.storage.folder import list_runs
from apo.storage.rows import open_for_reading, readable


class Uses(NamedTuple):
    """Who was asked about examples.

    Attributes:
        prompts: ids of the prompts that answered one of them at least.
        runs: runs that some of these answers were made in.
        outside: whether others were made by commands outside of runs, such as `apo evaluate`.
    """

    prompts: frozenset[str]
    runs: int
    outside: bool


def uses_of(examples: Collection[str], home: Path) -> Uses:
    """Find out which prompts were asked about examples, by the journals of a home.

    Args:
        examples: their ids.
        home: folder that holds `runs/` and the answers of commands outside of runs. What cannot be
            read tells nothing.
    """
    wanted, prompts, runs = {*examples}, set[str](), 0
    for folder in list_runs(home):
        found = _asked(folder.journal_path, wanted)
        runs += bool(found)
        prompts |= found
    outside = _asked(home / "evaluations.db", wanted)
    return Uses(frozenset(prompts | outside), runs, bool(outside))


def _asked(path: Path, examples: Collection[str]) -> set[str]:
    if not path.exists():
        return set()
    try:
        database = open_for_reading(path)
    except RunError:
        return set()
    try:
        with readable():
            rows = database.execute("SELECT DISTINCT request FROM calls WHERE role = 'task'")
            notes = [str(note).partition(" ") for (note,) in rows]
    except RunError:
        return set()
    finally:
        database.close()
    return {prompt for prompt, _, example in notes if example in examples}
