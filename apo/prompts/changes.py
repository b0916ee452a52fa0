"""What changes from one text to another, word by word."""

import re
from difflib import SequenceMatcher

LONG = 800
"""Words from which common words are left aside when it is looked for what is the same."""
_WORDS = re.compile(r"\s+|[^\W_]+|[\W_]", re.UNICODE)
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
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(old[a:b])))
            continue
        found += [("removed", "".join(old[a:b]))] if b > a else []
        found += [("added", "".join(new[c:d]))] if d > c else []
    return found
