"""Marks in texts that tell where an input came from, and what an answer scored.

Whoever answers in another library takes a template and a row, and apo sends filled messages. So
each value stands between two characters of private use, with its row and field: the template can be
had back. A score that came with an answer goes along behind it. No reader is shown the marks.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from apo.errors import TaskError
from apo.scorers.awaited import Ask
from apo.task import Example, Score

OPEN, CLOSE = "\ue000", "\ue001"
SCORE, END = "\ue002", "\ue003"
FIRST = 0xF0000
"""Character that numbers row 0 and field 0; the plane of private use has 65,534."""
MAX_ROWS = 65_000
_VALUE = re.compile(f"{OPEN}(.)(.)(.*?){CLOSE}", re.DOTALL)
_SCORE = re.compile(f"{SCORE}(.*?){END}", re.DOTALL)


def marked(value: str, row: int, field: int) -> str:
    """A value with its place."""
    return f"{OPEN}{chr(FIRST + row)}{chr(FIRST + field)}{plain(value)}{CLOSE}"


def plain(text: str) -> str:
    """A text without marks: values as they are, and no scores."""
    text = _SCORE.sub("", _VALUE.sub(lambda match: match[3], text))
    return re.sub(f"[{OPEN}{CLOSE}{SCORE}{END}]", "", text)


def row_of(text: str) -> int:
    """The row of the last value in a text.

    Raises:
        TaskError: there is none.
    """
    found = _VALUE.findall(text)
    if not found:
        raise TaskError("The prompt shows no input of the row that it asks about.")
    return ord(found[-1][0]) - FIRST


def template(text: str, row: int, fields: Sequence[str]) -> str:
    """A text with {{variables}} in the place of a row's values; those of others are plain."""

    def place(match: re.Match[str]) -> str:
        if ord(match[1]) - FIRST != row:
            return match[0]
        return f"{{{{{fields[ord(match[2]) - FIRST]}}}}}"

    return plain(_VALUE.sub(place, text))


def with_score(output: str, score: float, reason: str) -> str:
    """An answer with what it scored."""
    return f"{plain(output)}{SCORE}{json.dumps([score, plain(reason)])}{END}"


@dataclass(frozen=True)
class Carried:
    """The scorer of answers that bring their score along."""

    n_calls: ClassVar[int] = 0
    models: ClassVar[tuple[str, ...]] = ()

    async def score(self, output: str, example: Example, ask: Ask) -> Score:
        """Take the score that came with an answer."""
        return carried(output)


def carried(output: str) -> Score:
    """The score that came with an answer; a text that nobody scored is malformed.

    Raises:
        TaskError: it is no number from 0 to 1.
    """
    match = _SCORE.search(output)
    if match is None:
        return Score(0.0, False, "No answer of the program.")
    value, reason = json.loads(match[1])
    if not 0 <= value <= 1:
        raise TaskError(
            f"MLflow's scorers gave {value:g} together, and apo takes 0 to 1: pass "
            "optimize_prompts an aggregation that gives such a number."
        )
    return Score(float(value), True, str(reason))


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as texts; what is no text is JSON."""
    return {
        str(k): v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, default=str)
        for k, v in values.items()
    }
