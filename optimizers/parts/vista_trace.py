"""VISTA's trace: which causes were held for the mistakes of which prompt, and what that brought."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

MOST_TOLD = 12
"""Changes that a trace tells; the newest ones."""
_LINE = re.compile(
    r"(?:[-*•]\s*|\d{1,2}[.)]\s*)?[*_\"'`\[(]*(?P<label>\w[\w /-]{0,39}?)[^\w:：]*[:：](?P<text>.*)"
)


@dataclass(frozen=True)
class Hypothesis:
    """What may be the cause of a prompt's mistakes.

    Attributes:
        label: the kind of the cause.
        text: what it is, and how to mend it.
    """

    label: str
    text: str

    def told(self) -> str:
        """The hypothesis in one line."""
        return f"{self.label}: {self.text}"


@dataclass
class Trace:
    """All changes that were tried, in order: the parent's place, the label, the gain, if kept."""

    tried: list[tuple[int, str, float, bool]] = field(
        default_factory=list[tuple[int, str, float, bool]]
    )

    def lines(self, lineage: Collection[int]) -> list[str]:
        """What was tried on some prompts, such as "form: +2 of 8, kept"; the newest last."""
        found = [(label, gain, kept) for i, label, gain, kept in self.tried if i in lineage]
        return [
            f"{label}: {gain:+g}{', kept' if kept else ''}"
            for label, gain, kept in found[-MOST_TOLD:]
        ]


def read_hypotheses(reply: str, n: int) -> list[Hypothesis]:
    """The first n hypotheses of a reply, one a line; a line without a label is of the kind other.

    A line that ends with its colon is a heading.
    """
    found: list[Hypothesis] = []
    for line in filter(None, map(str.strip, reply.splitlines())):
        told = _LINE.match(line)
        if not told:
            found.append(Hypothesis("other", line))
        elif told["text"].strip(" *_"):
            found.append(Hypothesis(told["label"].strip(), told["text"].strip(" *_")))
    return found[:n]
