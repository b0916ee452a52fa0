"""Finds the words that tell classes of texts apart."""

import math
from collections.abc import Callable, Iterable, Mapping

from apo.models.embedded.text import stem, words

Tally = Mapping[str, Mapping[str, float]]


def telling(
    tally: Tally, size: Mapping[str, float], show: Callable[[str], str]
) -> dict[str, tuple[str, ...]]:
    """Rank the words of each class by how much they speak for it.

    Args:
        tally: per class, how many of its texts hold each stem.
        size: per class, how many texts it has.
        show: gives the word to write for a stem.

    Returns:
        Per class, the words with positive log-odds against all other classes, by log-odds times
        the root of their count, so that one chance meeting weighs less than a habit.
    """
    total = sum(size.values())
    cues: dict[str, tuple[str, ...]] = {}
    for name, counts in tally.items():
        rank: dict[str, float] = {}
        for part, count in counts.items():
            others = sum(other.get(part, 0) for key, other in tally.items() if key != name)
            here = (count + 0.5) / (size.get(name, 0) + 1)
            there = (others + 0.5) / (total - size.get(name, 0) + 1)
            rank[part] = math.log(here / there) * math.sqrt(count)
        best = sorted((part for part in rank if rank[part] > 0), key=lambda p: (-rank[p], p))
        cues[name] = tuple(map(show, best))
    return cues


def surfaces(texts: Iterable[str]) -> Callable[[str], str]:
    """Give the word to write for a stem: the shortest form seen in the texts, in lower case."""
    seen: dict[str, str] = {"#": "digits"}
    for text in texts:
        for word in words(text):
            form, part = word.lower(), stem(word)
            if part != "#" and (
                part not in seen or (len(form), form) < (len(seen[part]), seen[part])
            ):
                seen[part] = form
    return lambda part: seen.get(part, part)
