"""A task of data alone: what `apo init` would write for it, used at once, and what it guessed."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from apo.data.cells import Row
from apo.data.columns import look
from apo.data.dspy_examples import roles
from apo.data.pools import POOLS
from apo.data.records import is_columns
from apo.data.rows import read_rows
from apo.data.sniff import TextFormat
from apo.drafting.batch_files import batch_rows
from apo.drafting.draft import draft_settings
from apo.drafting.format import Wanted, find_format
from apo.drafting.reshape import reshape
from apo.errors import DataError
from apo.reading.answers import quote
from apo.task import Task
from apo.taskfile.load import task_from_data
from apo.taskfile.settings import task_name

_log = logging.getLogger(__name__)


def guessed_task(data: Any, inputs: str | Sequence[str] = (), target: str = "") -> Task:
    """Make a task of data; what was guessed is logged as a warning, and stands in the notes.

    Args:
        data: a DataFrame, a Dataset, a list of dicts or of `dspy.Example`s, a dict with a list for
            each column, a path; or a dict of these by pool.
        inputs: the input column, or several; guessed when empty.
        target: the column of the answers; guessed when empty.

    Raises:
        TaskError: the data cannot be read, or have no such column, or too few of them.
    """
    whole = not isinstance(data, Mapping) or is_columns(cast("object", data), POOLS)
    pools: Mapping[str, Any] = {"": data} if whole else cast("Mapping[str, Any]", data)
    named, label = roles(next(iter(pools.values()), None))
    columns = ((inputs,) if isinstance(inputs, str) else tuple(inputs)) or named
    wanted, notes = Wanted(inputs=columns, target=target or label or None), list[str]()
    shapes = [reshape(_rows(source, wanted, notes), wanted, notes) for source in pools.values()]
    prompts = sorted({shape.prompt for shape in shapes})
    if len(prompts) > 1:
        raise DataError(f"The pools have different system turns: {', '.join(map(quote, prompts))}.")
    rows = {str(pool): list(shape.rows) for pool, shape in zip(pools, shapes, strict=True)}
    name = task_name(Path(data).stem) if isinstance(data, str | Path) else "data"
    found = look(row for part in rows.values() for row in part)
    in_pools = isinstance(data, Mapping)
    settings = draft_settings(
        name, found, shapes[0].wanted, notes, prompts[0], shapes[0].head, pools_given=in_pools
    )
    _log.warning("The task is guessed from the data:\n%s", "\n".join(f"- {n}" for n in notes))
    return task_from_data(rows[""] if whole else rows, **settings)


def _rows(source: Any, wanted: Wanted, notes: list[str]) -> list[Row]:
    """All rows: they are read twice, and some sources can be read only once."""
    is_file = isinstance(source, str | Path) and not str(source).startswith("hf:")
    if is_file and (chats := batch_rows(Path(source), notes)) is not None:
        return chats
    text = find_format(Path(source), wanted, notes) if is_file else TextFormat()
    return list(read_rows(source, encoding=text.encoding, delimiter=text.delimiter, notes=notes))
