"""The one text of a cell of any type: the shortest that means its value, whatever it was read by.

A whole number has no ".0", a number of single precision no digits that it does not hold, a decimal
number no zeros at its end. Dates and times are in ISO form, and a midnight is a date where all of
its column is at midnight. A length of time is hours:minutes:seconds, as spreadsheets show it.
"""

import json
import math
import re
from collections.abc import Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

Row = dict[str, str | None]
"""One row: the text of each column by name; None where the value is missing."""

SPREADSHEET_ERRORS = frozenset(
    (
        *("#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"),
        *("#N/V", "#BEZUG!", "#WERT!", "#ZAHL!", "#NV", "#VALEUR!", "#NOM?", "#NOMBRE!", "#¡REF!"),
        *("#¡VALOR!", "#¿NOMBRE?", "#¡DIV/0!", "#¡NUM!", "#ERROR!", "#GETTING_DATA"),
    )
)
"""What spreadsheets write where a formula fails, in English, German, French and Spanish."""

_OBJECT = re.compile(r"<.* at 0x[0-9a-fA-F]+>", re.DOTALL)
_MISSING = ("NaTType", "NAType")
_UNLIKE_DOUBLE = ("float16", "float32", "longdouble")
_LONGEST_EXPONENT = 50


class NoText(str):
    """Stands in a row for a value that is no text, such as an image; it says what the value is.

    A column that no task uses may hold such values; where one is used, `apo.data.examples` says so.
    """

    __slots__ = ()


def cell(value: Any, *, timed: bool = False) -> str | None:
    """Give a value's one text: None for a missing one (None, NaN, NaT).

    Lists and objects are JSON. What is no text, such as bytes, is a `NoText`.

    Args:
        value: of Python, numpy or pandas.
        timed: a midnight is a time of day, and not a date.
    """
    if value is None or isinstance(value, str):
        return value
    value = own(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return NoText("bytes")
    if isinstance(value, Mapping | list | tuple | Set):
        return _json(cast("object", value))
    if isinstance(value, datetime) and not timed and is_midnight(value):
        return value.date().isoformat()
    if isinstance(value, date | time):
        return _without_zeros(value.isoformat())
    return _scalar(value)


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, timedelta):
        return _length(value)
    if value is None:
        return None
    text = str(value)
    if _OBJECT.fullmatch(text):  # Such as an image: its text is an address in memory.
        return NoText(f"objects of the kind {type(cast('object', value)).__name__}")
    return text


def own(value: Any) -> Any:
    """Give Python's own value for one of numpy or pandas, which are not imported; None for NaT."""
    kind = type(value).__name__
    if kind in _MISSING:
        return None
    if kind in _UNLIKE_DOUBLE:
        return short(value)
    if kind in ("datetime64", "timedelta64"):
        return value.astype(f"{kind}[us]").item()
    if kind == "ndarray":
        if value.dtype.kind in "mM":
            value = value.astype(f"{value.dtype.kind}8[us]")
        if value.dtype.name in _UNLIKE_DOUBLE:
            value = value.astype(str).astype(float)
    return value.tolist() if hasattr(value, "tolist") else value


def short(value: Any) -> float:
    """Give the number that numpy writes a number of single precision as: 19.99, which is near."""
    return float(str(value))


def is_midnight(value: object) -> bool:
    """Whether a value is the start of a day."""
    return isinstance(value, datetime) and value.time() == time() and not _nanoseconds(value)


def _nanoseconds(value: datetime) -> int:
    return int(getattr(value, "nanosecond", 0))


def _without_zeros(text: str) -> str:
    """12:30:00.500000 is 12:30:00.5."""
    return re.sub(r"(:\d\d\.\d*?)0+(?=[+-]|$)", r"\1", text)


def _decimal(value: Decimal) -> str | None:
    exponent = value.as_tuple().exponent
    if value.is_nan():
        return None
    if not isinstance(exponent, int) or abs(exponent) > _LONGEST_EXPONENT:
        return str(value)
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _length(value: timedelta) -> str:
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{size.microseconds:06d}".rstrip("0") if size.microseconds else ""
    sign = "-" if value < timedelta() else ""
    return f"{sign}{24 * size.days + hours}:{minutes:02d}:{seconds:02d}{fraction}"


def _json(value: Any) -> str:
    """Give lists and objects as JSON; what holds something that is no text is none, either."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):  # Other types than those of JSON, or NaN.
        pass
    unread = list[NoText]()

    def plain(item: Any) -> Any:
        item = own(item)
        if isinstance(item, Mapping):
            pairs = cast("Mapping[object, Any]", item).items()
            return {cell(key) or "null": plain(inner) for key, inner in pairs}
        if isinstance(item, Set):
            return sorted(map(plain, cast("list[Any]", item)), key=str)
        if isinstance(item, list | tuple):
            return [plain(inner) for inner in cast("list[Any]", item)]
        if isinstance(item, bool | int | str) or (isinstance(item, float) and math.isfinite(item)):
            return item
        text = cell(item)
        if isinstance(text, NoText):
            unread.append(text)
        return text

    text = json.dumps(plain(value), ensure_ascii=False)
    return unread[0] if unread else text
