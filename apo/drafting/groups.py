"""Finds the column that names what rows belong together, for the key `group` of a task file."""

from collections.abc import Mapping, Sequence

from apo.data.columns import Column
from apo.data.together import MIN_REPEATED, continued, group_rank, repeats
from apo.reading.answers import quote
from apo.statistics.clusters import LEAST_GROUPS

_TURNS = ("turn", "turn_id", "step", "position", "순서", "턴")
MAX_LENGTH = 80
"""Letters of a value on average: what names a group is short."""
ENOUGH = round(LEAST_GROUPS / 0.4)
"""Groups from which on the test split, which gets 40 %, can prove anything."""


def group_columns(columns: Mapping[str, Column]) -> list[Column]:
    """The columns that name what rows belong together, the surest first."""
    found = [
        (rank, column)
        for column in columns.values()
        if (rank := group_rank(column.name)) is not None
        and not column.no_text
        and column.mean_length <= MAX_LENGTH
        and repeats(column.values.values())
    ]
    return [column for _, column in sorted(found, key=lambda pair: pair[0])]


def without_groups(columns: dict[str, Column], wanted: set[str | None]) -> dict[str, Column]:
    """The columns that can be input or target: none that names or numbers turns of conversations.

    Args:
        columns: all of them.
        wanted: those that the user names, which stay.
    """
    names = {column.name for column in group_columns(columns)}
    if names:
        names |= {name for name in columns if name.lower() in _TURNS}
    left = {name: c for name, c in columns.items() if name not in names or name in wanted}
    return left if len(left) > 1 else columns


def guess_group(
    columns: Mapping[str, Column],
    taken: Sequence[str],
    given: Sequence[Column],
    notes: list[str],
    *,
    pools: bool,
) -> str | None:
    """The column to name under `group`, if there is one; what was found is told.

    Args:
        columns: what stands in the data.
        taken: names of columns that say something else.
        given: the inputs.
        notes: words are added.
        pools: the data say which pool each row is for, so that they may divide groups.
    """
    found = [column for column in group_columns(columns) if column.name not in taken]
    pairs = [pair for column in given for pair in continued(column.values)]
    grows = bool(pairs) and len(pairs) >= MIN_REPEATED * max(len(column.values) for column in given)
    if not found and grows:
        notes.append(
            f"{len(pairs)} inputs are continued by another one (such as {quote(pairs[0][0])}), as "
            "turns of one conversation are, which must not be parted and do not count as "
            "independent. No column names the conversation: add one, and say group: its name."
        )
    if not found:
        return None
    first, others = found[0], found[1:]
    told = f"The values of {first.name!r} come again ({len(first.values)} for {first.n} rows)"
    if not first.many and len(first.values) < ENOUGH:
        notes.append(
            f"{told}: if rows of one belong together, say group: {first.name}. So few groups prove "
            "little; rows of more of them would."
        )
        return None
    if pools:
        notes.append(
            f"{told}: if rows of one belong together, say group: {first.name}, and the verdict "
            "counts groups. It is left to you, as the data give the pools, which may divide groups."
        )
        return None
    notes.append(
        f"{told}, so rows of one are taken to belong together: group: {first.name}. No pool shares "
        "a group, and the verdict counts groups. Take the key out if rows are independent."
    )
    for column in others:
        notes.append(
            f"The values of {column.name!r} come again, too ({len(column.values)}); if rows are "
            f"more alike by these, say group: {column.name}."
        )
    return first.name
