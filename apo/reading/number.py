"""A number as a text has it, with its unit, and when two of them are the same."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from apo.reading.units import Unit

KELVIN = (Unit("kelvin", Fraction(1)), Unit("thousands", Fraction(1)))
"""What "200 K" may mean: 200 kelvin, or 200,000."""
_HUNDREDTH = Unit("share", Fraction(1, 100))


@dataclass(frozen=True)
class Number:
    """A number as a text has it.

    Attributes:
        value: exact, before any percent sign, in its unit; scale words are counted in.
        percent: whether that sign follows.
        units: the known units and currencies that its word may mean; "pounds" may be £ or lb.
        counted: the words after it, where the text is nothing else, as in "5 red apples".
        start: where it starts in the text, with its sign and currency.
        end: where it ends, with its scale word and unit.
    """

    value: Fraction
    percent: bool = False
    units: tuple[Unit, ...] = ()
    counted: frozenset[str] = frozenset()
    start: int = 0
    end: int = 0

    def near(self, other: "Number", tolerance: Fraction) -> bool:
        """Whether both are the same number, give or take the tolerance in the other's unit.

        25% is 25%, and, as texts are free with the sign, also 25 and 0.25. Units are compared
        where both have one: 5 µg is no 5 mg, 41 kg no 41 %, and 5 apples are no 5 oranges.
        """
        may_be_thousands = other.units == KELVIN and not self.is_like(other)
        if may_be_thousands and self.near(other._thousands(), tolerance):
            return True
        mine = self._thousands() if self.units == KELVIN and not other.is_like(self) else self
        value = mine.value
        if mine.measures and other.measures:
            ratio = mine.ratio(other)
            return ratio is not None and abs(value * ratio - other.value) <= tolerance
        if mine.is_measured and other.is_measured and not mine.counted & other.counted:
            return False
        gaps = [abs(value - other.value)]
        if mine.percent != other.percent:
            value = value / 100 if mine.percent else value
            its = other.value / 100 if other.percent else other.value
            gaps.append(abs(value - its))
        return min(gaps) <= tolerance

    @property
    def measures(self) -> tuple[Unit, ...]:
        """Its units, of which the percent sign is one."""
        return (_HUNDREDTH,) if self.percent else self.units

    @property
    def is_measured(self) -> bool:
        """Whether it says what it is a number of."""
        return bool(self.measures or self.counted)

    def _thousands(self) -> "Number":
        return replace(self, value=self.value * 1000, units=())

    def is_like(self, other: "Number") -> bool:
        """Whether both have a percent sign, or a unit of one kind."""
        return self.ratio(other) is not None

    def ratio(self, other: "Number") -> Fraction | None:
        """How many of the other's unit its own is; None where they measure different things.

        $5 a month is $5, too, and no $5 a year.
        """
        pairs = [*product(self.measures, other.measures)]
        rates = [(mine, its) for mine, its in pairs if mine.is_rate and its.is_rate]
        for mine, its in rates or pairs:
            if mine.kind == its.kind:
                return mine.size / its.size
        return None
