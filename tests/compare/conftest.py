"""Rows and curves made by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from apo.compare.collect import CellRow, Curve

MakeRow = Callable[..., CellRow]


def make_row(task: str, optimizer: str, seed: int, score: float, **given: Any) -> CellRow:
    """A row with the figures that a test cares for."""
    values: dict[str, Any] = {
        "cell": f"{task}-{optimizer}-s{seed}",
        "model": "embedded",
        "optimizer_model": "embedded",
        "n_test": 100,
        "seed_score": 0.4,
        "p_value": 0.01,
        "favourable": score > 0.5,
        "outcome": "favourable" if score > 0.5 else "not proven",
        "validation_seed": 0.4,
        "validation_best": score,
        "seed_chars": 40,
        "best_chars": 400,
        "calls": 200,
        "input_tokens": 1000,
        "output_tokens": 100,
        "usd": 0.0,
        "minutes": 0.1,
    }
    values |= {"task": task, "optimizer": optimizer, "seed": seed, "best_score": score}
    return CellRow(**{**values, **given})


@pytest.fixture
def row() -> MakeRow:
    """Makes a row of a task, an optimizer, a seed and a test score."""
    return make_row


def curves_of(n: int) -> list[Curve]:
    """The curves of so many optimizers on two tasks with three seeds."""
    return [
        Curve(make_row(task, name, seed, 0.4 + k / 50), (20, 60 + k), (0.4, 0.5 + k / 99), 150)
        for task in ("tickets", "한국어")
        for k, name in enumerate(["auto", "random-search", *(f"o{i}" for i in range(n - 2))])
        for seed in range(3)
    ]


@pytest.fixture
def grid_of_curves() -> Callable[[int], list[Curve]]:
    """Makes curves; see `curves_of`."""
    return curves_of
