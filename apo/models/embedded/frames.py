"""Frames of other frameworks: `[[ ## field ## ]]` markers, and examples in JSON or Markdown."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from apo.models.embedded.text import mentions

Pair = tuple[str, str]

MARKER = re.compile(r"\[\[ ## (\w+) ## \]\]")
_LISTED = re.compile(r"^\s*\d+\.\s*`(\w+)`", re.MULTILINE)
_NOTES = re.compile(r"(?:one of|Literal\[)[^\n\]]+")
_RESPOND = re.compile(r"Respond with (?:the corresponding output fields|a JSON object)")
_INPUTS = re.compile(r"^#{1,6} Inputs\s*?$", re.MULTILINE)
_OUTPUTS = re.compile(r"^#{1,6} Generated Outputs\s*?$", re.MULTILINE)
_FEEDBACK = re.compile(r"^#{1,6} Feedback\s*?$", re.MULTILINE)
_RECORD_END = re.compile(r"^(?:# |```)", re.MULTILINE)


@dataclass(frozen=True)
class Frame:
    """The output side of a frame.

    Attributes:
        fields: names of the output fields, in order.
        as_json: the fields are wanted as one JSON object.
    """

    fields: tuple[str, ...]
    as_json: bool = False

    def dress(self, values: Mapping[str, str], default: str) -> str:
        """Write the fields; those without a value get the default."""
        filled = {field: values.get(field, default) for field in self.fields}
        if self.as_json:
            return json.dumps(filled, ensure_ascii=False)
        parts = [f"[[ ## {field} ## ]]\n{value}" for field, value in filled.items()]
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


def shown_pairs(text: str, names: Sequence[str]) -> tuple[Pair, ...]:
    """Find examples that another framework shows, as (input, right answer).

    Known are JSON lists and Markdown records of inputs, generated outputs and feedback, and blocks
    of "Field: value" lines that end in a label. With feedback, the right answer is the one that
    the feedback names; without, the generated one.
    """
    records = [_record(_RECORD_END.split(part, 1)[0]) for part in _INPUTS.split(text)[1:]]
    records += [record for line in text.splitlines() for record in _json_records(line)]
    pairs = [(inputs, _named(feedback or outputs, names)) for inputs, outputs, feedback in records]
    for block in re.split(r"\n\s*\n", text):
        inputs, _, last = block.strip().rpartition("\n")
        label = last.partition(":")[2].strip()
        if inputs and label in names:
            pairs.append((inputs, label))
    return tuple((inputs.strip(), answer) for inputs, answer in pairs if answer)


def _record(part: str) -> tuple[str, str, str]:
    inputs, _, rest = _OUTPUTS.sub("\0", part, count=1).partition("\0")
    outputs, _, feedback = _FEEDBACK.sub("\0", rest, count=1).partition("\0")
    return inputs, outputs, feedback.strip()


def _json_records(line: str) -> list[tuple[str, str, str]]:
    if not line.startswith("[{"):
        return []
    try:
        rows: list[Any] = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return [
        (_flat(row, "Inputs"), _flat(row, "Generated Outputs"), _flat(row, "Feedback"))
        for row in rows
    ]


def _flat(row: Any, key: str) -> str:
    value = cast(dict[str, Any], row).get(key, "") if isinstance(row, dict) else ""
    values = cast(dict[str, Any], value).values() if isinstance(value, dict) else [value]
    return "\n".join(map(str, values))


def _named(text: str, names: Sequence[str]) -> str:
    named = [name for name in names if mentions(text, name)]
    return named[0] if len(named) == 1 else ""
