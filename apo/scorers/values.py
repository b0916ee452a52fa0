"""The scorer `numeric`."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isfinite

from apo.errors import TaskError
from apo.reading.answers import quote
from apo.reading.number import Number
from apo.reading.number_words import in_digits
from apo.reading.numbers import whole_number
from apo.reading.said_number import number_in
from apo.task import Example, Score


@dataclass(frozen=True, kw_only=True)
class Numeric:
    """The number that the answer gives must be the target's, however it is written.

    A target must be one number, in digits or words, with a sign, currency, percent sign, scale
    word, unit and noun at most; else no answer is right. Which number an answer gives: see
    `said_number`; without one it is not well formed. Numbers in words are read where there are no
    digits. 25% equals 25% and, as texts are free with the sign, also 25 and 0.25; units and
    currencies are compared where both have one, and so is what is counted where the answer is
    nothing else: 5 µg is no 5 mg, and 5 oranges are no 5 apples.

    Attributes:
        tolerance: the largest difference that still counts as right, at least 0.
        decimal: "." or ",": what 1.234 and 1,234 have as decimal sign. Where a number leaves no
            doubt, as in 1.234,56 or 7,5, it is read by itself.
    """

    tolerance: float = 0.0
    decimal: str = "."

    def __post_init__(self) -> None:
        if not (isfinite(self.tolerance) and self.tolerance >= 0):
            raise TaskError(f"tolerance is {self.tolerance}; it must be a number of at least 0.")
        if self.decimal not in (".", ","):
            raise TaskError(f"decimal is {self.decimal!r}; it must be '.' or ','.")

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the number is within the tolerance of a target."""
        read = [_target(target, self.decimal) for target in example.targets]
        wanted = [number for number in read if number is not None]
        if not wanted:
            return Score(0.0, True, _refusal(example.target))
        said = number_in(output, self.decimal, like=wanted[0])
        if said is None:
            feedback = f"Expected {quote(example.target)}, the answer gives no number, or several."
            return Score(0.0, False, feedback)
        tolerance = Fraction(str(self.tolerance))
        if any(said.near(number, tolerance) for number in wanted):
            return Score(1.0)
        return Score(0.0, True, f"Expected {quote(example.target)}, the answer said {_show(said)}.")


@lru_cache(maxsize=4096)
def _target(text: str, decimal: str) -> Number | None:
    return whole_number(in_digits(text), decimal)


def _refusal(target: str) -> str:
    return (
        f"The target {quote(target)} is not one number: it is a date, a time, a range, a list, a "
        "version, an id or a text. Dates and times have the scorer date, lists the scorer list, "
        "and ids and versions the scorer exact."
    )


def _show(number: Number) -> str:
    value = number.value
    try:
        text = str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"
    except OverflowError:
        text = f"{value.numerator}/{value.denominator}"
    return quote(text + "%" * number.percent)
