"""A curve in a line of text."""

from collections.abc import Sequence

BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-=+*#@"


def sparkline(curve: Sequence[tuple[float, float]], width: int, signs: str = BLOCKS) -> str:
    """Draw a curve that keeps each value until the next, as a line of signs.

    Args:
        curve: places and values, in order of the places.
        width: how many signs.
        signs: from the lowest value to the highest.

    Returns:
        The line, "" for an empty curve. One value alone, or the same all the way, stands lowest.
    """
    if not curve or width < 1:
        return ""
    first, last = curve[0][0], curve[-1][0]
    low, high = min(value for _, value in curve), max(value for _, value in curve)
    drawn, place = list[str](), 0
    for column in range(width):
        until = first + (last - first) * column / max(1, width - 1)
        while place + 1 < len(curve) and curve[place + 1][0] <= until:
            place += 1
        share = (curve[place][1] - low) / (high - low) if high > low else 0.0
        drawn.append(signs[min(len(signs) - 1, int(share * len(signs)))])
    return "".join(drawn)
