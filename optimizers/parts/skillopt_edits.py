"""SkillOpt's edits: lines that add, replace or delete a piece of an instruction."""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from apo.optimizers.parts.ace_playbook import listed

_LINE = re.compile(
    r"[-*•\d.)\s]*(?:(?P<add>add|추가)|(?P<replace>replace|교체)|(?:delete|삭제))\s*[:：]\s*(?P<text>.+)",
    re.IGNORECASE,
)
_ARROW = re.compile(r"\s*(?:=>|⇒|→)\s*")


class Edit(NamedTuple):
    """A change of an instruction.

    Attributes:
        old: what goes, word for word; "" to add at the end.
        new: what comes; "" to delete.
        line: the edit as it was written.
    """

    old: str
    new: str
    line: str


def read_edits(reply: str, most: int) -> list[Edit]:
    """The edits in a reply, each once; lines in no form of an edit are passed over.

    Where no line has a form, as of a small writer, what it says is taken as additions: the lines of
    its list, or all where it makes none.

    Args:
        reply: a line for each edit, the most useful first.
        most: how many are taken.
    """
    found: dict[str, Edit] = {}
    for line in reply.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            continue
        text, shown = match["text"].strip(), line.strip(" -*•")
        if match["add"]:
            edit = Edit("", text, shown)
        elif match["replace"]:
            old, *new = _ARROW.split(text, maxsplit=1)
            if not old or not new or not new[0]:
                continue
            edit = Edit(old, new[0], shown)
        else:
            edit = Edit(text, "", shown)
        found.setdefault(f"{edit.old}\0{edit.new}", edit)
    for text in () if found else listed(reply):
        found.setdefault(text, Edit("", text, f"add: {text}"))
    return list(found.values())[:most]


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Make the edits in their order; what should go and is not there is passed over."""
    for old, new, _ in edits:
        if not old:
            text = f"{text.rstrip()}\n{new}"
        elif old in text:
            text = text.replace(old, new, 1)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def edit_budget(step: int, n_steps: int, most: int, least: int) -> int:
    """How many edits a step may make, by half a cosine from the most to the fewest.

    Args:
        step: from 1.
        n_steps: of the whole search; a single one has the most.
        most: at the start.
        least: at the end.
    """
    if n_steps <= 1:
        return most
    share = min(step, n_steps) / n_steps
    return max(least, round(least + (most - least) * (1 + math.cos(math.pi * share)) / 2))
