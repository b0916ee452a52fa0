"""Columns that hold conversations, found in the first rows of data."""

from collections.abc import Sequence

from apo.data.cells import Row
from apo.errors import DataError
from apo.media import Turn, turns_before


def talks_in(head: Sequence[Row]) -> list[str]:
    """The columns whose cells are all conversations, or blank; a task sends them as turns."""
    names = list(head[0]) if head else []
    return [name for name in names if any(_turns(row.get(name)) for row in head)
            and None not in [_turns(row.get(name)) for row in head]]  # fmt: skip


def history_of(head: Sequence[Row], inputs: Sequence[str]) -> str:
    """The column of the inputs that is the conversation before the user turn; "" for none.

    A conversation that is the only input has to end with what the user says.
    """
    found = next((name for name in talks_in(head) if name in inputs), "")
    alone = len(inputs) == 1 and any(len(_turns(row.get(found)) or ()) % 2 == 0 for row in head)
    return "" if alone else found


def as_lines(cell: str) -> str:
    """A conversation with a line for each turn; any other cell as it is."""
    turns = _turns(cell)
    return "\n".join(f"{role}: {text}" for role, text in turns) if turns else cell


def _turns(cell: str | None) -> list[Turn] | None:
    text = (cell or "").strip()
    if text and not text.startswith("["):
        return None
    try:
        return turns_before(text)
    except DataError:
        return None
