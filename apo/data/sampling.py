"""Samples and shares that depend on a row's content alone, never on the order of the rows.

Sampling is bottom-k: a row's key is a salted hash of its inputs, and the k smallest keys stay. One
pass, flat memory, and any subset of the data gives a consistent sample.
"""

import hashlib
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil

from apo.reading.characters import composed
from apo.task import Example, text_hash


def input_id(example: Example) -> str:
    """Hash of an example's inputs alone: rows that ask the same have the same one."""
    return inputs_id(dict(example.inputs))


def inputs_id(inputs: dict[str, str]) -> str:
    """Do the same before there is an example; letters in parts (NFD) are composed."""
    return text_hash({name: composed(text) for name, text in inputs.items()})


def raw_id(inputs: dict[str, str]) -> str:
    """Give the hash as it once was, of letters as they are: older splits are remembered by it."""
    return text_hash(inputs)


def composed_targets(example: Example) -> tuple[str, ...]:
    """Give the accepted answers with composed letters."""
    return tuple(map(composed, example.targets))


def sort_key(identity: str, seed: int) -> int:
    """Give the place of an input in the random order of a seed: 0 to 2**64 - 1."""
    digest = hashlib.blake2b(f"{seed}:{identity}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def group_key(unit: str, identity: str, seed: int) -> int:
    """Give the place of an input in a random order of groups, those of one group together."""
    return sort_key(unit, seed) << 64 | sort_key(identity, seed)


@dataclass
class Kept:
    """An example in a sample.

    Attributes:
        key: its place in the random order.
        input_id: the hash of its inputs.
        example: of rows with the same inputs, the one with the smallest content hash.
        copies: rows with these inputs.
        other: another example with the same inputs and other targets, if there is one.
    """

    key: int
    input_id: str
    example: Example
    copies: int = 1
    other: Example | None = None

    def merge(self, example: Example, key: int, copies: int = 1) -> None:
        """Take in another row with the same inputs; of two groups the first one's row stays."""
        self.copies += copies
        if key != self.key:
            first, second = (example, self.example) if key < self.key else (self.example, example)
            self.key, self.example = min(key, self.key), first
            self.other = second if second.targets != first.targets else self.other
            return
        found: dict[tuple[str, ...], Example] = {}
        for e in (self.example, self.other, example):
            if e is not None:
                said = composed_targets(e)
                found[said] = _same(found[said], e) if said in found else e
        self.example, *others = sorted(found.values(), key=lambda e: e.id)
        self.other = others[0] if others else None


def _same(one: Example, other: Example) -> Example:
    """One example of two rows that say the same, whichever came first; one mark is enough."""
    slices = min(one.slices, other.slices, key=lambda slices: sorted(slices.items()))
    first = min(one, other, key=lambda example: example.id)  # They may differ in NFC and NFD.
    return replace(first, slices=slices, must_pass=one.must_pass or other.must_pass)


@dataclass
class Sample:
    """The examples with the smallest keys out of a stream.

    Attributes:
        limit: how many to keep.
        always: ids of inputs to keep beyond the limit.
        items: the examples kept, by the id of their inputs.
        seen: rows that came by.
    """

    limit: int
    always: frozenset[str] | Mapping[str, object] = frozenset()
    items: dict[str, Kept] = field(default_factory=dict[str, Kept])
    seen: int = 0
    _largest: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def wants(self, identity: str, key: int) -> bool:
        """Whether `add` would keep or merge a row with these inputs."""
        if len(self._largest) < self.limit or identity in self.always or identity in self.items:
            return True
        return bool(self._largest) and key <= -self._largest[0][0]

    def add(self, example: Example, identity: str, key: int) -> None:
        """Take a row in if its key is among the smallest so far."""
        self.seen += 1
        known = self.items.get(identity)
        if known is not None:
            if key < known.key and identity not in self.always:  # It stands in two groups.
                self._largest.remove((-known.key, identity))
                heapq.heapify(self._largest)
                heapq.heappush(self._largest, (-key, identity))
            known.merge(example, key)
        elif identity in self.always:
            self.items[identity] = Kept(key, identity, example)
        elif len(self._largest) < self.limit:
            heapq.heappush(self._largest, (-key, identity))
            self.items[identity] = Kept(key, identity, example)
        elif self._largest and key < -self._largest[0][0]:
            _, dropped = heapq.heapreplace(self._largest, (-key, identity))
            del self.items[dropped]
            self.items[identity] = Kept(key, identity, example)

    @property
    def dropped(self) -> int:
        """Inputs that were let go; 0 when all are kept. Counts repeats of them each time."""
        return self.seen - sum(item.copies for item in self.items.values())


def shares(
    counts: Sequence[int], sizes: Mapping[str, Fraction], taken: Sequence[Mapping[str, int]]
) -> list[dict[str, int]]:
    """Share strata out over pools so that each pool has about its share of each stratum.

    Where nothing is taken yet, every number is about within one of the exact share (exactly so when
    all examples are placed). No pool gets more than its size, rounded up.

    Args:
        counts: how many examples each stratum has.
        sizes: how many examples each pool wants, at most sum(counts) in all.
        taken: what the pools have of each stratum already; this never becomes less.

    Returns:
        For each stratum, how many more each pool gets.
    """
    total = sum(counts)
    wanted = dict.fromkeys(sizes, Fraction(0))
    given = dict.fromkeys(sizes, 0)
    room = {p: ceil(size) - sum(has.get(p, 0) for has in taken) for p, size in sizes.items()}
    result: list[dict[str, int]] = []
    for count, has in zip(counts, taken, strict=True):
        lack: dict[str, Fraction] = {}
        for pool, size in sizes.items():
            wanted[pool] += size * count / total
            given[pool] += has.get(pool, 0)
            lack[pool] = size * count / total - has.get(pool, 0)
        # The total is rounded across strata, so that the roundings do not add up.
        to_place = round(sum(wanted.values())) - sum(given.values())
        more = dict.fromkeys(sizes, 0)
        for _ in range(min(to_place, count - sum(has.values()))):
            open_ = {pool: lack[pool] for pool in sizes if room[pool] > 0}
            if not open_:
                break
            pool = _neediest(open_, {pool: wanted[pool] - given[pool] for pool in open_})
            more[pool] += 1
            given[pool] += 1
            room[pool] -= 1
            lack[pool] -= 1
        result.append(more)
    return result


def _neediest(lack: Mapping[str, Fraction], lack_overall: Mapping[str, Fraction]) -> str:
    """The pool that lacks a whole one of this stratum, else the one that lacks most overall."""
    first = max(lack, key=lambda pool: lack[pool])
    if lack[first] >= 1:
        return first
    lacking = [pool for pool in lack if lack[pool] > 0] or list(lack)
    return max(lacking, key=lambda pool: lack_overall[pool])
