"""What changes from one text to another, word by word."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

HARDLY = 2
"""Words that may stay the same within one change."""
LONG = 800
"""Words from which common words are left aside when it is looked for what is the same."""
_WORDS = re.compile(r"\s+|[^\W_]+|[\W_]", re.UNICODE)
_WORD = re.compile(r"[^\W_]+")
_Span = tuple[bool, int, int, int, int]
"""Whether both texts are the same there, and where it stands in each."""
_MARKS = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}


def marked(before: str, after: str) -> str:
    """Mark what changes from one text to the other.

    Returns:
        The other text, with [-removed-] and {+added+} words; "" when the texts are equal.
    """
    return "".join(_MARKS[kind].format(text) for kind, text in changed(before, after))


def changed(before: str, after: str) -> list[tuple[str, str]]:
    """Find what changes from one text to the other.

    Returns:
        The parts of both texts in order, each as "same", "removed" or "added" and the text; nothing
        when the texts are equal.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if old == new:
        return []
    # Common words are worth comparing, but take time by the square of the lengths.
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) * len(new) > LONG**2)
    found: list[tuple[str, str]] = []
    for same, a, b, c, d in _readable(matcher.get_opcodes(), old, new):
        if same:
            found.append(("same", "".join(old[a:b])))
            continue
        found += [("removed", "".join(old[a:b]))] if b > a else []
        found += [("added", "".join(new[c:d]))] if d > c else []
    return found


def _readable(
    opcodes: Iterable[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str]
) -> list[_Span]:
    """Join changes between which hardly anything stays, such as a blank or "of".

    Two sentences that have nothing but small words in common would else be torn to pieces.
    """
    spans = [(tag == "equal", a, b, c, d) for tag, a, b, c, d in opcodes]
    at = 1
    while at < len(spans) - 1:
        before, between, after = spans[at - 1 : at + 2]
        if not before[0] and between[0] and not after[0]:
            kept = _n_words(old[between[1] : between[2]])
            room = min(HARDLY, _size(before, old, new) // 2, _size(after, old, new) // 2)
            if kept <= room:
                spans[at - 1 : at + 2] = [(False, before[1], after[2], before[3], after[4])]
                at = max(1, at - 2)
                continue
        at += 1
    return spans


def _size(span: _Span, old: Sequence[str], new: Sequence[str]) -> int:
    return max(_n_words(old[span[1] : span[2]]), _n_words(new[span[3] : span[4]]))


def _n_words(words: Sequence[str]) -> int:
    return sum(1 for word in words if _WORD.match(word))
