"""The scorer `date`."""

from dataclasses import dataclass
from functools import lru_cache

from apo.errors import TaskError, near
from apo.reading.answers import quote
from apo.reading.moments import ORDERS, Moment
from apo.reading.said_moment import moment_in, whole_moment
from apo.task import Example, Score


@dataclass(frozen=True, kw_only=True)
class Date:
    """The date or time of day that the answer gives must be the target's, however it is written.

    Read are 2025-11-15, 15.11.2025, 15/11/25, Nov 15, 2025 and 15 novembre 2025 with the months'
    names in many languages, 2025년 11월 15일, 14:30, 2:30 pm, 14 Uhr 30, 오후 2시 30분, and both
    together. A target must be one of these and nothing else. A time of day is compared where the
    target has one; where both name an offset from UTC, or a zone (CET, KST), they are compared in
    UTC; a time of another place ("New York time") is none that has an offset. An answer without a
    date is not well formed, nor one with a date that leaves day and month open.

    Attributes:
        order: of day, month and year in 05/06/2025: "dmy", "mdy" or "ymd"; "" reads only those
            that leave no doubt, such as 15/06/2025, and 05.06.2025 by the day.
    """

    order: str = ""

    def __post_init__(self) -> None:
        if self.order not in ("", *ORDERS):
            raise TaskError(f"date.order is {self.order!r}.{near(self.order, list(ORDERS))}")

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the date is a target's."""
        wanted = [moment for target in example.targets if (moment := _read(target, self.order))]
        expected = quote(example.target)
        if not wanted or any(moment.open for moment in wanted):
            return Score(0.0, True, _refusal(expected, bool(wanted)))
        said = moment_in(output, self.order)
        if said is None:
            return Score(0.0, False, f"Expected {expected}, the answer gives no date, or several.")
        if said.open:
            text = (
                f"The answer {quote(output)} may be of two months; the scorer's order says which."
            )
            return Score(0.0, False, f"Expected {expected}. {text}")
        if any(said.same(moment) for moment in wanted):
            return Score(1.0)
        return Score(0.0, True, f"Expected {expected}, the answer said {quote(output)}.")


@lru_cache(maxsize=4096)
def _read(text: str, order: str) -> Moment | None:
    return whole_moment(text, order)


def _refusal(target: str, is_open: bool) -> str:
    if is_open:
        return (
            f"The target {target} may be of two months: say order: dmy (day first) or order: mdy "
            "in the scorer's settings."
        )
    return f"The target {target} is not one date or time of day and nothing else."
