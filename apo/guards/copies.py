"""Finds rows of the data in an instruction: as they are, in part, or nearly as they are.

A text is compared by its letters and digits alone. A run of `RUN` letters that an instruction
shares with a row counts as copied: 50 characters without blanks and signs is the measure of the
GPT-4 technical report (2023, appendix C), about 10 words of English; others take 8 (GPT-2) to 13
words (GPT-3, appendix C). It holds for Korean, where words are not what is copied: a syllable
counts for 2.5 letters, so 20 syllables in a row are a copy. Short rows count when they stand there
as a whole, and rows of which 90 % stand there letter by letter count, too.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from apo.prompts.folding import letters, worth
from apo.task import Example

RUN = 50
"""Letters in a row that make a copy of a part."""
WHOLE = 30
"""Letters from which a whole input counts; shorter ones are words that anybody may use."""
NEAR = 90
"""Per cent of the letters of a row from which it counts as nearly the same."""
COMMON, COMMON_SHARE = 3, 0.02
"""What stands in more rows than that, by number and by share, belongs to no single row."""
MAX_LETTERS = 1_000_000
"""Letters of rows that are compared, to bound the memory: about 30 MB."""
PIECE, WIDE_PIECE = 8, 4
"""Letters of a piece, and where most are worth more, such as in Korean."""
LEAST_THERE = 0.3
"""Share of a row that must be there in whole pieces before it is compared letter by letter."""
LONGEST_NEAR = 2_000
MAX_VERIFIED = 5


class TextRow(NamedTuple):
    """A text of the data: as it is, its letters, how many count as a whole, how long a piece is."""

    text: str
    folded: str
    least: float
    piece: int


class Copies:
    """The rows that must not stand in an instruction.

    Rows are cut into short pieces, side by side; the instruction is looked through for them once.
    Where two pieces of a row stand as far apart as in the row, the run around them is measured;
    and a row of which much is there is compared letter by letter.

    Args:
        examples: whose inputs and long targets are looked for; the first ones as far as
            `MAX_LETTERS` go.
        own: texts of the task itself, such as the seed prompts, which may be said again.
    """

    def __init__(self, examples: Iterable[Example], own: Iterable[str]) -> None:
        self._examples, self._own = examples, [letters(text) for text in own]

    def find(self, text: str) -> str:
        """Give the row that a text copies, in its own words; "" when there is none."""
        folded = letters(text)
        row = next(self._found(folded), None)
        return "" if row is None else row.text

    @cached_property
    def _rows(self) -> list[TextRow]:
        rows: dict[str, TextRow] = {}
        left = MAX_LETTERS
        for example in self._examples:
            texts = [(text, WHOLE) for text in example.inputs.values()]
            for text, least in (*texts, *((target, RUN) for target in example.targets)):
                folded = letters(text)
                left -= len(folded)
                if worth(folded) >= least and folded not in rows:
                    wide = worth(folded) > 1.5 * len(folded)
                    rows[folded] = TextRow(text, folded, least, WIDE_PIECE if wide else PIECE)
            if left < 0:
                break
        return list(rows.values())

    @cached_property
    def _limit(self) -> float:
        return max(COMMON, COMMON_SHARE * len(self._rows))

    @cached_property
    def _pieces(self) -> dict[str, list[tuple[int, int]]]:
        """Row and place of each piece that is not in many rows."""
        pieces: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, row in enumerate(self._rows):
            for start in range(0, len(row.folded) - row.piece + 1, row.piece):
                pieces[row.folded[start : start + row.piece]].append((number, start))
        return {piece: found for piece, found in pieces.items() if len(found) <= self._limit}

    @cached_property
    def _allowed(self) -> set[str]:
        """The rows that the task's own texts hold already."""
        return {row.text for own in self._own for row in self._nearly(own, self._hits(own))}

    def _found(self, folded: str) -> Iterator[TextRow]:
        hits = self._hits(folded)
        for (number, shift), starts in sorted(hits.items()):
            row, end = self._rows[number], 0
            for start in starts if len(starts) > 1 else ():
                if start >= end:
                    run = _run(row.folded, folded, start, start + shift)
                    end = start + len(run)
                    if self._is_copy(run, row):
                        yield row
        for row in self._nearly(folded, hits):
            if row.text not in self._allowed:
                yield row

    def _hits(self, folded: str) -> dict[tuple[int, int], list[int]]:
        """Where pieces of rows stand in a text: by row and shift, their places in the row."""
        hits: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        pieces = self._pieces
        for size in {row.piece for row in self._rows}:
            for place in range(len(folded) - size + 1):
                for number, start in pieces.get(folded[place : place + size], ()):
                    hits[number, place - start].append(start)
        return hits

    def _is_copy(self, run: str, row: TextRow) -> bool:
        whole = run == row.folded and worth(run) >= row.least
        if not whole and worth(run) < RUN:
            return False
        if any(run in own for own in self._own):
            return False
        return sum(run in other.folded for other in self._rows) <= self._limit

    def _nearly(self, folded: str, hits: dict[tuple[int, int], list[int]]) -> Iterator[TextRow]:
        """The rows that stand in a text with few letters changed."""
        from rapidfuzz import fuzz

        there: defaultdict[int, set[int]] = defaultdict(set)
        for (number, _), starts in hits.items():
            there[number].update(starts)
        shares = Counter(
            {n: len(s) * self._rows[n].piece / len(self._rows[n].folded) for n, s in there.items()}
        )
        for number, share in shares.most_common(MAX_VERIFIED):
            row = self._rows[number]
            if share < LEAST_THERE or len(row.folded) > min(LONGEST_NEAR, len(folded) / 0.9):
                continue
            compare = fuzz.partial_ratio if len(row.folded) <= len(folded) else fuzz.ratio
            if compare(row.folded, folded, score_cutoff=NEAR):
                yield row


def _run(row: str, text: str, start: int, place: int) -> str:
    """The letters around a place that two texts share."""
    left = 0
    while left < min(start, place) and row[start - left - 1] == text[place - left - 1]:
        left += 1
    right = 0
    rest = min(len(row) - start, len(text) - place)
    while right < rest and row[start + right] == text[place + right]:
        right += 1
    return row[start - left : start + right]
