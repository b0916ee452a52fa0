"""How rows become pools: the settings, and the allotment of examples to pools."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice

from apo.data.groups import place_groups, unit_of
from apo.data.sampling import Kept, Sample, shares
from apo.errors import DataError, SettingsError, near
from apo.language.catalogue import message
from apo.task import Example, Task

POOLS = ("train", "validation", "test")
"""The names of the pools, in the order of a run."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """How rows become pools.

    Attributes:
        column: the column that names each row's pool; None when there is none.
        fractions: the share of each pool that is made here.
        caps: the most examples of each pool; what a search costs grows with validation and test.
        seed: of the random order.
        anew: share out all rows, whatever a column says that names pools and is not used.
    """

    column: str | None = None
    fractions: Mapping[str, float] = field(
        default_factory=lambda: {"train": 0.4, "validation": 0.2, "test": 0.4}
    )
    caps: Mapping[str, int] = field(
        default_factory=lambda: {"train": 2000, "validation": 200, "test": 500}
    )
    seed: int = 0
    anew: bool = False


def told_sizes(pools: Mapping[str, Sequence[object]]) -> str:
    """How many there are of each pool, in words."""
    train, validation, test = (len(pools[name]) for name in POOLS)
    return message(f"train {train}, validation {validation}, test {test}")


def examples_of(task: Task, split: str, advice: str = "") -> Sequence[Example]:
    """The examples of a task's split.

    Args:
        task: the task.
        split: "train", "validation" or "test".
        advice: more words for where there are none.

    Raises:
        SettingsError: there is no such split.
        DataError: it is empty.
    """
    if split not in POOLS:
        raise SettingsError(f"There is no split {split!r}.{near(split, POOLS)}")
    examples: Sequence[Example] = getattr(task, split)
    if not examples:
        raise DataError(f"{task.name!r} has no {split} examples.{advice}")
    return examples


Home = dict[str, Kept]
"""The examples given for one pool, by the id of their inputs."""


def allot(
    homes: Mapping[str, Home],
    samples: Mapping[tuple[str, str], Sample],
    split: Split,
    remembered: dict[str, str],
    *,
    stratify: bool,
    grouped: bool = False,
) -> dict[str, list[Kept]]:
    """Cut given pools to their caps, and make the missing ones out of train.

    Args:
        homes: the examples by the pool that they are given for.
        samples: how they were drawn, by pool and stratum.
        split: fractions and caps.
        remembered: the pool of each input that was allotted before; new ones are added.
        stratify: share out each target by itself.
        grouped: keep the groups of examples whole.
    """
    pools: dict[str, list[Kept]] = {name: [] for name in POOLS}
    for home, items in homes.items():
        made = {home}
        if home == "train":
            made |= {pool for pool in POOLS if pool not in homes and split.fractions[pool] > 0}
        known = remembered if len(made) > 1 else {}
        ordered = sorted(items.values(), key=lambda kept: kept.key)
        if grouped:
            sizes = _sizes(len(ordered) + samples[home, ""].dropped, made, split)
            wanted = {pool: float(size) for pool, size in sizes.items()}
            placed = place_groups(ordered, wanted, known, stratify=stratify)
        else:
            placed = _place_strata(ordered, home, made, samples, split, known, stratify=stratify)
        for pool, found in placed.items():
            pools[pool] = sorted(found, key=lambda kept: kept.key)[: split.caps[pool]]
        if len(made) > 1:
            remembered.update({kept.input_id: pool for pool in placed for kept in placed[pool]})
        if len(made) > 1 and grouped:
            remembered.update({unit_of(kept): pool for pool in placed for kept in placed[pool]})
    return pools


def _place_strata(
    ordered: Sequence[Kept],
    home: str,
    made: set[str],
    samples: Mapping[tuple[str, str], Sample],
    split: Split,
    known: Mapping[str, str],
    *,
    stratify: bool,
) -> dict[str, list[Kept]]:
    strata: dict[str, list[Kept]] = defaultdict(list)
    for kept in ordered:
        strata[kept.example.target if stratify else ""].append(kept)
    counts = {name: len(strata[name]) + samples[home, name].dropped for name in sorted(strata)}
    return _place(strata, counts, _sizes(sum(counts.values()), made, split), known)


def _sizes(total: int, made: set[str], split: Split) -> dict[str, Fraction]:
    """How many examples each pool wants: its fraction, up to its cap."""
    fractions = {pool: Fraction(str(split.fractions[pool])) for pool in POOLS if pool in made}
    if len(made) == 1:
        fractions = dict.fromkeys(made, Fraction(1))
    whole = sum(fractions.values())
    return {p: min(f / whole * total, Fraction(split.caps[p])) for p, f in fractions.items()}


def _place(
    strata: Mapping[str, list[Kept]],
    counts: Mapping[str, int],
    sizes: Mapping[str, Fraction],
    known: Mapping[str, str],
) -> dict[str, list[Kept]]:
    """Put remembered examples where they were, and new ones, in key order, where they lack."""
    placed: dict[str, list[Kept]] = {pool: [] for pool in sizes}
    new: dict[str, list[Kept]] = {}
    taken: list[Counter[str]] = []
    for name in counts:
        new[name] = [kept for kept in strata[name] if known.get(kept.input_id) not in sizes]
        old = [kept for kept in strata[name] if known.get(kept.input_id) in sizes]
        taken.append(Counter(known[kept.input_id] for kept in old))
        for kept in old:
            placed[known[kept.input_id]].append(kept)
    for name, more in zip(counts, shares(list(counts.values()), sizes, taken), strict=True):
        rest = iter(new[name])
        for pool, number in more.items():
            placed[pool] += islice(rest, number)
    return placed
