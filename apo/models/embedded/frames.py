"""Frames of other frameworks: `[[ ## field ## ]]` markers, and answers in JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

Pair = tuple[str, str]

MARKER = re.compile(r"\[\[ ## (\w+) ## \]\]")
_LISTED = re.compile(r"^\s*\d+\.\s*`(\w+)`", re.MULTILINE)
_NOTES = re.compile(r"(?:one of|Literal\[)[^\n\]]+")
_RESPOND = re.compile(r"Respond with (?:the corresponding output fields|a JSON object)")


@dataclass(frozen=True)
class Frame:
    """The output side of a frame.

    Attributes:
        fields: names of the output fields, in order.
        as_json: the fields are wanted as one JSON object.
    """

    fields: tuple[str, ...]
    as_json: bool = False

    def dress(self, values: Mapping[str, str | Mapping[str, str]], default: str) -> str:
        """Write the fields, objects as JSON; those without a value get the default."""
        filled = {field: values.get(field, default) for field in self.fields}
        if self.as_json:
            return json.dumps(filled, ensure_ascii=False)
        parts = [
            f"[[ ## {field} ## ]]\n"
            + (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for field, value in filled.items()
        ]
        return "\n\n".join([*parts, "[[ ## completed ## ]]"])


def read_frame(opening: str, last: str) -> Frame | None:
    """Read the output fields that a system message declares; None when there is no frame."""
    if not (MARKER.search(opening) and MARKER.search(last)):
        return None
    listed = opening.partition("output fields are:")[2].partition("[[ ##")[0]
    request = _RESPOND.split(last)[-1] if _RESPOND.search(last) else ""
    as_json = "Respond with a JSON object" in last and not MARKER.search(request)
    return Frame(tuple(_LISTED.findall(listed)), as_json)


def framed_instruction(opening: str) -> str:
    """The task description inside a frame, with the allowed answers that the frame lists."""
    before, _, objective = opening.partition("objective is:")
    lines = [line.strip() for line in (objective or opening).strip().splitlines()]
    if notes := _NOTES.findall(before):
        lines.append(notes[-1].replace("one of:", "Answer with one of:"))
    return "\n".join(lines)


def framed_values(text: str) -> dict[str, str]:
    """Read the fields of a turn."""
    parts = MARKER.split(_RESPOND.split(text)[0])
    return {
        name: value.strip()
        for name, value in zip(parts[1::2], parts[2::2], strict=True)
        if name != "completed"
    }
