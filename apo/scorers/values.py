"""Scorers that compare values: `numeric` and `json`."""

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

from apo.errors import TaskError
from apo.scorers.answers import json_in, plain, quote
from apo.scorers.numbers import Number, number_in
from apo.task import Example, Score


@dataclass(frozen=True, kw_only=True)
class Numeric:
    """The number that the answer gives must be the target's, however it is written.

    Which number that is: see `numbers.number_in`. Without a number the answer is not well
    formed. 25% equals 25% and, as texts are free with the sign, also 25 and 0.25.

    Attributes:
        tolerance: the largest difference that still counts as right, at least 0.
    """

    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.tolerance) and self.tolerance >= 0):
            raise TaskError(f"tolerance is {self.tolerance}; it must be a number of at least 0.")

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the number is within the tolerance of a target."""
        said = number_in(output)
        if said is None:
            feedback = f"Expected {quote(example.target)}, the answer gives no number in digits."
            return Score(0.0, False, feedback)
        wanted = [number_in(target) for target in example.targets]
        tolerance = Fraction(str(self.tolerance))
        if any(number and said.near(number, tolerance) for number in wanted):
            return Score(1.0)
        return Score(0.0, True, f"Expected {quote(example.target)}, the answer said {_show(said)}.")


def _show(number: Number) -> str:
    value = number.value
    try:
        text = str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"
    except OverflowError:
        text = f"{value.numerator}/{value.denominator}"
    return quote(text + "%" * number.percent)


@dataclass(frozen=True, kw_only=True)
class JsonFields:
    """The share of the target's fields that the JSON object in the answer has right.

    The last object in the answer counts, also inside ``` fences. A key that was not asked for
    counts as one more field, a wrong one. Numbers compare as numbers (3 = 3.0 = "3"), texts in
    plain form (see `answers.plain`), null only with null, lists and objects part by part.
    An answer without a JSON object is not well formed and scores 0.

    Attributes:
        fields: the keys that count; empty for all keys of the target. With a list, other keys
            are neither asked for nor held against the answer.
        ignore_case: upper and lower case in texts are the same.
    """

    fields: tuple[str, ...] = ()
    ignore_case: bool = True

    def __call__(self, output: str, example: Example) -> Score:
        """Score the share of fields that are right, for the target that fits best."""
        said = json_in(output)
        if said is None:
            return Score(0.0, False, "The answer holds no complete JSON object.")
        try:
            scores = [self._score(said, target) for target in example.targets]
        except RecursionError:  # It can be read somewhat deeper than it can be compared.
            return Score(0.0, False, "The answer's JSON is nested too deep.")
        return max(scores, key=lambda score: score.value)

    def _score(self, said: dict[str, Any], target: str) -> Score:
        wanted = json_in(target)
        if wanted is None:
            return Score(0.0, True, f"The target {quote(target)} is no JSON object.")
        if self.fields:
            wanted = {key: wanted.get(key) for key in self.fields}
            said = {key: value for key, value in said.items() if key in self.fields}
        extra = [key for key in said if key not in wanted]
        wrong = [key for key in wanted if key not in said or not self._same(said[key], wanted[key])]
        total = len(wanted) + len(extra)
        if not total or not wrong + extra:
            return Score(1.0)
        problems = [_problem(key, wanted[key], said) for key in wrong]
        problems += [f"{key} was not asked for" for key in extra]
        return Score((len(wanted) - len(wrong)) / total, True, "; ".join(problems[:8]) + ".")

    def _same(self, a: Any, b: Any) -> bool:
        kinds: set[type[Any]] = {type(a), type(b)}
        if kinds == {str}:
            ignore_case = self.ignore_case
            return plain(a, ignore_case=ignore_case) == plain(b, ignore_case=ignore_case)
        if kinds == {list}:
            return len(a) == len(b) and all(map(self._same, a, b))
        if kinds == {dict}:
            return a.keys() == b.keys() and all(self._same(a[key], b[key]) for key in a)
        if kinds & {bool, type(None)}:
            return a is b
        return _as_number(a) == _as_number(b)


def _as_number(value: Any) -> float | int:
    """The number that a value is or spells; something that equals nothing if it is none."""
    if isinstance(value, int | float):
        return value
    for read in (int, float):  # int first: long numbers such as order numbers stay exact.
        try:
            return read(value.replace(",", ""))
        except (AttributeError, ValueError):
            continue
    return float("nan")


def _problem(key: str, wanted: Any, said: dict[str, Any]) -> str:
    if key not in said:
        return f"{key} is missing, expected {_json(wanted)}"
    return f"{key}: expected {_json(wanted)}, the answer said {_json(said[key])}"


def _json(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    return "null" if value is None else quote(repr(value))[1:-1]
