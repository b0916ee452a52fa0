"""Scorers of answers with several items, for extraction: `set` and `list`."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apo.reading.answers import marked, plain, quote
from apo.reading.json_text import is_note, list_in
from apo.task import Example, Score

_BULLET = re.compile(r"\s*(?:[-*•·‣–—]|\(?\d{1,3}[.)])\s+(?=\S)")
_FENCE = re.compile(r"\s*```")
_COMMA = re.compile(r"[,;，、；]\s*(?!\d{3}(?!\d))")  # Not the one of 1,234.
_NONE = frozenset(("none", "nothing", "n/a", "없음", "해당 없음", "해당없음", "없습니다"))
_MAX_SHOWN = 6


def items_in(text: str) -> list[str] | None:
    """Give the items that an answer lists, or None when it is blank.

    The first of these that is there: the last JSON list, also within an object or ```; lines with
    bullets or numbers, without what stands around them; several lines, one item each, without a
    first one that ends in a colon; the parts of one line between commas or semicolons, of what
    follows "Answer:" where that stands in it (see `answers.marked`). "[]", "None" and "없음" are
    lists without an item.
    """
    found = list_in(text)
    # [1] in a sentence is a note, not a list.
    if found is not None and (not is_note(found) or text.strip().startswith("[")):
        return [_text_of(item) for item in found]
    lines = [line for line in text.splitlines() if line.strip() and not _FENCE.match(line)]
    if not lines:
        return None
    items = [line[match.end() :] for line in lines if (match := _BULLET.match(line))]
    if not items and len(lines) > 1:
        items = lines[1:] if lines[0].rstrip().endswith((":", "：")) else lines
    if not items:
        items = _COMMA.split(next(marked(lines[0]), lines[0]))
    items = [item.strip() for item in items if item.strip()]
    return [] if len(items) == 1 and plain(items[0]) in _NONE else items


def _text_of(item: Any) -> str:
    if isinstance(item, str):
        return item
    return json.dumps(item, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class SetF1:
    """How many of the items of the answer and of the target are the same, in any order.

    The F1 of precision and recall; an item that comes twice counts once. Items compare in plain
    form (see `answers.plain`). How they are read: see `items_in`. A blank answer is not well
    formed.

    Attributes:
        ignore_case: upper and lower case are the same.
    """

    ignore_case: bool = True

    def __call__(self, output: str, example: Example) -> Score:
        """Score the F1 with the target that fits best."""
        return _best(self, output, example)

    def compare(self, said: list[str], wanted: list[str]) -> tuple[float, str]:
        """Give the F1 of two lists of items in plain form, and what is wrong in words."""
        said, wanted = [*dict.fromkeys(said)], [*dict.fromkeys(wanted)]
        return _f1(len({*said} & {*wanted}), said, wanted), _difference(said, wanted)


@dataclass(frozen=True, kw_only=True)
class ListF1:
    """How many of the items of the answer and of the target are the same, in the same order.

    The F1 over the longest common subsequence of the items, which compare in plain form (see
    `answers.plain`). How they are read: see `items_in`. A blank answer is not well formed.

    Attributes:
        ignore_case: upper and lower case are the same.
    """

    ignore_case: bool = True

    def __call__(self, output: str, example: Example) -> Score:
        """Score the F1 with the target that fits best."""
        return _best(self, output, example)

    def compare(self, said: list[str], wanted: list[str]) -> tuple[float, str]:
        """Give the F1 of two lists of items in plain form, and what is wrong in words."""
        from rapidfuzz.distance import LCSseq

        value = _f1(int(LCSseq.similarity(said, wanted)), said, wanted)
        wrong = _difference(said, wanted)
        if value < 1 and not wrong:
            wrong = f"The order is wrong, expected {_shown(wanted)}"
        return value, wrong


def _best(scorer: SetF1 | ListF1, output: str, example: Example) -> Score:
    read = items_in(output)
    if read is None:
        return Score(0.0, False, f"Expected {quote(example.target)}, the answer is empty.")
    said = _plain(read, scorer.ignore_case)
    found = [
        scorer.compare(said, _plain(items_in(target) or [], scorer.ignore_case))
        for target in example.targets
    ]
    value, wrong = max(found, key=lambda pair: pair[0])
    if value == 1:
        return Score(1.0)
    return Score(value, True, f"{wrong}. Overlap of items: {value:.0%}.")


def _plain(items: list[str], ignore_case: bool) -> list[str]:
    return [plain(item, ignore_case=ignore_case) for item in items]


def _f1(same: int, said: Sequence[str], wanted: Sequence[str]) -> float:
    total = len(said) + len(wanted)
    return 2 * same / total if total else 1.0


def _difference(said: list[str], wanted: list[str]) -> str:
    missing = [*(Counter(wanted) - Counter(said)).elements()]
    extra = [*(Counter(said) - Counter(wanted)).elements()]
    told = [f"Missing: {_shown(missing)}"] if missing else []
    told += [f"Not asked for: {_shown(extra)}"] if extra else []
    return ". ".join(told)


def _shown(items: list[str]) -> str:
    more = f" and {len(items) - _MAX_SHOWN} more" if len(items) > _MAX_SHOWN else ""
    return ", ".join(quote(item, 60) for item in items[:_MAX_SHOWN]) + more
