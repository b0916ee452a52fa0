"""Characters that are written in several ways: which texts are the same, and what two differ in."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from apo.patterns import ACTIVE

_FORMS = frozenset(
    f"<{tag}>"
    for tag in (
        *("wide", "narrow", "compat", "noBreak", "small", "vertical"),
        *("initial", "medial", "final", "isolated"),
    )
)
_DOUBLE, _SINGLE, _DASHES = "“”„‟«»〝〞〟", "‘’‚‛‹›ʼ′`´", "‐‑‒–—―−⁃"
_STRAIGHT = str.maketrans(
    {**dict.fromkeys(_DOUBLE, '"'), **dict.fromkeys(_SINGLE, "'"), **dict.fromkeys(_DASHES, "-")}
)


class _Table(dict[int, str]):
    """What each character becomes, by `str.translate`, found out when it is met."""

    def __init__(self, change: Callable[[str], str]) -> None:
        super().__init__()
        self._change = change

    def __missing__(self, code: int) -> str:
        self[code] = self._change(chr(code))
        return self[code]


def _common(sign: str) -> str:
    """The common form of a letter; ², ½ and ① mean something else than 2, 1/2 and 1."""
    tag = unicodedata.decomposition(sign).partition(" ")[0]
    jamo = "\u3131" <= sign <= "\u318e"  # ㄱ as it is typed, not the part of a syllable.
    return unicodedata.normalize("NFKC", sign) if tag in _FORMS and not jamo else sign


def _seen(sign: str) -> str:
    # U+FE0F only asks for the picture of a sign: ❤️ is ❤.
    return "" if unicodedata.category(sign) == "Cf" or sign == "\ufe0f" else sign


_COMMON, _SEEN = _Table(_common), _Table(_seen)


def composed(text: str) -> str:
    """Compose characters (NFC): one form for é, and for Hangul typed on a Mac."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def common(text: str) -> str:
    """Put the common letters for those of full or half width and for ligatures, and compose."""
    return text if text.isascii() else composed(text.translate(_COMMON))


def straight(text: str) -> str:
    """Put straight quotes for curly ones, and hyphens for dashes."""
    return text.translate(_STRAIGHT)


def seen(text: str) -> str:
    """Leave out signs that nobody sees, of no width."""
    return text if text.isascii() else text.translate(_SEEN)


_UNPRINTED = re.compile(rf"\x1b\[[0-?]*[ -/]*[@-~]|[{ACTIVE}]")  # First what colours a terminal.


def printed(text: str) -> str:
    """Leave out what is active in a text, and colour codes whole."""
    return _UNPRINTED.sub("", text.replace("\r\n", "\n"))


def untypeset(text: str) -> str:
    """Bring a text to the form in which it could be typed: all of the above."""
    return straight(common(seen(text)))


_WAYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("signs that nobody sees", seen),
    ("full and half width or ligatures", lambda text: text.translate(_COMMON)),
    ("how letters are composed (NFC and NFD)", composed),
    ("the kind of quotes or dashes", straight),
    ("upper and lower case", str.casefold),
    ("blanks", lambda text: " ".join(text.split())),
    ("a sign at the end", lambda text: text.rstrip(" .,;:。") or text),
)


def differ_in(*texts: str) -> str:
    """Say in words what texts differ in that a reader overlooks; "" where in more than that."""
    ways = [way for _, way in _WAYS]
    if len({_through(ways, text) for text in texts}) > 1:
        return ""
    needed = [
        words
        for words, way in _WAYS
        if len({_through([w for w in ways if w is not way], text) for text in texts}) > 1
    ]
    return " and ".join(needed)


def alike(texts: Sequence[str]) -> list[list[str]]:
    """Give the groups of two texts or more that a reader takes for one."""
    groups = dict[str, list[str]]()
    for text in texts:
        groups.setdefault(_through([way for _, way in _WAYS], text), []).append(text)
    return [group for group in groups.values() if len(group) > 1]


def _through(ways: list[Callable[[str], str]], text: str) -> str:
    for way in ways:
        text = way(text)
    return text


def shown(text: str) -> str:
    """Show the signs of a text that nobody sees, as <U+200B>, and letters that are not composed."""
    text = "".join(c if _seen(c) else f"<U+{ord(c):04X}>" for c in text)
    return text if composed(text) == text else f"{text} (NFD)"
