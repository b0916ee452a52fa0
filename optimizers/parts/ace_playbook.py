"""ACE's playbook: a list of advice that grows by small additions and is never written anew."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from apo.optimizers.parts.likeness import likeness

NOTHING = frozenset(("none", "nothing", "없음", "없습니다"))
"""What a curator says that has nothing to add."""
_MARK = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+")
_COUNTS = re.compile(
    r"\W*(?:helpful|도움|(?P<bad>harmful|방해))\W*(?P<numbers>[\d\s,#.]*)", re.IGNORECASE
)
"""A line such as "helpful: 1, 3"."""


@dataclass(frozen=True)
class Item:
    """A piece of advice, and how often it helped or hurt an answer."""

    text: str
    helpful: int = 0
    harmful: int = 0


@dataclass(frozen=True)
class Playbook:
    """The advice so far, the oldest first."""

    items: tuple[Item, ...] = ()

    @property
    def texts(self) -> list[str]:
        """The advice without its counts."""
        return [item.text for item in self.items]

    def after(self, instruction: str) -> str:
        """Put the advice behind an instruction."""
        lines = [f"- {item.text}" for item in self.items]
        return "\n".join([instruction, "", *lines]) if lines else instruction

    def counted(self, critique: str) -> "Playbook":
        """Count what a critique says of single items, by their numbers."""
        helped, hurt = named(critique)
        return Playbook(
            tuple(
                replace(
                    item, helpful=item.helpful + (k in helped), harmful=item.harmful + (k in hurt)
                )
                for k, item in enumerate(self.items, 1)
            )
        )

    def grown(self, texts: Iterable[str], *, most_alike: float, max_chars: int) -> "Playbook":
        """Add what is new (grow), fold alike advice together and drop what is too much (refine).

        Args:
            texts: new advice.
            most_alike: likeness, 0 to 1, from which a text counts as an item that is there.
            max_chars: characters of all advice; who helped least, the oldest first, goes.
        """
        items = list(self.items)
        for text in texts:
            if all(likeness(text, item.text) < most_alike for item in items):
                items.append(Item(text))
        while items and sum(len(item.text) for item in items) > max_chars:
            items.remove(min(items, key=lambda item: item.helpful - item.harmful))
        return Playbook(tuple(items))


def named(critique: str) -> tuple[set[int], set[int]]:
    """The numbers of the items that helped and that hurt, from lines like "helpful: 1, 3"."""
    found: tuple[set[int], set[int]] = (set(), set())
    for line in critique.splitlines():
        counts = _COUNTS.fullmatch(line.strip())
        if counts:
            found[bool(counts["bad"])].update(map(int, re.findall(r"\d+", counts["numbers"])))
    return found


def listed(reply: str) -> list[str]:
    """The advice in a curator's reply: its marked lines, or each line where none is marked."""
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    marked = [_MARK.sub("", line) for line in lines if _MARK.match(line)]
    return [text for text in marked or lines if text.strip(" .\"'").casefold() not in NOTHING]


def lesson(critique: str) -> str:
    """A critique without what it says of single items."""
    lines = [line for line in critique.splitlines() if not _COUNTS.fullmatch(line.strip())]
    return "\n".join(lines).strip()
