"""Single letters as answers: A, (B), C. text; the article in "A mammal" is none."""

import re

from apo.patterns import late_pattern

_EXPLICIT = late_pattern(
    r"(?:^|\n)[ \t*_`>\"'“(\[-]{0,6}"
    r"(?:(?:option|choice|answer|antwort|réponse|보기|선택지|정답은?)[ :]{0,3})?"
    r"[*_`\"'“(\[]{0,3}(?P<line>[A-Za-z])[*_`\"'”]{0,2}[.):\]](?![\w.])"
    r"|\((?P<round>[A-Z])\)|\[(?P<square>[A-Z])\]|(?P<start>^[*_` ]{0,3}[A-Z]),\s(?![A-Z]\b)",
    re.IGNORECASE,
)
# After the letters that are words, too, only these show that a letter is meant.
_LETTER_GOES_ON = late_pattern(
    r"[*_`\"'”)\]]{0,3}\s*(?:$|[.,:;!?)\]\n/&|]|[-–—](?:\s|[A-Z](?![^\W_]))|(?:is|was|are|seems|would|because|since|as|and"
    r"|or|but|to|through|bis|for|looks|remains|bleibt|must|should|has|can|ist|wäre|weil|und|oder|est|car|et|ou)\b|[가-힣。，])"
)
_JOINED = late_pattern(
    r"(?<![^\W_])[A-Z][.)\]*_]{1,4},?\s?(?:[/&]|or|and|oder|und|ou|et|또는)\s?[(\[*_]{0,3}([A-Z])(?![^\W_])"
)
"""Another letter right after one that is set off: "C. or D."."""
_ELIDED = late_pattern(r"['’](?:[^\W\d_]{2}|[aàyêe]\b)|[+#]|[-‐][^\W\d_]{2}|\.[A-Z](?![^\W_])")
_ABBREVIATED = late_pattern(r"(?<![^\W_])[A-Z]\.$")
_INITIAL = late_pattern(r"\.\s[A-Z][a-zé]")
_FORENAME = late_pattern(
    r"(?<![^\W_])(?!Answer|Antwort|Option|Choice|Réponse|Letter|Is)[A-Z][a-zé]+\s$"
)
_NAME_BEFORE = late_pattern(
    r"(?:°|(?<![^\W_])(?:vitamine?|hepatitis|plan|figure|table|appendix|step"
    r"|blood (?:type|group))\s)$",
    re.I,
)
WORDS = ("a", "i", "o", "y", "e", "u", "à")
"""Letters that are words in some language: an article, a pronoun, a conjunction."""


def explicit_letters(text: str) -> list[str]:
    """Give the letters that a text sets off as answers: "B.", "(B)", "B: text", "B, text"."""
    found = [
        match["line"] or match["round"] or match["square"] or match["start"].strip(" *_`")
        for match in _EXPLICIT.finditer(text)
    ]
    found += _JOINED.findall(text) if found else []
    return [*dict.fromkeys(letter.upper() for letter in found)]


def is_word(text: str, start: int, end: int) -> bool:
    """Whether what stands from start to end is a letter that is used as a word there."""
    letter = text[start:end].casefold()
    named = _NAME_BEFORE.search(text, max(0, start - 16), start)
    if len(letter) == 1 and (named or _ELIDED.match(text, end) or _is_initial(text, start, end)):
        return True  # The C of "C'est B", vitamin C, 20 °C, C++, D-Day.
    if letter not in WORDS or text[:start].rstrip(" *_`\"'(").endswith((":", "=")):
        return False
    return not _LETTER_GOES_ON.match(text, end)


def _is_initial(text: str, start: int, end: int) -> bool:
    """Whether a letter is one of a name or an abbreviation: Franklin D. Roosevelt, B.C."""
    if _ABBREVIATED.search(text, max(0, start - 3), start):
        return True
    before = _FORENAME.search(text, max(0, start - 24), start)
    return bool(before and _INITIAL.match(text, end))
