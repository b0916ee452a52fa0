"""How much text a part of a page may hold, so that the page of a large run stays small."""

from dataclasses import dataclass
from html import escape

from apo.language.catalogue import translated

LONGEST = 1500
"""Characters of one text, such as an input or an answer."""


@dataclass
class Allowance:
    """Counts the bytes that are taken.

    Attributes:
        left: bytes that may still be taken; below 0 once a text went over it.
    """

    left: int

    @property
    def spent(self) -> bool:
        """Whether nothing more may be taken."""
        return self.left <= 0

    def take(self, text: str, most: int = LONGEST) -> str:
        """Take a text, or its beginning with a word on how long it is."""
        shown = (
            text
            if len(text) <= most
            else f"{text[:most]}… ({translated(f'{len(text):,} characters')})"
        )
        self.left -= len(escape(shown).encode("utf-8", "replace"))
        return shown
