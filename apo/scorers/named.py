"""Labels that a text names, and those that it denies."""

import re
from itertools import islice

from apo.scorers.denial import is_denied
from apo.scorers.letters import is_word

MAX_NAMED = 10_000
"""Labels that are looked at in one text, the first ones."""


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
    for match in islice(pattern.finditer(text), MAX_NAMED):
        if is_word(text, match.start(), match.end()) and alone != match[0]:
            continue
        place = int((match.lastgroup or "l0")[1:])
        (denied if is_denied(text, match.start(), match.end()) else named)[place] = None
    return tuple(named), tuple(denied)


def labels_in(text: str, pattern: re.Pattern[str]) -> tuple[int, ...]:
    """Give the places of the labels that a text names and does not deny, each once."""
    named, denied = named_and_denied(text, pattern)
    return tuple(place for place in named if place not in denied)
