"""Rows that belong together, such as the turns of one conversation: no pool shares a group.

Groups are put into pools as scikit-learn's StratifiedGroupKFold puts them into folds: the largest
first, each to the pool that lacks most of what it holds. That class itself makes equal folds alone,
and GroupShuffleSplit counts groups and not rows; neither leaves what was allotted where it was.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from apo.data.sampling import Kept
from apo.errors import DataError
from apo.task import text_hash

Place = TypeVar("Place", str, int)


_NO_VALUE = frozenset(
    ("n/a", "na", "n.a.", "none", "null", "nan", "<na>", "-", "--", "?", "unknown", "unbekannt")
) | {"없음", "미상", "inconnu", "inconnue"}
"""What a cell says that names no group: rows that have it in common have nothing in common."""


def group_of(cells: Sequence[str | None]) -> str:
    """Name the group that the cells of its columns say; "" where all are empty or say N/A."""
    found = [(cell or "").strip() for cell in cells]
    found = ["" if cell.casefold() in _NO_VALUE else cell for cell in found]
    if not any(found):
        return ""
    return found[0] if len(found) == 1 else json.dumps(found, ensure_ascii=False)


def unit_id(group: str, identity: str) -> str:
    """Hash what must not be parted: a group, or a row of no group by its inputs' own hash."""
    return text_hash(["group", group]) if group else identity


def unit_of(kept: Kept) -> str:
    """Do the same for an example of a sample."""
    return unit_id(kept.example.group, kept.input_id)


def spread(
    units: Sequence[Counter[str]],
    sizes: Mapping[Place, float],
    given: Mapping[Place, Counter[str]] | None = None,
) -> list[Place]:
    """Share out units, each whole, so that places are near their sizes and alike in labels.

    No place gets more than its size and one unit.

    Args:
        units: how many rows of each label a unit has; of equal ones the first is placed first.
        sizes: how many rows each place wants, above 0.
        given: what the places have already.

    Returns:
        The place of each unit.
    """
    has: dict[Place, Counter[str]] = {p: Counter((given or {}).get(p)) for p in sizes}
    labels = sum([*units, *has.values()], Counter[str]())
    total = sum(sizes.values())
    wanted = {
        p: {name: size * n / total for name, n in labels.items()} for p, size in sizes.items()
    }
    found: dict[int, Place] = {}

    for number in sorted(range(len(units)), key=lambda number: -units[number].total()):
        unit = units[number]
        lacking = [place for place in sizes if has[place].total() < sizes[place]] or list(sizes)
        lack = {
            place: (
                sum(n * (1 - has[place][name] / wanted[place][name]) for name, n in unit.items()),
                1 - has[place].total() / sizes[place],
                sizes[place],
            )
            for place in lacking
        }
        found[number] = max(lacking, key=lambda place: lack[place])
        has[found[number]] += unit
    return [found[number] for number in range(len(units))]


def place_groups(
    kept: Sequence[Kept], sizes: Mapping[str, float], known: Mapping[str, str], *, stratify: bool
) -> dict[str, list[Kept]]:
    """Put examples into pools group by group: known groups where they were, others by chance.

    Args:
        kept: the examples, in the random order of groups.
        sizes: how many examples each pool wants.
        known: the pool of each group and input that was allotted before.
        stratify: make pools alike in targets.
    """
    units: dict[str, list[Kept]] = {}
    for item in kept:
        units.setdefault(unit_of(item), []).append(item)
    placed: dict[str, list[Kept]] = {pool: [] for pool in sizes}
    new: list[list[Kept]] = []
    for name, items in units.items():
        pool = _known_pool(name, items, known, sizes)
        if pool is None:
            new.append(items)
        else:
            placed[pool] += items
    room = sum(sizes.values()) - sum(map(len, placed.values()))
    drawn: list[list[Kept]] = []
    for items in new:
        if room <= 0:
            break
        drawn.append(items)
        room -= len(items)

    def labels(items: Sequence[Kept]) -> Counter[str]:
        return Counter(item.example.target if stratify else "" for item in items)

    given = {pool: labels(items) for pool, items in placed.items()}
    for items, pool in zip(drawn, spread([*map(labels, drawn)], sizes, given), strict=True):
        placed[pool] += items
    return placed


def _known_pool(
    name: str, items: Sequence[Kept], known: Mapping[str, str], sizes: Mapping[str, float]
) -> str | None:
    """Where a group was: by its name, else by its inputs, the last pool of several."""
    if known.get(name) in sizes:
        return known[name]
    pools = {known.get(item.input_id) for item in items}
    return next(
        (pool for pool in ("test", "validation", "train") if pool in pools & {*sizes}), None
    )


def named(group: Sequence[str]) -> str:
    """Name the columns of groups in a message."""
    return " and ".join(map(repr, group))


def require_whole(homes: Mapping[str, Mapping[str, Kept]], group: Sequence[str]) -> None:
    """Make sure that no group was given to two pools.

    Raises:
        DataError: it names one, and says how many there are.
    """
    first: dict[str, str] = {}
    divided: dict[str, tuple[str, str]] = {}
    for home, items in homes.items() if group else ():
        for kept in items.values():
            name = kept.example.group
            if name and first.setdefault(name, home) != home:
                divided.setdefault(name, (first[name], home))
    if divided:
        name = min(divided)
        raise DataError(
            f"The group {name!r} ({named(group)}) stands in {' and '.join(divided[name])}, and no "
            f"group may be divided: rows of one tell of the others. Divided: {len(divided)}. Put "
            "all rows of a group into one pool; or take the pools out of the task, and apo makes "
            "them; or take group out, where such rows are no more alike than others."
        )


def group_notes(pools: Mapping[str, Sequence[Kept]], group: Sequence[str]) -> list[str]:
    """Tell how many groups each pool has, and how many rows belong to none."""
    sizes = {
        name: Counter(unit_of(kept) for kept in found).values() for name, found in pools.items()
    }
    every = [n for found in sizes.values() for n in found]
    told = ", ".join(f"{name} {len(found)}" for name, found in sizes.items())
    most = max(every, default=0)
    notes = [
        f"Rows of one group ({named(group)}) stay together; the groups: {told}, of {min(every)} to "
        f"{most} rows."
        if most > 1
        else f"No two rows share a group ({named(group)}), so the key group changes nothing."
    ]
    alone = sum(not kept.example.group for found in pools.values() for kept in found)
    if alone:
        notes.append(f"Rows without a value for {named(group)}: {alone}; each stands alone.")
    return notes
