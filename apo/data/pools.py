"""The pools of a task: train, validation and test, as given or split here, once and for good.

One pass over the rows, whatever their number, with memory for the pools only. The result depends
on the rows' content and the seed, not on their order; and with a memory, rows that were allotted
keep their pool when the data grows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from apo.data.cells import Row
from apo.data.examples import Columns, Rejected, usable
from apo.data.groups import group_notes, group_of, named, require_whole, unit_id
from apo.data.marks import marks
from apo.data.memory import SplitMemory
from apo.data.named import pool_named
from apo.data.near import pair_notes, same_but_signs
from apo.data.pool_notes import (
    conflict_notes,
    duplicate_notes,
    must_pass_note,
    sample_notes,
    usable_note,
)
from apo.data.sampling import Kept, Sample, group_key, inputs_id, raw_id, sort_key
from apo.data.split import POOLS, Home, Split, allot, told_sizes
from apo.data.unused import UnusedPools
from apo.errors import DataError, near
from apo.reading.answers import quote
from apo.task import Example

__all__ = ["POOLS", "Pools", "Split", "make_pools"]


@dataclass(frozen=True, kw_only=True)
class Pools:
    """The pools, each in random order.

    Attributes:
        train: for minibatches and demos.
        validation: chooses between candidates.
        test: for the verdict.
        notes: what was noticed on the way, in words.
        rows: how many usable rows were read.
        warnings: those of the notes that results suffer from.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    notes: tuple[str, ...] = ()
    rows: int = 0
    warnings: tuple[str, ...] = ()


def make_pools(
    sources: Mapping[str, Iterable[Row]],
    columns: Columns,
    split: Split | None = None,
    memory: SplitMemory | None = None,
) -> Pools:
    """Read rows into pools.

    Rows with the same inputs count once; where their targets differ, the one with the smallest
    content hash stays. An input in several given pools stays in the last of train, validation,
    test. Pools that are not given are split off the rows of train. No group is divided.

    Args:
        sources: rows by pool; or one source under any other name, to be split.
        columns: which columns are what.
        split: fractions, caps, seed, and the column of the pools; the defaults when None.
        memory: the file that remembers the split.

    Raises:
        DataError: unusable rows, or too few of them; given pools that divide a group; a column that
            names pools and is not used.
    """
    split, memory = split or Split(), memory or SplitMemory(None)
    remembered = memory.read(split.seed, columns.group)
    rejected, unused = Rejected(), UnusedPools(columns.names, anew=split.anew)
    stratify = bool(columns.labels) and not columns.whole_lists  # Of sets there may be very many.
    samples = _draw(sources, columns, split, remembered, rejected, unused, stratify=stratify)
    homes = {home: _merge(samples, home) for home in dict.fromkeys(home for home, _ in samples)}
    conflicts = conflict_notes(homes)
    notes = [*unused.notes(), *rejected.notes(), *sample_notes(samples, homes)]
    notes += [*duplicate_notes(homes), *conflicts.notes, *_separate(homes)]
    if not homes:
        raise DataError(" ".join(["There are no usable rows.", *notes]))
    require_whole(homes, columns.group)
    pools = allot(homes, samples, split, remembered, stratify=stratify, grouped=bool(columns.group))
    _require_all(pools, split, columns.group)
    memory.write(split.seed, remembered, columns.group)
    seen = sum(sample.seen for sample in samples.values())
    notes.append(usable_note(samples, homes, told_sizes(pools)))
    if columns.group:
        notes += group_notes(pools, columns.group)
    if columns.must_pass is not None:
        notes.append(must_pass_note(pools))
    examples = {name: [kept.example for kept in pools[name]] for name in POOLS}
    notes += [text for _, text in pair_notes(same_but_signs(examples))]
    train, validation, test = (tuple(kept.example for kept in pools[name]) for name in POOLS)
    return Pools(
        train=train,
        validation=validation,
        test=test,
        notes=tuple(notes),
        rows=seen,
        warnings=conflicts.warnings,
    )


def _draw(
    sources: Mapping[str, Iterable[Row]],
    columns: Columns,
    split: Split,
    remembered: dict[str, str],
    rejected: Rejected,
    unused: UnusedPools,
    *,
    stratify: bool,
) -> dict[tuple[str, str], Sample]:
    """The examples drawn of all rows, by pool and stratum; of groups there are no strata."""
    samples: dict[tuple[str, str], Sample] = {}
    grouped = bool(columns.group)
    for source, rows in sources.items():
        for inputs, targets, row in usable(rows, columns, rejected, source):
            home = _home(source, row, columns)
            if source not in POOLS and columns.split is None:
                unused.see(row)
            stratum = targets[0] if stratify and not grouped else ""
            sample = samples.get((home, stratum))
            if sample is None:
                sample = samples[home, stratum] = _sample(home, split, remembered)
            identity, group = inputs_id(inputs), ""
            if remembered and identity not in remembered and (raw := raw_id(inputs)) in remembered:
                remembered[identity] = remembered[raw]
            if grouped:
                group = group_of([row[name] for name in columns.group])
                key = group_key(unit_id(group, identity), identity, split.seed)
            else:
                key = sort_key(identity, split.seed)
            if sample.wants(identity, key):
                slices, must_pass = marks(row, columns, source)
                sample.add(Example(inputs, targets, slices, must_pass, group), identity, key)
            else:
                sample.seen += 1
    return samples


def _home(source: str, row: Row, columns: Columns) -> str:
    """The pool that a row is given for, or "train" when that is not said."""
    if columns.split is None:
        return source if source in POOLS else "train"
    said = (row[columns.split] or "").strip().lower()
    home = pool_named(said)
    if home is None:
        hint = near(said, list(POOLS))
        if said.isdecimal():
            hint = (
                " That is a number, as of a fold, and says no pool: make the values train, "
                "validation and test in the data; or leave split: column out, and all rows are "
                "shared out."
            )
        raise DataError(
            f"{source}: the column {columns.split!r} names the pool {quote(said)}.{hint}"
        )
    return home


def _sample(home: str, split: Split, remembered: Mapping[str, str]) -> Sample:
    if home == "train":  # Other pools may have to come out of it.
        return Sample(sum(split.caps.values()), always=remembered)
    return Sample(split.caps[home])


def _merge(samples: Mapping[tuple[str, str], Sample], home: str) -> Home:
    """Bring the strata together; the same inputs under two labels become one example."""
    merged: Home = {}
    for (name, _), sample in sorted(samples.items(), key=lambda item: item[0]):
        if name != home:
            continue
        for identity, kept in sample.items.items():
            if identity in merged:
                merged[identity].merge(kept.example, kept.key, kept.copies)
            else:
                merged[identity] = replace(kept)  # The sample's own count stays.
    return merged


def _separate(homes: dict[str, Home]) -> list[str]:
    """Keep each input in one pool: the last of train, validation and test that it is given for."""
    notes: list[str] = []
    for place, name in enumerate(POOLS):
        for later in POOLS[place + 1 :]:
            shared = homes.get(name, {}).keys() & homes.get(later, {}).keys()
            for identity in shared:
                del homes[name][identity]
            if shared:
                text = f"Inputs of {later} that are also in {name}: {len(shared)}"
                notes.append(f"{text}; removed from {name}.")
    return notes


def _require_all(pools: Mapping[str, list[Kept]], split: Split, group: Sequence[str]) -> None:
    for name, found in pools.items():
        if not found and split.fractions[name] > 0:
            why = f" No group of {named(group)} is divided, and there are too few." if group else ""
            raise DataError(
                f"No example is left for {name}.{why} The data need at least a few dozen different "
                f"{'groups' if group else 'inputs'}; some hundred make gains visible."
            )
