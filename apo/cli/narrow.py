"""Tables on narrow terminals: columns are left out whole, so that no other is cut."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from apo.cli.console import results, say
from apo.language.catalogue import translated

BETWEEN = 2
"""Blanks between two columns."""
LEAST = 12
"""A column that takes what is left has so much at least, or is of no use."""


def fitting(
    lines: Sequence[Mapping[str, Text]], order: Sequence[str], *, stretched: str = ""
) -> list[str]:
    """Choose the columns to leave out, so that the others fit the terminal.

    Args:
        lines: the cells of each line, by column.
        order: the columns that may be left out, the least important first.
        stretched: the column that takes what room is left, and is cut to it.
    """
    widths = {name: _width(name, lines) for name in lines[0]} if lines else dict[str, int]()
    if stretched:
        widths[stretched] = LEAST
    left_out: list[str] = []
    for name in order:
        shown = [width + BETWEEN for other, width in widths.items() if other not in left_out]
        if sum(shown) - BETWEEN > results.width:
            left_out.append(name)
    return left_out


def _width(name: str, lines: Sequence[Mapping[str, Text]]) -> int:
    return max(cell_len(translated(name)), *(line[name].cell_len for line in lines))


def tell_left_out(left_out: Sequence[str]) -> None:
    """Say which columns are left out, and where they are."""
    if left_out:
        names = ", ".join(map(translated, left_out))
        say(f"Not shown here: {names}. A wider terminal and --csv have them.", "dim")
