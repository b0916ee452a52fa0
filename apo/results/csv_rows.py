"""Rows of figures as CSV, as spreadsheets and data frames read it."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast


def rows_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write a header and a line for each row; "" for no rows.

    A mapping in a cell becomes columns of its own, such as `prompt.instruction`, and a list is
    written as JSON. A text that a spreadsheet would compute gets a ' in front.
    """
    flat = [dict(_flat(row)) for row in rows]
    text = io.StringIO()
    if flat:
        names = dict.fromkeys(name for row in flat for name in row)
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
    return text.getvalue()


def _flat(row: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, Any]", value), f"{above}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{above}{name}", json.dumps(value, ensure_ascii=False)
        else:
            yield f"{above}{name}", _inert(value)


def _inert(value: object) -> object:
    active = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if active else value
