"""Messages in the language that was chosen when the command started."""

import gettext
import os
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from apo.language.particles import opened, with_particles

LOCALE = Path(__file__).with_name("locale")
DOMAIN = "apo"
WORDS = frozenset({"form", "kind", "role", "state", "verdict", "which", "word"})
"""Places of messages in which one word alone is one of apo's, and no name of the data."""
VARIABLES = ("APO_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""Environment variables that name the language; the first that is set counts."""
BETWEEN = " · "
"""Stands between messages of one line."""
BARE = 12
"""Characters of a message between values, below which these must be figures."""
_SENTENCES = re.compile(r"(?<=[.:!?])\s(?=[^\s\d])")
_END = re.compile(r"(.*\w.*?)(\.|:| \([\d,]+\)|…)", re.DOTALL)
"""What may follow a message that is a part of another: a stop, or how often it was so."""
_WORD = re.compile(r"[^\W\d_]{2,}")


class Shape(NamedTuple):
    """A message with places for values.

    Attributes:
        told: its translation.
        text: its longest part without values, by which it is looked for first.
        weight: characters that are not values; of two messages that fit, the heavier one is meant.
        pattern: what an instance of it looks like, to be compiled when its text was found.
    """

    told: str
    text: str
    weight: int
    pattern: str

    def fits(self, text: str) -> re.Match[str] | None:
        """The values of an instance of the message; None where the text is none."""
        return _compiled(self.pattern).fullmatch(text)


class Catalogue:
    """The messages of one language.

    Attributes:
        language: its code of two letters.
    """

    def __init__(self, language: str) -> None:
        self.language = language[:2].lower()
        found = gettext.translation(DOMAIN, LOCALE, languages=[language])
        entries: dict[object, str] = vars(found)["_catalog"]
        kept = {k: v for k, v in entries.items() if isinstance(k, str) and k and v}
        self._plain = {k: v for k, v in kept.items() if "{" not in k}
        made = (shape(k, opened(v)) for k, v in kept.items() if "{" in k)
        self._shapes = sorted(filter(None, made), key=lambda one: -one.weight)

    def tell(self, text: str) -> str:
        """Translate a text of one or several messages; what is none stays as it is."""
        bare = text.strip()
        if not bare:
            return text
        told = self._whole(bare)
        if told is None:
            sentences = _SENTENCES.split(bare)
            told = self._several(sentences) if len(sentences) > 1 else None
        told = told or self._ended(bare) or self._whole(bare, loose=True) or self._parted(bare)
        before, _, after = text.partition(bare)
        return f"{before}{told}{after}"

    def _whole(self, text: str, *, loose: bool = False) -> str | None:
        """The translation of one message; None where it is none.

        Args:
            text: the message with its values.
            loose: whether a value may be several sentences.
        """
        if (told := self._plain.get(text)) is not None:
            return told
        for one in self._shapes:
            if one.text in text and (match := one.fits(text)):
                values = match.groupdict()
                if any(BETWEEN in value for value in values.values()):
                    continue  # These are several messages, one beside the other.
                if loose or not any(map(_SENTENCES.search, values.values())):
                    given = {name: self._value(name, value) for name, value in values.items()}
                    return with_particles(one.told.format(**given))
        return None

    def _value(self, name: str, value: str) -> str:
        """A value is words of apo where it is several, or stands in a place for such a word."""
        return self.tell(value) if " " in value or name.rstrip("0123456789") in WORDS else value

    def _several(self, sentences: list[str]) -> str | None:
        """The translation of sentences that are messages, one or several each; None if not all."""
        for end in range(len(sentences), 0, -1):
            if (told := self._whole(" ".join(sentences[:end]))) is not None:
                rest = self._several(sentences[end:]) if sentences[end:] else ""
                if rest is not None:
                    return f"{told} {rest}".strip()
        return None

    def _ended(self, text: str) -> str | None:
        """The translation of a message with more at its end; None where it is none."""
        ended = _END.fullmatch(text)
        told = self._whole(ended[1]) if ended else None
        return None if ended is None or told is None else told + ended[2]

    def _parted(self, text: str) -> str:
        """Translate what stands on its own in a text that is no message as a whole."""
        for mark in ("\n", BETWEEN, "; "):
            if mark in text:
                return mark.join(map(self.tell, text.split(mark)))
        sentences = _SENTENCES.split(text)
        return text if len(sentences) == 1 else " ".join(map(self.tell, sentences))


def shape(message: str, told: str) -> Shape | None:
    """How an instance of a message looks; None where it has no word, or a place has no name."""
    parts = [(text, name) for text, name, _, _ in Formatter().parse(message)]
    texts, pattern = [text for text, _ in parts], ""
    bare = not texts[0] and parts[-1][1] is not None and sum(map(len, texts)) < BARE
    for text, name in parts:
        pattern += re.escape(text)
        pattern += "" if name is None else f"(?P<{name}>{_value(name, bare)})"
    if not any(map(_WORD.search, texts)) or "" in (name for _, name in parts):
        return None
    return Shape(told, max(texts, key=len), sum(map(len, texts)), pattern)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _value(name: str, bare: bool) -> str:
    """What may stand in a place: of `s`, which makes a word plural, nothing else; of `n` a figure.

    Between values alone a word or two would fit half of all sentences: there they are figures.
    """
    stem = name.rstrip("0123456789")
    return "s?" if stem == "s" else r"\S*\d\S*?" if bare or stem == "n" else ".*?"


_chosen: list[Catalogue] = []


def use(language: str) -> bool:
    """Speak a language from now on; English where there is no catalogue of it.

    Libraries that look up their own words, such as those of the help, get them from it as well.

    Args:
        language: such as "ko" or "ko_KR.UTF-8"; "" for English.

    Returns:
        Whether there is one.
    """
    known = bool(language) and gettext.find(DOMAIN, LOCALE, [language]) is not None
    told.cache_clear()
    _chosen[:] = [Catalogue(language)] if known else []
    if known:
        gettext.bindtextdomain(DOMAIN, str(LOCALE))
        gettext.textdomain(DOMAIN)
        os.environ["LANGUAGE"] = language
    return known


def wished(environment: Mapping[str, str] = os.environ) -> str:
    """The language that the environment asks for; "" for none."""
    return next((environment[name] for name in VARIABLES if environment.get(name)), "")


def spoken() -> str:
    """The language that was chosen, as pages state it: "en", "ko"."""
    return _chosen[0].language if _chosen else "en"


@lru_cache(maxsize=4096)
def told(text: str) -> str:
    """Translate into the language that was chosen."""
    return _chosen[0].tell(text)


def translated(text: str) -> str:
    """Give words of apo in the language that was chosen; others stay as they are."""
    return told(text) if _chosen else text


def message(text: str) -> str:
    """Mark words that are translated where they are shown."""
    return text
