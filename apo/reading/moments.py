"""Dates and times of day in texts: 2025-11-15, 15.11.2025, Nov 15, 2025, 2025년 11월 15일, 3 pm."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from apo.patterns import late_pattern
from apo.reading.moment_patterns import (
    ERAS,
    SEASONS,
    TIMES,
    ZONES,
    date_patterns,
    months,
    place_named,
)

ORDERS = ("dmy", "mdy", "ymd")
_CENTURY = 70  # Two digits from here on are of the 20th century, as dateutil has it.


@dataclass(frozen=True)
class Moment:
    """A date, a time of day, or both; what is not said is None.

    Attributes:
        year: of four digits.
        month: 1 to 12.
        day: 1 to 31.
        seconds: since midnight.
        offset: minutes that the place is ahead of UTC.
        place: of which it is the time, where the offset is not known: "eastern", "local time".
        start: where it starts in the text.
        end: where it ends.
        open: day and month may stand in either order.
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    seconds: Fraction | None = None
    offset: int | None = None
    place: str = ""
    start: int = 0
    end: int = 0
    open: bool = False

    @property
    def date(self) -> tuple[int | None, int | None, int | None]:
        """Year, month and day."""
        return self.year, self.month, self.day

    def same(self, wanted: "Moment") -> bool:
        """Whether this is the wanted moment; a time of day is compared where one is wanted.

        Midnight is a date without a time, but for where both say their places, which are then
        compared. The time of a place whose offset is not known is only that of the same place.
        """
        if self._is_elsewhere(wanted) or wanted._is_elsewhere(self):
            return False
        mine, its = (self, wanted)
        placed = self.offset is not None and wanted.offset is not None
        if placed:
            mine, its = self._in_utc(), wanted._in_utc()
        if mine.date != its.date:
            return False
        if not placed and not its.seconds and its.year:
            return True
        return (mine.seconds or 0) == (its.seconds or 0)

    def _is_elsewhere(self, other: "Moment") -> bool:
        """Whether the other names another place than this one's, as far as is known."""
        if not self.place or (other.offset is None and not other.place):
            return False
        return other.place != self.place and other.offset not in SEASONS.get(self.place, ())

    def _in_utc(self) -> "Moment":
        if self.seconds is not None and self.date == (None, None, None):
            return replace(self, seconds=(self.seconds - 60 * (self.offset or 0)) % 86400)
        if None in (self.year, self.month, self.day, self.seconds):
            return self
        start = datetime(self.year or 1, self.month or 1, self.day or 1)
        try:
            moved = start - timedelta(minutes=self.offset or 0)
        except OverflowError:
            return self
        days, minutes = moved.date(), moved.hour * 60 + moved.minute
        seconds = (self.seconds or 0) + minutes * 60
        days += timedelta(days=int(seconds // 86400))
        return replace(
            self, year=days.year, month=days.month, day=days.day, seconds=Fraction(seconds % 86400)
        )


_DIGIT = late_pattern(r"\d")
_BETWEEN = late_pattern(r"[\s,T]{0,3}(?:at|um|à|on|am|den|le|kl\.?)?\s{0,2}", re.IGNORECASE)


def moments_in(text: str, order: str = "") -> list[Moment]:
    """Give the dates and times of a text in order, a date and the time beside it as one.

    Args:
        text: any text.
        order: "dmy", "mdy" or "ymd" of 05/06/2025; "" where that is not known, so that only
            15/06/2025 and 05.06.2025 are read.
    """
    if not _DIGIT.search(text):  # None of the patterns, which are many and long, goes without.
        return []
    dates = _apart(
        moment for match in _matches(text, date_patterns()) for moment in _date(match, order)
    )
    spans = [(date.start, date.end) for date in dates]
    times = [
        time
        for time in _apart(t for match in _matches(text, TIMES) for t in _time(match))
        if all(time.end <= start or end <= time.start for start, end in _near(spans, time))
    ]
    found = list[Moment]()
    for moment in sorted((*dates, *times), key=lambda moment: moment.start):
        last = found[-1] if found else None
        if last and (last.seconds is None) != (moment.seconds is None):
            date, time = (last, moment) if last.seconds is None else (moment, last)
            if date.day and _BETWEEN.fullmatch(text[last.end : moment.start][:12]):
                both = replace(date, seconds=time.seconds, offset=time.offset, place=time.place)
                found[-1] = replace(both, start=last.start, end=moment.end)
                continue
        found.append(moment)
    return found


def _near(spans: list[tuple[int, int]], time: Moment) -> list[tuple[int, int]]:
    from bisect import bisect

    place = bisect(spans, (time.start, 0))
    return spans[max(0, place - 1) : place + 2]


def _matches(text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[re.Match[str]]:
    for pattern in patterns:
        yield from pattern.finditer(text)


def _apart(found: Iterator[Moment]) -> list[Moment]:
    """In the order of the text, those that do not overlap: the earlier and longer ones."""
    kept = list[Moment]()
    for moment in sorted(found, key=lambda moment: (moment.start, -moment.end)):
        if not kept or moment.start >= kept[-1].end:
            kept.append(moment)
    return kept


def _date(match: re.Match[str], order: str) -> Iterator[Moment]:
    parts = match.groupdict()
    at = Moment(start=match.start(), end=match.end())
    if parts.get("first"):
        yield from _numeric(match, order, at)
        return
    month = months()[parts["name"].casefold()] if parts.get("name") else int(parts["month"])
    said = parts.get("year") or parts.get("short")
    year = None if not said else _full(int(said)) if len(said) == 2 else int(said)
    if parts.get("era"):
        year = ERAS[parts["era"]] + int(parts["of_era"].replace("元", "1"))
    day = int(parts["day"]) if parts.get("day") else None
    if _is_real(year, month, day):
        yield replace(at, year=year, month=month, day=day)


def _numeric(match: re.Match[str], order: str, at: Moment) -> Iterator[Moment]:
    first, second, third = (int(match[name]) for name in ("first", "second", "third"))
    full = third if len(match["third"]) == 4 else _full(third)
    readings = {"dmy": (full, second, first), "mdy": (full, first, second)}
    if len(match["third"]) == 2:
        readings["ymd"] = (_full(first), second, third)
    real = {name: date for name, date in readings.items() if _is_real(*date)}
    if order in real:
        real = {order: real[order]}
    elif not order:
        real.pop("ymd", None)  # Rare enough that it must be said.
        if match["sign"] == "." and "dmy" in real:  # Where points stand, the day comes first.
            real = {"dmy": real["dmy"]}
    dates = {*real.values()}
    if dates:
        year, month, day = sorted(dates)[0]
        yield replace(at, year=year, month=month, day=day, open=len(dates) > 1)


def _full(year: int) -> int:
    return year + (2000 if year < _CENTURY else 1900)


def _is_real(year: int | None, month: int, day: int | None) -> bool:
    try:
        datetime(2000 if year is None else year, month, day or 1)
    except ValueError:
        return False
    return True


_HALVES = {"오전": "a", "오후": "p", "午前": "a", "午後": "p"}


def _time(match: re.Match[str]) -> Iterator[Moment]:
    parts = match.groupdict()
    hour, minute = int(parts["hour"]), int(parts.get("minute") or parts.get("after") or 0)
    second = Fraction(parts.get("second") or 0)
    half = (parts.get("m") or "").lower() or _HALVES.get(parts.get("half") or "")
    if half and not 1 <= hour <= 12:
        return
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour < 24 and minute < 60 and second < 60:
        seconds = Fraction(hour * 3600 + minute * 60) + second
        at = Moment(
            start=match.start(), end=match.end(), place=place_named(parts.get("place") or "")
        )
        yield replace(at, seconds=seconds, offset=_minutes(parts.get("zone")))


def _minutes(zone: str | None) -> int | None:
    if not zone:
        return None
    found = re.search(r"([-+−])(\d{1,2}):?(\d{2})?$", zone)
    if found is None:
        return ZONES[zone.upper()]
    return (int(found[2]) * 60 + int(found[3] or 0)) * (1 if found[1] == "+" else -1)
