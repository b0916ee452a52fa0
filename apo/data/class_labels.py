"""The names of class labels that the library `datasets` notes in the Parquet files it writes."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from apo.reading.json_text import as_object

KEY = b"huggingface"


def labels_of(metadata: Mapping[bytes, bytes] | None) -> dict[str, Callable[[Any], Any]]:
    """What puts names in the place of the numbers of class labels, by column.

    Args:
        metadata: of the file's schema.
    """
    try:
        noted = as_object(json.loads((metadata or {}).get(KEY, b"{}")))
    except (ValueError, RecursionError):
        return {}
    info = as_object((noted or {}).get("info")) or {}
    found: dict[str, Callable[[Any], Any]] = {}
    for column, kind in (as_object(info.get("features")) or {}).items():
        names = (as_object(kind) or {}).get("names")
        if isinstance(names, list):
            found[column] = partial(_named, tuple(map(str, cast("list[object]", names))))
    return found


def _named(names: tuple[str, ...], value: Any) -> Any:
    """The name of a number; none for one that stands for no label, such as -1."""
    if not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else None
