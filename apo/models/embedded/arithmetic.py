"""Works out word problems: the operation on each number is the one whose cue stands beside it."""

import math
import re
from collections.abc import Sequence

from apo.models.embedded.rules import OPERATIONS, Rules
from apo.models.embedded.text import stem, words
from apo.models.embedded.values import Found, numbers, plain_number

Place = tuple[list[str], list[str]]

_CLAUSE = re.compile(r"[.!?;,]\s|\n|[.!?]$")


def solve(rules: Rules, text: str) -> str:
    """Give the result of the operations that the prompt's cues point to.

    A number without a cue in its clause takes the operation of the question, else it is added. ""
    when the text has no number, or divides by 0.
    """
    found = numbers(text)
    ops = [operation_at(rules, place) for place in places(text, found)]
    value = calculate([number.value for number in found], ops, precedence=rules.precedence)
    return "" if value is None else str(value)


def places(text: str, found: Sequence[Found]) -> list[Place]:
    """For each number: the stems around it, and those of the question.

    Around a number is what stands between the numbers on either side of it, within its clause; the
    question is what follows the last clause that holds a number.
    """
    if not found:
        return []
    last = _CLAUSE.search(text, found[-1].end)
    question = _stems(text[last.end() if last else len(text) :])
    around: list[Place] = []
    for i, number in enumerate(found):
        start = found[i - 1].end if i else 0
        cut = [match.end() for match in _CLAUSE.finditer(text, start, number.start)]
        end = _CLAUSE.search(text, number.end)
        stops = [end.start() if end else len(text), *(f.start for f in found[i + 1 : i + 2])]
        before = text[cut[-1] if cut else start : number.start]
        around.append((_stems(f"{before} {text[number.end : min(stops)]}"), question))
    return around


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words(text)]


def operation_at(rules: Rules, place: Place) -> str:
    """The operation with the most cues beside a number, else in the question, else "add"."""
    for there in place:
        score = {op: _share(rules.cues.get(op, ()), there) for op in OPERATIONS}
        best = max(OPERATIONS, key=lambda op: score[op])
        if score[best] > 0:
            return best
    return "add"


def _share(cues: Sequence[str], there: list[str]) -> float:
    total = 0.0
    for rank, cue in enumerate(cues):
        parts = [stem(word) for word in words(cue)]
        if parts and all(part in there for part in parts):
            total += 1 - 0.5 * rank / len(cues)
    return total


def calculate(
    values: Sequence[int | float | str], ops: Sequence[str], *, precedence: bool = False
) -> int | float | None:
    """Work out a chain of numbers.

    Args:
        values: the numbers.
        ops: the operation of each; those to ignore are left out, and the first that is left
            starts the chain.
        precedence: multiply and divide first, instead of going from left to right.

    Returns:
        The result; None without numbers, for a division by zero or a number beyond all bounds.
    """
    kept = [(float(v), op) for v, op in zip(values, ops, strict=True) if op != "ignore"]
    parts: list[tuple[float, str]] = kept[:1]
    for value, op in kept[1:]:
        if op == "divide" and value == 0:
            return None
        if not precedence or op in {"multiply", "divide"}:
            parts[-1] = (_apply(parts[-1][0], op, value), parts[-1][1])
        else:
            parts.append((value, op))
    total = parts[0][0] if parts else math.nan
    for value, op in parts[1:]:
        total = _apply(total, op, value)
    return plain_number(total) if math.isfinite(total) else None


def _apply(left: float, op: str, right: float) -> float:
    if op == "divide":
        return left / right
    return {"add": left + right, "subtract": left - right, "multiply": left * right}[op]
