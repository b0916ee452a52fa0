"""The figures of a look at a task: what a few prompts scored on the same rows. No calls."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

SAME = 0.05
"""Scores of a row that lie no further apart are the same: a graded score hardly repeats itself."""
USUAL, SPREAD = 0.14, 0.1
"""What a search may bring where nothing is known, in shares: mean and standard deviation."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """The scores of a few prompts on the same rows.

    Attributes:
        scores: by prompt, the seed first, the score of each row, in [0, 1].
        again: of the first prompts, the seed first, on the first rows, drawn once more.
        malformed: share of malformed answers of each prompt, and then of those drawn again.
        constant: what the best constant answer scores; 0 where there is none.
        n_test: test rows that a verdict would have.
        written: whether a model wrote the other instruction, and not apo.
    """

    scores: tuple[tuple[float, ...], ...]
    again: tuple[tuple[float, ...], ...]
    malformed: tuple[float, ...]
    constant: float
    n_test: int
    written: bool = True

    @property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """By prompt, the score of each row; of two answers, their mean."""
        second = (*self.again, *[()] * len(self.scores))
        return tuple(_both(one, other) for one, other in zip(self.scores, second, strict=False))

    @property
    def means(self) -> tuple[float, ...]:
        """Each prompt's mean score, every row counted alike."""
        return tuple(map(fmean, self.rows))

    @property
    def repeated(self) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
        """The scores of prompts that were asked twice: of more rows once, of some once more."""
        return list(zip(self.scores, self.again, strict=False))

    @property
    def changed(self) -> int:
        """Rows that two prompts score differently."""
        return sum(differ(min(row), max(row)) for row in zip(*self.scores, strict=True))

    @property
    def flips(self) -> float:
        """Share of the rows that two answers to one prompt score differently, in [0, 1]."""
        pairs = (zip(one, other, strict=False) for one, other in self.repeated)
        return fmean(differ(a, b) for pair in pairs for a, b in pair)


@dataclass(frozen=True, kw_only=True)
class Gain:
    """What a search may bring, in shares.

    Attributes:
        seen: what the best other prompt gained on the rows of the look.
        expected: that and what is usual taken together, in [0, 1].
        different: share of rows on which the best prompt differs.
    """

    seen: float
    expected: float
    different: float


def gain_of(look: Look) -> Gain:
    """What a search may bring.

    The best of a few prompts looks better than it is, and few rows say little: what was seen is
    drawn towards what searches usually bring, each by how much it is known (a normal prior).
    """
    seed, *others = look.rows
    gaps = [b - a for a, b in zip(seed, max(others, key=fmean), strict=True)]
    n, seen = len(gaps), fmean(gaps)
    variance = (fmean((gap - seen) ** 2 for gap in gaps) + 1 / n) / n
    weight = SPREAD**2 / (SPREAD**2 + variance)
    gain = max(0.0, min(weight * seen + (1 - weight) * USUAL, 1 - fmean(seed)))
    different = min(1.0, max(fmean(map(abs, gaps)), gain, math.ulp(1.0), 0.05))
    return Gain(seen=seen, expected=gain, different=different)


def apart(scores: Sequence[Sequence[float]]) -> float:
    """Half the mean squared distance of two scores of a row: the variance between its columns."""
    pairs = combinations(scores, 2)
    return fmean((a - b) ** 2 / 2 for one, other in pairs for a, b in zip(one, other, strict=True))


def differ(one: float, other: float) -> bool:
    """Whether two scores of a row are more than the same score, a little off."""
    return abs(one - other) > SAME


def _both(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    """Scores of rows, some of which were answered twice and score the mean."""
    twice = tuple((a + b) / 2 for a, b in zip(first, second, strict=False))
    return (*twice, *first[len(twice) :])
