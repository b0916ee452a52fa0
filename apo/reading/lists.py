"""Lists of texts in one cell: as JSON, as Python and numpy print them, or between signs."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, cast

from apo.patterns import late_pattern

SEPARATORS = (";", "|", ",", "\n", "、", "，", "；", "·", "/", "+", "&", "and", "und", "et", "및")
"""What stands between items in one cell, the surest first; words, + and & stand between blanks."""

_SPACED = {"+", "&", "and", "und", "et", "및"}

_TEXT = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_PRINTED = late_pattern(rf"\[\s*(?:{_TEXT}(?:(?:\s*,\s*|\s+){_TEXT})*)?\s*,?\s*\]", re.DOTALL)


def written_list(text: str) -> list[str] | None:
    """Read a text that is a list of texts as JSON, Python or numpy write one; None for others."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return _printed(text)
    items = cast("list[object]", value)
    if isinstance(value, list) and all(isinstance(item, str) for item in items):
        return [str(item) for item in items]
    return None


def _printed(text: str) -> list[str] | None:
    if not _PRINTED.fullmatch(text):
        return None
    try:
        return [str(ast.literal_eval(item)) for item in re.findall(_TEXT, text, re.DOTALL)]
    except (ValueError, SyntaxError, MemoryError):
        return None


def parted(text: str) -> Iterator[list[str]]:
    """Give the ways in which a text can be items between signs, the surest first."""
    for sign in SEPARATORS:
        items = split_at(sign, text)
        if len(items) > 1:
            yield items


def split_at(sign: str, text: str) -> list[str]:
    """Split a text at one of the SEPARATORS."""
    return text.split(f" {sign} " if sign in _SPACED else sign)
