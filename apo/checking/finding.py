"""What a look over a task finds, and the pools that it looks at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apo.task import Example


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: "error" (the task cannot be used), "warning" (results suffer), "note"
            (what loading did), "ok", "ping" (what the model answered), or "headroom" (what a look
            with it found).
        text: what was found and, where it is bad, what to do.
    """

    level: Literal["error", "warning", "note", "ok", "ping", "headroom"]
    text: str


Named = Mapping[str, Sequence[Example]]
"""Pools by name."""


def all_examples(pools: Named) -> Iterator[tuple[str, Example]]:
    """Give every example with the name of its pool."""
    for name, pool in pools.items():
        for example in pool:
            yield name, example
