"""Which cells are a number, and which look like one: names in digits, pairs, counted things."""

import re
from math import gcd

from apo.reading.numbers import whole_number


def is_number(cell: str) -> bool:
    """Whether a cell is a number and no name of something, as 007 and 4111111111111111 are.

    A word after it may say what it counts.
    """
    number = whole_number(cell)
    if number is None or (re.search(r"\w", cell[number.end :]) and not noun_of(cell)):
        return False
    return not re.fullmatch(r"0\d+|\d{13,}", cell)


def noun_of(cell: str) -> str:
    """The one word after a number that says what it counts, as in "5 apples"; "" without one."""
    found = re.fullmatch(r"\d+ ([^\W\d_]{3,})", cell)
    number = whole_number(cell) if found else None
    return found[1].casefold() if found and number and number.counted else ""


def is_pair(cell: str) -> bool:
    """Whether a cell is rather two numbers than a fraction, as blood pressure 120/80 and 18/20."""
    found = re.fullmatch(r"(\d{1,9}) ?/ ?(\d{1,9})", cell)
    return found is not None and gcd(int(found[1]), int(found[2])) > 1
