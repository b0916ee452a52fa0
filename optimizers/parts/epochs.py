"""Minibatches by epochs: every example has its turn before any comes back."""

from collections.abc import Iterator, Sequence
from random import Random

from apo import Example


def minibatches(
    rng: Random, examples: Sequence[Example], size: int, *, fill: bool
) -> Iterator[tuple[Example, ...]]:
    """Shuffle all examples again and again, and cut each pass into minibatches.

    Args:
        rng: the random stream.
        examples: at least one.
        size: examples of a minibatch; all, when there are fewer.
        fill: what a pass leaves over is filled up with the examples that were used least (GEPA),
            instead of being left out (SIMBA).

    Yields:
        One minibatch after the other, without end; none holds an example twice.
    """
    size = min(size, len(examples))
    used = [0] * len(examples)
    while True:
        order = rng.sample(range(len(examples)), len(examples))
        whole = len(order) - len(order) % size
        if fill:
            order += sorted(order[:whole], key=lambda k: used[k])[: -len(order) % size]
        else:
            order = order[:whole]
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            for k in chosen:
                used[k] += 1
            yield tuple(examples[k] for k in chosen)
