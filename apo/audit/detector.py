"""Finds texts that carry orders to a model: a list of signs with points (signs.txt).

A reader of patterns, not a judge: it is quick, needs no model, and says which signs it saw. Whoever
knows the list can write around it, so that it marks rows to look at and stops nobody.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

THRESHOLD = 2
"""Points from which a text counts as carrying orders: one plain sign, or two weak ones."""
MAX_LENGTH = 20_000
"""Characters that are looked at: half from the start of a longer text, half from its end."""

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff\ufe00-\ufe0f]")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{24,4000}={0,2}(?![A-Za-z0-9+/])")
_MAX_BLOBS = 5


@dataclass(frozen=True, slots=True)
class Detection:
    """What was seen in a text.

    Attributes:
        points: sum of the points of its signs, from 0.
        signs: their names, each once, in the order of the list.
    """

    points: int
    signs: tuple[str, ...]

    @property
    def injected(self) -> bool:
        """Whether the text counts as carrying orders to a model."""
        return self.points >= THRESHOLD


def detect(text: str) -> Detection:
    """Look for orders to a model in a text, also in what it encodes as base64.

    Invisible characters are left out, and full-width letters read as plain ones. Each pattern
    counts once.
    """
    if len(text) > MAX_LENGTH:
        text = f"{text[: MAX_LENGTH // 2]}\n{text[-MAX_LENGTH // 2 :]}"
    shown = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    whole = "\n".join([shown, *decoded(shown)])
    found = [(points, name) for points, name, pattern in signs() if pattern.search(whole)]
    return Detection(sum(points for points, _ in found), tuple(dict.fromkeys(n for _, n in found)))


@lru_cache
def signs() -> tuple[tuple[int, str, re.Pattern[str]], ...]:
    """The signs of signs.txt: points, name, pattern."""
    found: list[tuple[int, str, re.Pattern[str]]] = []
    name = ""
    for line in (Path(__file__).parent / "signs.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            points, _, pattern = line.partition(" ")
            found.append((int(points), name, re.compile(pattern, re.IGNORECASE | re.MULTILINE)))
    return tuple(found)


def decoded(text: str) -> Iterator[str]:
    """What stands in a text as base64, where it is text again."""
    for blob in _BASE64.findall(text)[:_MAX_BLOBS]:
        try:
            plain = base64.b64decode(blob + "=" * (-len(blob.rstrip("=")) % 4)).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if all(sign.isprintable() or sign.isspace() for sign in plain):
            yield plain
