"""The table of what reads as equal is the one that the scorers give, and shows each both ways."""

import pytest

from experiments.equal_table import PAGE, table, written


def test_the_page_shows_what_the_scorers_do() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "Run python -m experiments.equal_table."


@pytest.mark.parametrize("line", table().splitlines()[2:])
def test_every_line_shows_what_is_equal_and_what_is_not(line: str) -> None:
    cells = line.replace("\\|", "/").strip("|").split("|")
    _, _, equal, partly, unequal = (cell.strip() for cell in cells)
    lacking = "its row in _CASES of experiments/equal_table.py needs an answer that is "
    assert equal, f"{lacking}equal"
    assert partly or unequal, f"{lacking}not"
