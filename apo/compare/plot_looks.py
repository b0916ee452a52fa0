"""Which optimizers stand out in the pictures of a comparison, and how their lines look."""

from collections.abc import Sequence
from typing import Any

from apo.compare.standing import Ranking
from apo.display.picture import COLOURS

DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
ALWAYS = ("auto", "random-search")
"""Optimizers that stand out beside the best: what is recommended, and the baseline."""


def looks_of(ranking: Ranking, labels: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """Colour and dashes of each line that stands out: all when they are few."""
    order = [standing.optimizer for standing in ranking.standings]
    chosen = [label for label in order if label in labels]
    if len(chosen) > len(COLOURS):
        known = [label for label in ALWAYS if label in chosen]
        best = next((label for label in chosen if label not in known), None)
        chosen = known + ([best] if best else [])
    # A recommended optimizer and the baseline look the same in every picture.
    fixed = {label: i for i, label in enumerate(ALWAYS) if label in chosen}
    free = iter(i for i in range(len(COLOURS)) if i not in fixed.values())
    places = {label: fixed[label] if label in fixed else next(free) for label in chosen}
    return {label: (COLOURS[i], DASHES[i % len(DASHES)]) for label, i in places.items()}
