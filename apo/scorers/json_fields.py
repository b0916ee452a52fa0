"""The scorer `json`: an object or a list in the answer, compared with the target's."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from apo.reading.answers import plain, quote
from apo.reading.digits import value_of
from apo.reading.json_text import (
    JsonValue,
    answer_json,
    as_list,
    as_object,
    is_note,
    json_values,
    repaired,
)
from apo.task import Example, Score

MAX_PAIRS = 40_000
"""Pairs of items that are compared to find the best match; longer lists go place by place."""


@dataclass(frozen=True, kw_only=True)
class JsonFields:
    """The share of the target's fields, or of its items, that the JSON in the answer has right.

    The last object or list in the answer counts as a whole, also inside ``` fences; where an object
    is due, the last one with a key that is asked for, so that a note after it does not count. One
    that is broken, by a trailing comma or the end of the text, is not well formed: nothing is read
    from within it. A key that was not asked for counts as one more field, a wrong one. Where the
    target is a list, each item counts by its own share, and an item too many or too few as a wrong
    one. Numbers compare as numbers (3 = 3.0 = "3"), texts in plain form (see `answers.plain`), null
    only with null. An answer without JSON, or with an object where a list is due, is not well
    formed and scores 0.

    Attributes:
        fields: the keys that count; empty for all keys of the target. With a list, other keys
            are neither asked for nor held against the answer. In a list, of each object in it.
        ignore_case: upper and lower case in texts are the same.
        ordered: lists must have their items in the target's order.
        repair: broken JSON is mended by the package json-repair, as well as it can guess; the
            answer still counts as not well formed, and the feedback says so.
    """

    fields: tuple[str, ...] = ()
    ignore_case: bool = True
    ordered: bool = True
    repair: bool = False

    def __call__(self, output: str, example: Example) -> Score:
        """Score the share of fields or items that are right, for the target that fits best."""
        try:
            said = unicodedata.normalize("NFC", output)  # Keys, too, may come from a Mac.
            targets = [unicodedata.normalize("NFC", target) for target in example.targets]
            scores = [self._judge(said, target) for target in targets]
        except RecursionError:  # It can be read somewhat deeper than it can be compared.
            return Score(0.0, False, "The answer's JSON is nested too deep.")
        return max(scores, key=lambda score: score.value)

    def _judge(self, output: str, target: str) -> Score:
        wanted = answer_json(target, notes=True)
        if wanted is None or wanted.broken:
            is_strange = re.search(r":\s*-?(?:NaN|Infinity)", target)
            hint = " NaN and Infinity are no JSON: write null." if is_strange else ""
            return Score(0.0, True, f"The target {quote(target)} is no JSON object or list.{hint}")
        items = as_list(wanted.value)
        due = "object" if items is None else "list"
        found = answer_json(output, notes=items == [] or is_note(items))
        if items is None and found is not None and not found.broken:
            found = self._asked_for(output, wanted.value) or found
        if found is None:
            return Score(0.0, False, f"The answer holds no complete JSON {due}.")
        said, mended = found.value, False
        if found.broken:
            said, mended = (repaired(found.text) if self.repair else ""), self.repair
        if not isinstance(said, list if due == "list" else dict):
            how = "is broken, as by single quotes, a trailing comma or a missing end"
            is_what = how if found.broken else f"is no {due}"
            return Score(0.0, False, f"The JSON of the answer {is_what}; a JSON {due} is due.")
        score = self._compare(said, wanted.value)
        if not mended:
            return score
        return Score(
            score.value, False, f"The JSON is broken and was repaired. {score.feedback}".strip()
        )

    def _asked_for(self, output: str, wanted: dict[str, Any]) -> JsonValue | None:
        """The last object of an answer that has a key that is asked for."""
        keys = {*(self.fields or wanted)}
        objects = [f for f in json_values(output) if keys & {*(as_object(f.value) or ())}]
        return objects[-1] if objects else None

    def _compare(self, said: Any, wanted: Any) -> Score:
        if isinstance(wanted, dict):
            value, problems = self._object(said, cast("dict[str, Any]", wanted))
        else:
            value, problems = self._list(said, cast("list[Any]", wanted))
        return Score(1.0) if value == 1 else Score(value, True, "; ".join(problems[:8]) + ".")

    def _object(self, said: dict[str, Any], wanted: dict[str, Any]) -> tuple[float, list[str]]:
        if self.fields:
            wanted = {key: wanted.get(key) for key in self.fields}
            said = {key: value for key, value in said.items() if key in self.fields}
        extra = [key for key in said if key not in wanted]
        wrong = [key for key in wanted if key not in said or not self._same(said[key], wanted[key])]
        total = len(wanted) + len(extra)
        if not total:
            return 1.0, []
        problems = [_problem(key, wanted[key], said) for key in wrong]
        problems += [f"{key} was not asked for" for key in extra]
        return (len(wanted) - len(wrong)) / total, problems

    def _list(self, said: list[Any], wanted: list[Any]) -> tuple[float, list[str]]:
        total = max(len(said), len(wanted))
        if not total:
            return 1.0, []
        pairs = self._matched(said, wanted)
        problems = list[str]()
        value = 0.0
        for i, j in pairs:
            share, wrong = self._item(said[i], wanted[j])
            value += share
            problems += [f"item {j + 1}: {text}" for text in wrong]
        met = {j for _, j in pairs}
        missing = [_json(item) for j, item in enumerate(wanted) if j not in met]
        kept = {i for i, _ in pairs}
        extra = [_json(item) for i, item in enumerate(said) if i not in kept]
        problems = [
            *(f"missing: {item}" for item in missing[:4]),
            *(f"not asked for: {item}" for item in extra[:4]),
            *problems,
        ]
        return value / total, problems

    def _matched(self, said: list[Any], wanted: list[Any]) -> list[tuple[int, int]]:
        """The places of items that belong together, so that most of them are right."""
        if len(said) * len(wanted) > MAX_PAIRS:
            return [(i, i) for i in range(min(len(said), len(wanted)))]
        shares = [[self._item(a, b)[0] for b in wanted] for a in said]
        if self.ordered:
            return _in_order(shares, len(wanted))
        from scipy.optimize import linear_sum_assignment

        if not said or not wanted:
            return []
        rows, columns = linear_sum_assignment(shares, maximize=True)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return [(i, j) for i, j in pairs if shares[i][j]]

    def _item(self, said: Any, wanted: Any) -> tuple[float, list[str]]:
        if isinstance(said, dict) and isinstance(wanted, dict):
            return self._object(cast("dict[str, Any]", said), cast("dict[str, Any]", wanted))
        if self._same(said, wanted):
            return 1.0, []
        return 0.0, [f"expected {_json(wanted)}, the answer said {_json(said)}"]

    def _same(self, a: Any, b: Any) -> bool:
        kinds: set[type[Any]] = {type(a), type(b)}
        if kinds == {str}:
            ignore_case = self.ignore_case
            return plain(a, ignore_case=ignore_case) == plain(b, ignore_case=ignore_case)
        if kinds == {list}:
            return len(a) == len(b) and self._same_items(a, b)
        if kinds == {dict}:
            return a.keys() == b.keys() and all(self._same(a[key], b[key]) for key in a)
        if kinds & {bool, type(None)}:
            return a is b
        one, other = _as_number(a), _as_number(b)
        return one is not None and one == other

    def _same_items(self, a: Sequence[Any], b: Sequence[Any]) -> bool:
        if self.ordered or len(a) * len(b) > MAX_PAIRS:
            return all(map(self._same, a, b))
        left = list(b)
        for item in a:
            place = next((i for i, other in enumerate(left) if self._same(item, other)), None)
            if place is None:
                return False
            del left[place]
        return True


def _in_order(shares: list[list[float]], n_wanted: int) -> list[tuple[int, int]]:
    """The pairs of the highest sum of which each keeps the order of both lists."""
    best = [[0.0] * (n_wanted + 1)]
    for row in shares:
        line = [0.0]
        for j, share in enumerate(row):
            line.append(max(best[-1][j + 1], line[j], best[-1][j] + share))
        best.append(line)
    pairs = list[tuple[int, int]]()
    i, j = len(shares), n_wanted
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def _as_number(value: Any) -> Fraction | int | float | None:
    """The number that a value is or spells, or None."""
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > 300:
        return None
    text = value.strip()
    if re.match(r"-?0\d", text):  # A postal code, an id.
        return None
    negative = text.startswith("-")
    found = value_of(text.removeprefix("-"))
    if found is None:
        return None
    # As JSON reads it, so that "0.1" is 0.1; whole ones, such as long order numbers, stay exact.
    number = int(found) if found.denominator == 1 else float(found)
    return -number if negative else number


def _problem(key: str, wanted: Any, said: dict[str, Any]) -> str:
    if key not in said:
        return f"{key} is missing, expected {_json(wanted)}"
    return f"{key}: expected {_json(wanted)}, the answer said {_json(said[key])}"


def _json(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    return "null" if value is None else quote(repr(value))[1:-1]
