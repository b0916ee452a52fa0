"""Roulette and tournament."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.select import roulette, tournament

SCORES = st.lists(st.none() | st.floats(allow_infinity=True, allow_nan=True), max_size=10)


def shares(scores: list[float | None], by: str = "score") -> list[float]:
    drawn = Counter(roulette(scores, random.Random(0), 20_000, by=by))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (both)
    return [drawn[i] / 20_000 for i in range(len(scores))]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1.0, 3.0], [0.25, 0.75]),
        ([0.0, 0.0, 0.0], [1 / 3] * 3),
        ([0.0, 2.0], [0, 1]),
        ([-1.0, 0.0, 1.0], [0, 1 / 3, 2 / 3]),
        ([-2.0, -2.0], [0.5, 0.5]),
        ([None, 1.0, math.nan, 1.0], [0, 0.5, 0, 0.5]),
        ([None, 0.0], [0, 1]),
        ([None, math.nan], [0.5, 0.5]),
        ([1.0, math.inf, math.inf], [0, 0.5, 0.5]),
        ([-math.inf, 1.0, 3.0], [0, 0.25, 0.75]),
        ([-math.inf, -math.inf], [0.5, 0.5]),
        ([1e308, 1e308], [0.5, 0.5]),
        ([-1e308, 1e308], [0, 1]),
        ([5e-324, 5e-324], [0.5, 0.5]),
    ],
)
def test_chances_follow_the_scores(scores: list[float | None], expected: list[float]) -> None:
    assert shares(scores) == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([10.0, -3.0, 0.5], [3 / 6, 1 / 6, 2 / 6]),
        ([1.0, 1.0, 0.0], [2.5 / 6, 2.5 / 6, 1 / 6]),
        ([None, 0.0, 7.0], [0, 1 / 3, 2 / 3]),
        ([-math.inf, math.inf], [1 / 3, 2 / 3]),
    ],
)
def test_chances_follow_the_ranks(scores: list[float | None], expected: list[float]) -> None:
    assert shares(scores, "rank") == pytest.approx(expected, abs=0.015)


@given(SCORES, st.integers(0, 5), st.integers(0, 99), st.sampled_from(["score", "rank"]))
def test_roulette_never_fails_and_repeats_itself(
    scores: list[float | None], n: int, seed: int, by: str
) -> None:
    first, again = (
        roulette(scores, random.Random(seed), n, by=by)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (drawn)
        for _ in range(2)
    )
    assert first == again
    assert len(first) == (n if scores else 0)
    known = [i for i, score in enumerate(scores) if score is not None and not math.isnan(score)]
    assert set(first) <= set(known or range(len(scores)))


@given(SCORES.filter(bool), st.integers(1, 12), st.integers(0, 99))
def test_the_best_of_the_drawn_wins(scores: list[float | None], size: int, seed: int) -> None:
    winner = tournament(scores, random.Random(seed), size)
    drawn = random.Random(seed).sample(range(len(scores)), min(size, len(scores)))
    known = {i: s for i in drawn if (s := scores[i]) is not None and not math.isnan(s)}
    assert winner in drawn
    if known:
        assert known.get(winner, -math.inf) == max(known.values())


def test_a_binary_tournament() -> None:
    rng = random.Random(0)
    won = Counter(tournament([0.1, 0.5, 0.9], rng) for _ in range(6000))
    assert [won[i] / 6000 for i in range(3)] == pytest.approx([0, 1 / 3, 2 / 3], abs=0.03)
    ties = Counter(tournament([0.5, 0.5], rng) for _ in range(2000))
    assert ties[0] / 2000 == pytest.approx(0.5, abs=0.05)
    assert tournament([None], rng) == 0
