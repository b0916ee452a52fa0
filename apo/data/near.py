"""Inputs that are nearly the same: between pools, or with different targets."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from apo.data.sampling import composed_targets, input_id
from apo.prompts.folding import rough
from apo.reading.answers import quote
from apo.task import Example

ALIKE = 95
"""Per cent of the letters that nearly the same inputs share, by rapidfuzz's ratio."""
SHORTEST, LONGEST = 20, 2_000
"""Letters of an input that is compared so: in fewer, one letter may change the meaning."""
SPELLING = 60
"""Per cent of the letters that two spellings of the words that differ must share."""
MAX_COMPARED = 3_000
"""Inputs that are compared with one another letter by letter; it takes the square of them."""

Named = Mapping[str, Sequence[Example]]


@dataclass(frozen=True)
class NearPair:
    """Two examples whose inputs are nearly the same.

    Attributes:
        pools: where they stand.
        first: the one.
        second: the other.
        only_signs: they differ in case, blanks and punctuation alone.
    """

    pools: tuple[str, str]
    first: Example
    second: Example
    only_signs: bool

    @property
    def conflicts(self) -> bool:
        """Whether their targets have nothing in common."""
        return not {*composed_targets(self.first)} & {*composed_targets(self.second)}


def same_but_signs(pools: Named) -> list[NearPair]:
    """Inputs that differ from an earlier one in case, blanks and punctuation alone."""
    first: dict[str, tuple[str, Example]] = {}
    pairs: list[NearPair] = []
    for name, example, folded in _folded(pools):
        pool, earlier = first.setdefault(folded, (name, example))
        if input_id(earlier) != input_id(example):
            pairs.append(NearPair((pool, name), earlier, example, True))
    return pairs


def nearly_same(pools: Named) -> list[NearPair]:
    """Inputs of which `ALIKE` % of the letters are the same, and all numbers.

    Only inputs of about the same length are compared, of the first `MAX_COMPARED`.
    """
    from rapidfuzz import fuzz, process

    found = [item for item in _folded(pools) if SHORTEST <= len(item[2]) <= LONGEST]
    found = sorted(found[:MAX_COMPARED], key=lambda item: len(item[2]))
    texts = [folded for _, _, folded in found]
    numbers = [re.findall(r"\d+", text) for text in texts]
    pairs: list[NearPair] = []
    start = 0
    for i, text in enumerate(texts):
        # With lengths a < b, at most 2a / (a + b) is the same.
        while len(texts[start]) * (200 - ALIKE) < len(text) * ALIKE:
            start += 1
        near = process.extract(
            text, texts[start:i], scorer=fuzz.ratio, score_cutoff=ALIKE, limit=None
        )
        for _, _, place in near:
            j = start + int(place)
            if texts[j] != text and numbers[i] == numbers[j] and _respelt(found[i], found[j]):
                a, b = sorted((found[i], found[j]), key=lambda item: [*pools].index(item[0]))
                pairs.append(NearPair((a[0], b[0]), a[1], b[1], False))
    return pairs


def _respelt(one: tuple[str, Example, str], other: tuple[str, Example, str]) -> bool:
    """Whether words are only spelt another way, added or left out; another name is another input.

    Data are often made of templates, in which one word makes the difference.
    """
    from rapidfuzz import fuzz

    a, b = (Counter(" ".join(e.inputs.values()).casefold().split()) for _, e, _ in (one, other))
    left, right = sorted((a - b).elements()), sorted((b - a).elements())
    return not left or not right or fuzz.ratio(" ".join(left), " ".join(right)) >= SPELLING


def pair_notes(pairs: Sequence[NearPair]) -> Iterator[tuple[NearPair, str]]:
    """Tell pairs that stand in two pools, and those with different targets; one line for each.

    Yields:
        The pair that is shown, and the text.
    """
    across = [pair for pair in pairs if pair.pools[0] != pair.pools[1] and not pair.conflicts]
    for pools in dict.fromkeys(pair.pools for pair in across):
        some = [pair for pair in across if pair.pools == pools]
        pair, (a, b) = some[0], pools
        how = (
            "but for case, blanks and signs" if pair.only_signs else f"in {ALIKE} % of the letters"
        )
        yield (
            pair,
            f"Inputs of {b} that are nearly the same as in {a} ({how}): {len(some)} (such as "
            f"{_show(pair.second)} and {_show(pair.first)}). Scores on them say little about new "
            "inputs: where they say the same, take out one of each.",
        )
    conflicts = [pair for pair in pairs if pair.conflicts]
    if conflicts:
        pair = conflicts[0]
        yield (
            pair,
            f"Inputs that are nearly the same, with different targets: {len(conflicts)} (such as "
            f"{_show(pair.first)}, which is {quote(pair.first.target)}, and {_show(pair.second)}, "
            f"which is {quote(pair.second.target)}). Hardly a prompt is right about both: mend the "
            "target that is wrong, or take one out.",
        )


def _folded(pools: Named) -> Iterator[tuple[str, Example, str]]:
    for name, pool in pools.items():
        for example in pool:
            text = "\n".join(map(rough, example.inputs.values()))
            yield name, example, text if text.strip() else input_id(example)


def _show(example: Example) -> str:
    return quote(" | ".join(example.inputs.values()))
