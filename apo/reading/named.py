"""Labels that a text names, and those that it denies."""

import re
from collections.abc import Callable, Sequence
from itertools import islice

from apo.errors import TaskError
from apo.reading.answers import quote
from apo.reading.characters import differ_in, shown
from apo.reading.denial import is_denied, is_supposed
from apo.reading.letters import is_word

MAX_NAMED = 10_000
"""Labels that are looked at in one text, the first ones."""
AROUND = 240
"""Letters before and after a label or mark by which it may be denied."""


def require_different(labels: Sequence[str], key: Callable[[str], str]) -> None:
    """Make sure that there are two labels or more, none blank, which a scorer tells apart.

    Args:
        labels: the allowed answers.
        key: the form in which the scorer compares them.

    Raises:
        TaskError: names two that are the same, and what they differ in.
    """
    if len(labels) < 2:
        raise TaskError(f"A choice needs at least two labels, not {[*labels]}.")
    first = dict[str, str]()
    for label in labels:
        earlier = first.setdefault(key(label), label)
        if not key(label):
            raise TaskError(f"The labels {[*labels]} hold a blank one; take it out.")
        if earlier is not label:
            raise TaskError(_same(earlier, label))


def _same(one: str, other: str) -> str:
    differ = differ_in(one, other) or "signs at the ends"
    if one == other:
        return f"The label {quote(one)} stands twice; take one out."
    case = " Where case makes two labels, say ignore_case: false." if "case" in differ else ""
    return (
        f"The labels {quote(shown(one))} and {quote(shown(other))} differ only in {differ}: make "
        f"them one in the data and under labels.{case}"
    )


def named_and_denied(
    text: str, pattern: re.Pattern[str]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give the places (in the list of labels) of the labels named and denied, each once.

    Args:
        text: any text.
        pattern: of the labels, see `answers.label_pattern`.
    """
    named, denied = dict[int, None](), dict[int, None]()
    alone = text.strip(" \n.*\"'()")
    seen = set[tuple[str, str]]()
    for match in islice(pattern.finditer(text), MAX_NAMED):
        start, end = match.span()
        around = text[max(0, start - AROUND) : start], text[start : end + AROUND]
        if around in seen:  # One word that is repeated to the token limit.
            continue
        seen.add(around)
        if is_word(text, match.start(), match.end()) and alone != match[0]:
            continue
        if is_supposed(text, match.start()):
            continue
        place = int((match.lastgroup or "l0")[1:])
        (denied if is_denied(text, match.start(), match.end()) else named)[place] = None
    return tuple(named), tuple(denied)


def labels_in(text: str, pattern: re.Pattern[str]) -> tuple[int, ...]:
    """Give the places of the labels that a text names and does not deny, each once."""
    named, denied = named_and_denied(text, pattern)
    return tuple(place for place in named if place not in denied)
