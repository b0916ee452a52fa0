"""Draws from what may be too little."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def some(rng: random.Random, items: Sequence[T], n: int) -> list[T]:
    """Draw n of the items without replacement; all of them when there are fewer."""
    return rng.sample(items, min(n, len(items)))
