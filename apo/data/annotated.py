"""Rows as tools for annotation export them, as rows of what was shown and the label given.

Label Studio writes `data` and a list of `annotations`; Prodigy `accept`, the labels of a row, and
`answer`, whether they hold.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from apo.data.cells import Row, cell
from apo.reading.json_text import as_list, as_object

TARGET = "label"
"""The column that the labels come to stand in."""
_VALUES = ("choices", "text", "rating", "number", "labels")
"""What a result of Label Studio holds, by its kind, the first that is there."""


@dataclass
class Annotated:
    """Turns annotated rows into rows with a target, and counts those that have none.

    Attributes:
        tool: which wrote them.
        rejected: rows that the annotator did not confirm.
        disagreed: rows whose annotators differ; the first one's label is taken.
    """

    tool: str
    rejected: int = 0
    disagreed: int = 0

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Give the rows that were confirmed, with their label last."""
        for row in rows:
            found = self._studio(row) if self.tool == "Label Studio" else self._prodigy(row)
            if found is None:
                self.rejected += 1
            else:
                yield found

    def note(self) -> str:
        """Say what was taken for what, and what was left out."""
        places = {
            "Label Studio": "the input stands in 'data', the target in the results of "
            "'annotations'",
            "Prodigy": "the target stands in 'accept'",
        }
        text = f"The rows are an export of {self.tool}: {places[self.tool]}."
        if self.rejected:
            text += f" Left out, as no annotation holds: {self.rejected}."
        if self.disagreed:
            text += f" Annotators differ on {self.disagreed}: the first one's label is taken."
        return text

    def _studio(self, row: Row) -> Row | None:
        given = [_label(item) for item in _list(row.get("annotations")) if not _cancelled(item)]
        labels = [label for label in given if label is not None]
        if not labels:
            return None
        self.disagreed += any(label != labels[0] for label in labels)
        shown = {name: cell(value) for name, value in _object(row.get("data")).items()}
        return {**shown, TARGET: cell(labels[0])}

    def _prodigy(self, row: Row) -> Row | None:
        accepted = _list(row.get("accept"))
        if row.get("answer") != "accept" or not accepted:
            return None
        shown = {name: value for name, value in row.items() if not _of_prodigy(name)}
        return {**shown, TARGET: cell(accepted[0] if len(accepted) == 1 else accepted)}


def annotated(row: Row) -> Annotated | None:
    """Tell by a row whether a tool for annotation wrote it, and which."""
    if _object(row.get("data")) and as_list(_parsed(row.get("annotations"))) is not None:
        return Annotated("Label Studio")
    said = row.get("answer") in ("accept", "reject", "ignore")
    if said and as_list(_parsed(row.get("accept"))) is not None:
        return Annotated("Prodigy")
    return None


def _of_prodigy(name: str) -> bool:
    """Whether a column holds the tool's own business."""
    return name.startswith("_") or name in ("accept", "answer", "options", "config", "meta")


def _cancelled(annotation: Any) -> bool:
    pairs = as_object(annotation)
    return pairs is None or bool(pairs.get("was_cancelled"))


def _label(annotation: Any) -> Any:
    """What the first result of an annotation says; a list where it says several things."""
    results = as_list((as_object(annotation) or {}).get("result")) or []
    for result in results:
        value = as_object((as_object(result) or {}).get("value")) or {}
        said = next((value[kind] for kind in _VALUES if kind in value), None)
        items = as_list(said)
        if items is not None:
            said = items[0] if len(items) == 1 else items
        if said not in (None, [], ""):
            return said
    return None


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def _list(text: str | None) -> list[Any]:
    return as_list(_parsed(text)) or []


def _object(text: str | None) -> dict[str, Any]:
    return as_object(_parsed(text)) or {}
