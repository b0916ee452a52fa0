"""How prompts of a synthetic landscape are written and read."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

SLOTS = ("birch", "cedar", "elder", "hazel", "linden", "maple", "oak", "pine", "rowan", "willow")
OPTIONS = ("blue", "green", "red", "white", "yellow")
OPENERS = ("Answer.", "Please answer.", "Answer with care.", "Give the answer.", "Reply.")

_INPUT = re.compile(rf"\b(?:{'|'.join(SLOTS)}) \d+\b")
_PAIR = re.compile(rf"({_INPUT.pattern})\s+(\w+)")
_LINE = re.compile(r"\bSet (\w+) to (\w+)")


def slot_of(text: str) -> str:
    """The slot that an example's input belongs to."""
    return text.split()[0]


def read_inputs(text: str) -> list[str]:
    """The inputs of examples that stand in a text, in their order."""
    return _INPUT.findall(text)


def shown_pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """The demos in the turns of a chat, wherever they stand: (input, output)."""
    return _PAIR.findall("\n".join(texts))


def read_lines(text: str) -> dict[str, str]:
    """The options that a text sets; the last line on a slot counts."""
    return dict(_LINE.findall(text))


def read_settings(
    instruction: str, shown: Iterable[tuple[str, str]], slots: Sequence[str]
) -> dict[str, str]:
    """The options that a prompt sets: its instruction's, else what most of its demos show.

    Args:
        instruction: the opening text.
        shown: (input, output) of each demo.
        slots: the slots that there are.
    """
    settings = {slot: option for slot, option in read_lines(instruction).items() if slot in slots}
    for slot, option in hinted(shown).items():
        settings.setdefault(slot, option)
    return settings


def hinted(shown: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each slot the option that most of the pairs (input, output) show; of equals the first."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, output in shown:
        option = output.split()[-1].strip(".") if output.split() else ""
        if text.split() and option in OPTIONS:
            found[slot_of(text)][option] += 1
    return {slot: counts.most_common(1)[0][0] for slot, counts in found.items()}


def write_lines(settings: Mapping[str, str]) -> str:
    """The lines that set the options, in order of the slots; what is left open gets none."""
    return "\n".join(f"Set {slot} to {settings[slot]}." for slot in SLOTS if settings.get(slot))


def draw(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    text = " ".join(map(str, parts))
    return int(hashlib.blake2b(text.encode(), digest_size=6).hexdigest(), 16) / 16**12
