"""What stands within the objects and lists of a cell, named by a path: `answers.text`.

A step is an object's key, or the number of a list's item, from 0, or from -1 at its end. A key
after a list of objects means that key of each: `spans.label` is the list of their labels.
"""

import json
from collections.abc import Iterable
from typing import Any

from apo.data.cells import Row, cell
from apo.reading.json_text import as_list, as_object

_ABSENT = object()


def with_paths(row: Row, names: Iterable[str]) -> Row:
    """Give the row, and as further columns what those of the names lead to that are paths.

    What is missing on the way is a missing value. A name that leads into no column, or into one
    that holds neither an object nor a list, stays out.
    """
    found = dict(row)
    for name in names:
        head = _head(row, name) if name not in row else None
        if head is None:
            continue
        held = row[head]
        value = None if held is None else _parsed(held)
        if value is not _ABSENT:
            found[name] = cell(_at(value, name[len(head) + 1 :].split(".")))
    return found


def text_path(cells: Iterable[str | None]) -> str:
    """The one key of objects that holds lists of texts, beside keys that hold lists of numbers.

    So data name the right answers to a question, and where each begins. "" without such a key.
    """
    values = [_parsed(text) for text in cells if text is not None]
    objects = [pairs for value in values if (pairs := as_object(value)) is not None]
    if not values or len(objects) < len(values):
        return ""
    keys = set[str]().union(*objects)
    texts = {key for key in keys if all(_holds(one.get(key), str) for one in objects)}
    numbers = {key for key in keys if all(_holds(one.get(key), int) for one in objects)} - texts
    return texts.pop() if len(texts) == 1 and numbers == keys - texts != set() else ""


def _holds(value: Any, kind: type) -> bool:
    items = as_list(value)
    return items is not None and all(isinstance(item, kind) for item in items)


def _head(row: Row, name: str) -> str | None:
    """The longest column that the path may lead into."""
    places = [place for place, sign in enumerate(name) if sign == "."]
    return next((name[:place] for place in reversed(places) if name[:place] in row), None)


def _parsed(text: str) -> Any:
    """The object or list that a cell holds; `_ABSENT` where it holds something else."""
    if text.lstrip()[:1] not in ("{", "["):
        return _ABSENT
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _ABSENT


def _at(value: Any, steps: list[str]) -> Any:
    for place, step in enumerate(steps):
        items, pairs = as_list(value), as_object(value)
        if pairs is not None:
            value = pairs.get(step)
        elif items is None:
            return None
        elif not step.removeprefix("-").isdecimal():
            return [_at(item, steps[place:]) for item in items]
        else:
            number = int(step)
            value = items[number] if -len(items) <= number < len(items) else None
    return value
