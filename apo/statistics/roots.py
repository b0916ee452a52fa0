"""Where a function crosses zero: Brent's method, and nothing that is slow to import.

`scipy.optimize.brentq` does the same steps; importing it takes longer than most questions asked.
"""

from collections.abc import Callable

MAX_STEPS = 100
PRECISION = 4 * 2.0**-52
"""What the root may be off by, as a share of itself; below it steps are rounding."""


def root(function: Callable[[float], float], low: float, high: float, xtol: float = 2e-12) -> float:
    """Find a zero between two places with values of different signs (Brent, 1973, §4).

    Each step is by the parabola through the last three places, turned on its side, or by a line,
    where that does not leap too far; else it halves what is left.

    Args:
        function: continuous.
        low: one place; its value may be 0.
        high: the other one.
        xtol: how far from the root the answer may be, beside the precision of numbers.

    Raises:
        ValueError: both values have the same sign.
    """
    before, here = low, high
    f_before, f_here = function(before), function(here)
    if f_before == 0:
        return before
    if f_here == 0:
        return here
    if (f_before < 0) == (f_here < 0):
        raise ValueError(f"No root is known between {low} and {high}: {f_before}, {f_here}.")
    across, f_across = before, f_before  # The root is between `here` and `across`.
    last_step = step = here - before
    for _ in range(MAX_STEPS):
        if f_before != 0 and f_here != 0 and (f_before < 0) != (f_here < 0):
            across, f_across = before, f_before
            last_step = step = here - before
        if abs(f_across) < abs(f_here):
            before, here, across = here, across, here
            f_before, f_here, f_across = f_here, f_across, f_here
        near = (xtol + PRECISION * abs(here)) / 2
        half = (across - here) / 2
        if f_here == 0 or abs(half) < near:
            break
        tried = half
        if abs(last_step) > near and abs(f_here) < abs(f_before):
            if before == across:
                tried = -f_here * (here - before) / (f_here - f_before)
            else:
                to_before = (f_before - f_here) / (before - here)
                to_across = (f_across - f_here) / (across - here)
                over = f_across * to_across - f_before * to_before
                tried = -f_here * over / (to_across * to_before * (f_across - f_before))
            short = 2 * abs(tried) < min(abs(last_step), 3 * abs(half) - near)
            last_step, step = (step, tried) if short else (half, half)
        else:
            last_step = step = half
        before, f_before = here, f_here
        here += step if abs(step) > near else (near if half > 0 else -near)
        f_here = function(here)
    return here
