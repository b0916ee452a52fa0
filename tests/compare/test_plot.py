"""Pictures: that they are there, and that names at line ends do not overlap."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.compare.collect import Curve
from apo.compare.plot import draw
from apo.compare.plot_curves import spread
from apo.compare.standing import compare


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 9])
def test_pictures_of_few_and_of_many(
    n: int, tmp_path: Path, grid_of_curves: Callable[[int], list[Curve]]
) -> None:
    curves = grid_of_curves(n)
    made = draw(compare("x", [curve.row for curve in curves]), curves, tmp_path / "plots")
    names = ["curves-tickets.png", "curves-한국어.png", "curves-all.png", "gains.png"]
    assert [path.name for path in made] == names
    for path in made:
        assert path.read_bytes().startswith(b"\x89PNG")
        text = path.with_suffix(".svg").read_text(encoding="utf-8")
        assert "random-search" in text
        assert f"o{n - 3}" in text or n == 2


def test_no_curves_no_pictures(tmp_path: Path) -> None:
    assert not draw(compare("x", []), [], tmp_path / "plots")
    assert not (tmp_path / "plots").exists()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_names_are_moved_apart(values: list[float]) -> None:
    gap = 0.05
    places = spread(sorted(values), gap, 0.0, 1.0)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(places))
    assert min(places) >= -1e-9
    assert max(places) <= 1 + 1e-9


def test_names_with_room_stay_where_they_are() -> None:
    assert spread([0.1, 0.5, 0.9], 0.05, 0, 1) == [0.1, 0.5, 0.9]
