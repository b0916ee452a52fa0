"""Numbers and dates in running text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.models.embedded.arithmetic import calculate
from apo.models.embedded.values import dates, numbers


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3 boxes, twenty-one pens", [3, 21]),
        ("1,200.50 and 1,200", [1200.5, 1200]),
        ("half a dozen or a dozen or two dozen", [6, 12, 24]),
        ("three hundred and five; two thousand one hundred", [305, 2100]),
        ("사과 세 개와 12권", [3, 12]),
        ("on 8 May 2026 we want 7", [7]),
        ("no. 12345678901234567890", []),
        ("", []),
    ],
)
def test_numbers(text: str, values: list[float]) -> None:
    assert [found.value for found in numbers(text)] == values


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-08",
        "2026/5/8",
        "08.05.2026",
        "8. 5. 2026",
        "8 May 2026",
        "8th of May, 2026",
        "May 8th, 2026",
        "MAY 8 2026",
        "2026년 5월 8일",
    ],
)
def test_dates(text: str) -> None:
    assert [found.value for found in dates(f"by {text}, please")] == ["2026-05-08"]


@pytest.mark.parametrize("text", ["31.02.2026", "2026-13-01", "5 May", "0000-01-01", "v1.2.3"])
def test_what_is_no_date(text: str) -> None:
    assert dates(text) == []


@given(st.text())
def test_values_lie_in_the_text_in_order(text: str) -> None:
    for found in (numbers(text), dates(text)):
        ends = [at for value in found for at in (value.start, value.end)]
        assert ends == sorted(ends)
        assert all(0 <= at <= len(text) for at in ends)


def test_calculates_from_left_to_right_or_products_first() -> None:
    values, ops = [2, 99, 3, 4], ["add", "ignore", "add", "multiply"]
    assert calculate(values, ops) == 20
    assert calculate(values, ops, precedence=True) == 14
    assert calculate([7, 2], ["add", "divide"]) == 3.5
    assert calculate([7, 0], ["add", "divide"]) is None
    assert calculate([], []) is None
    assert calculate([1e15] * 30, ["multiply"] * 30) is None
