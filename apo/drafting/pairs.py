"""How inputs and targets stand to each other, found in the first rows of data."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rapidfuzz import fuzz

from apo.data.cells import Row
from apo.drafting.talks import as_lines
from apo.reading.lists import written_list

_TURN = re.compile(r"^\[?[^\W\d][^\n:：\]]{0,24}\]?[:：][ \t]*\S", re.MULTILINE)
_ASKS = re.compile(r"[?？]\W*$|[?？]\s")
QUESTIONS = ("question", "query", "질문", "문제", "물음")
_MOST = 4000
"""Letters of a text that are compared: what is nearer than that is nowhere seen later."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """What the rows show together; each share is from 0, none of them, to 1, all of them.

    Attributes:
        near: letters that a target has in common with the input that is most like it, on average.
        ratio: a target's length per that of the longest input, on average.
        length: letters of the longest input, on average.
        within: share of rows whose target stands in an input, word for word.
        asks: share of rows with an input that asks something.
        questions: whether a column of the inputs is named so.
        turns: share of rows with an input in which speakers' names stand before what they say.
        most: words of the longest target, at least 1.
    """

    near: float = 0.0
    ratio: float = 0.0
    length: float = 0.0
    within: float = 0.0
    asks: float = 0.0
    questions: bool = False
    turns: float = 0.0
    most: int = 1


def look_at_pairs(head: Sequence[Row], inputs: Sequence[str], target: str) -> Pairs:
    """Look at the first rows.

    Args:
        head: the rows.
        inputs: the columns of the inputs.
        target: the column of the answers; of several in a cell all count.
    """
    found = [
        (
            [as_lines(text) for name in inputs if (text := (row.get(name) or "").strip())],
            row.get(target),
        )
        for row in head
    ]
    rows = [(texts, answers_of(cell)) for texts, cell in found if texts and cell and cell.strip()]
    if not rows:
        return Pairs()
    words = [len(answer.split()) or 1 for _, answers in rows for answer in answers]
    lengths = [max(map(len, texts)) for texts, _ in rows]
    return Pairs(
        near=fmean(_nearness(texts, answers) for texts, answers in rows),
        ratio=fmean(len(a[0]) / n for (_, a), n in zip(rows, lengths, strict=True)),
        length=fmean(lengths),
        within=fmean(_stands(texts, answers) for texts, answers in rows),
        asks=fmean(any(map(_ASKS.search, texts)) for texts, _ in rows),
        questions=any(name.casefold() in QUESTIONS for name in inputs),
        turns=_share_of_turns([texts for texts, _ in rows]),
        most=max(words),
    )


def answers_of(cell: str) -> list[str]:
    """The texts of a cell: those of a list, else the cell."""
    return [item for item in written_list(cell) or () if item.strip()] or [cell]


def _nearness(texts: Sequence[str], answers: Sequence[str]) -> float:
    return max(fuzz.ratio(t[:_MOST], a[:_MOST]) / 100 for t in texts for a in answers)


def _stands(texts: Sequence[str], answers: Sequence[str]) -> bool:
    return any(
        re.search(rf"(?<!\w){re.escape(answer.strip())}", text, re.IGNORECASE)
        for answer in answers
        for text in texts
    )


def _share_of_turns(rows: Sequence[Sequence[str]]) -> float:
    """Rows that begin with a speaker, where some have several turns; else none do."""
    counts = [max(len(_TURN.findall(text)) for text in texts) for texts in rows]
    opened = [any(_TURN.match(text) for text in texts) for texts in rows]
    return fmean(opened) if sum(count > 1 for count in counts) > len(rows) / 5 else 0.0
