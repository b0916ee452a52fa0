"""Rows of evaluations, as MLflow holds them: objects of inputs and expectations, made columns."""

import json
from collections.abc import Sequence
from typing import Any

from apo.data.cells import Row, cell
from apo.reading.json_text import as_object

PARTS = ("inputs", "expectations")
NOTE = (
    "The columns 'inputs' and 'expectations' hold objects, as in MLflow: each of their keys is a "
    "column now."
)


def flat_rows(rows: Sequence[Row]) -> list[Row] | None:
    """Rows with a column for each key of their inputs and expectations; None where they are others.

    So they are where a row lacks one of the two, or both have a key of one name.
    """
    found = list[Row]()
    for row in rows:
        inputs, expected = (_object(row.get(part)) for part in PARTS)
        if not inputs or not expected or inputs.keys() & expected.keys():
            return None
        found.append({key: cell(value) for key, value in {**inputs, **expected}.items()})
    names = dict.fromkeys(name for row in found for name in row)
    return [{name: row.get(name) for name in names} for row in found] or None


def _object(text: str | None) -> dict[str, Any] | None:
    try:
        return as_object(json.loads(text or ""))
    except (ValueError, RecursionError):
        return None
