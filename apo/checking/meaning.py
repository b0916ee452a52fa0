"""Whether two targets mean the same to a person, who overlooks how they are written."""

import json
import re
import unicodedata
from fractions import Fraction
from functools import lru_cache
from typing import Any

from apo.reading.json_text import answer_json, as_list, as_object
from apo.reading.numbers import whole_number
from apo.reading.said_moment import whole_moment
from apo.scorers.registry import JsonFields, LabelSet, Numeric, SetF1
from apo.task import Scorer

_WORD = re.compile(r"(?:(?<![\w)])-)?\d+(?:[.,:/-]\d+)*|[^\W\d_]+|[%#+/@&]")

READ = 512
"""Targets that are kept as they were read: each is held against many others."""
_number = lru_cache(maxsize=READ)(whole_number)
_moment = lru_cache(maxsize=READ)(whole_moment)


def means_the_same(scorer: Scorer, one: str, other: str) -> bool:
    """Whether a person who was told how the scorer is set would take two targets for one.

    Case, blanks and punctuation mean nothing, 1,000 is 1000, and 1 May 2024 is 2024-05-01.
    """
    a, b = _words(one), _words(other)
    if a == b or (isinstance(scorer, SetF1 | LabelSet) and {*a} == {*b}):
        return True
    decimal = scorer.decimal if isinstance(scorer, Numeric) else "."
    number, as_number = _number(one, decimal), _number(other, decimal)
    if number and as_number:
        close = isinstance(scorer, Numeric) and scorer.tolerance > 0
        return close or number.near(as_number, Fraction(0))
    moment, as_moment = _moment(one, "dmy"), _moment(other, "dmy")
    if moment and as_moment:
        return moment.same(as_moment)
    value = _json(scorer, one)
    return value is not None and value == _json(scorer, other)


@lru_cache(maxsize=READ)
def _words(text: str) -> tuple[str, ...]:
    return (*_WORD.findall(unicodedata.normalize("NFKC", text).casefold()),)


def _json(scorer: Scorer, text: str) -> str | None:
    """A JSON value in one form, without what the scorer does not look at."""
    found = answer_json(text, notes=True)
    if found is None or found.broken:
        return None
    value: Any = found.value
    ordered = not isinstance(scorer, SetF1)
    if isinstance(scorer, JsonFields):
        ordered = scorer.ordered
        if scorer.fields:
            value = _only(value, scorer.fields)
    return _written(value, ordered=ordered).casefold()


def _only(value: Any, keys: tuple[str, ...]) -> Any:
    found = as_list(value)
    if found is not None:
        return [_only(item, keys) for item in found]
    fields = as_object(value)
    return value if fields is None else {key: fields.get(key) for key in keys}


def _written(value: Any, *, ordered: bool) -> str:
    found = as_list(value)
    if found is not None:
        items = [_written(item, ordered=ordered) for item in found]
        return f"[{', '.join(items if ordered else sorted(items))}]"
    fields = as_object(value)
    if fields is not None:
        pairs = sorted(fields.items())
        return ", ".join(f"{key}: {_written(item, ordered=ordered)}" for key, item in pairs)
    return json.dumps(value, ensure_ascii=False)
