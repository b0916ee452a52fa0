"""What must never be shown or kept: the keys that this process knows, taken out at each door.

The doors are the terminal, the journal and the run's files, which MLflow is fed from. Where an
answer passes one, what is kept is also what is scored, so a resumed run finds the same.
"""

import os
import re
from base64 import b32encode, b64encode, urlsafe_b64encode
from functools import cache
from html import unescape
from typing import cast
from urllib.parse import quote, unquote

HIDDEN = "***"
SHORTEST = 8
"""Characters; what is shorter stands in many a text by chance."""
_NAMED = re.compile(r"(API_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|_KEY)$")
_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@'\"]*@", re.IGNORECASE)
_SIGNS = " \t\r\n._|·,;:/*'\"\u200b-"
_BETWEEN = f"[{re.escape(_SIGNS)}]{{0,4}}"
"""What may stand between the characters of a key that is spelt out."""
_NOTHING = str.maketrans("", "", _SIGNS)
_ESCAPES = re.compile(r"\\+(?:u\{?|x)0*([0-9a-f]{2})\}?|&\#|%(?=[0-9a-f]{2})", re.IGNORECASE)
_known: set[str] = set()
_seen: dict[object, object] = {}
_values: frozenset[str] = frozenset()


def keep_secret(*texts: str) -> None:
    """Take texts for secrets from now on; see `is_secret` for those that are not taken."""
    new = {text for text in texts if is_secret(text)} - _known
    if new:
        _known.update(new)
        _hiding.cache_clear()


def is_secret(text: str) -> bool:
    """Whether a key is told from a word: "negative" is a right answer as well, and no secret.

    Returns:
        True for 16 characters and more, and for 8 and more with a digit among them.
    """
    digits = any(character.isdigit() for character in text)
    return len(text) >= (SHORTEST if digits else 2 * SHORTEST) and not text.isspace()


def redact(text: str) -> str:
    """Take all known secrets out, in each of the forms of `_Hiding`."""
    hiding = _hiding(_environment())
    return text if hiding is None else hiding.hide(text)


def without_logins(text: str) -> str:
    """Take the logins out of the URLs in a text, known or not."""
    return _LOGIN.sub(rf"\g<1>{HIDDEN}@", text) if "://" in text and "@" in text else text


def encoded(secret: str) -> list[str]:
    """A secret in base64, plain and for URLs, and in base32, wherever in a longer text it begins.

    What becomes of it depends on how many bytes stand before it: the characters that it shares
    with its neighbours are left out.
    """
    data, found = secret.encode("utf-8", "surrogatepass"), list[str]()
    for encode, bits, group in ((b64encode, 6, 3), (urlsafe_b64encode, 6, 3), (b32encode, 5, 5)):
        for before in range(group):
            first, last = -(-8 * before // bits), 8 * (before + len(data)) // bits
            found.append(encode(bytes(before) + data).decode()[first:last])
    return list(dict.fromkeys(found))


class _Hiding:
    """Finds secrets: first whether there may be one, which costs little, then where.

    The forms: plain, backwards, spelt with signs between the characters; each character as it is,
    or as JSON, HTML or a URL escape it; in hexadecimal, base64 and base32.
    """

    def __init__(self, secrets: list[str]) -> None:
        whole = [form for s in secrets for form in (s, s[::-1], quote(s, safe=""), *_coded(s))]
        self._signs = list(dict.fromkeys(map(_bare, whole)))
        forms = [form for secret in secrets for form in _forms(secret)]
        self._pattern = re.compile("|".join(forms), re.IGNORECASE)

    def hide(self, text: str) -> str:
        bare = _bare(text)
        if any(sign in bare for sign in self._signs):
            return self._pattern.sub(HIDDEN, text)
        if not ("\\" in text or "&#" in text or "%" in text):
            return text
        bare = _bare(unquote(unescape(_ESCAPES.sub(_unescaped, text))))
        return self._pattern.sub(HIDDEN, text) if any(s in bare for s in self._signs) else text


def _bare(text: str) -> str:
    """A text without what may stand between the characters of a secret, and without capitals."""
    return text.casefold().translate(_NOTHING)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else found[0]


def _environment() -> frozenset[str]:
    """The values of variables that are named like keys; read anew when one has changed."""
    global _seen, _values
    now: object = vars(os.environ).get("_data")  # To compare it takes a microsecond.
    if not isinstance(now, dict) or now != _seen:
        _seen = {**cast("dict[object, object]", now)} if isinstance(now, dict) else {}
        _values = frozenset(
            value for name, value in os.environ.items() if _NAMED.search(name) and is_secret(value)
        )
    return _values


@cache
def _hiding(given: frozenset[str]) -> _Hiding | None:
    secrets = sorted(_known | given, key=len, reverse=True)
    return _Hiding(secrets) if secrets else None


def _coded(secret: str) -> list[str]:
    data = secret.encode("utf-8", "surrogatepass")
    return [data.hex(), "".join(f"0x{byte:02x}" for byte in data), *encoded(secret)]


def _forms(secret: str) -> list[str]:
    spelt = [_BETWEEN.join(map(_character, word)) for word in (secret, secret[::-1])]
    pairs = [f"(?:0x)?{byte:02x}" for byte in secret.encode("utf-8", "surrogatepass")]
    others = [f"{re.escape(form)}[a-z0-9+/_-]?={{0,6}}" for form in encoded(secret)]
    return [*spelt, re.escape(quote(secret, safe="")), _BETWEEN.join(pairs), *others]


def _character(c: str) -> str:
    """A pattern of a character: itself, or as it is escaped in JSON, Python, HTML, a URL."""
    n = ord(c)
    escaped = rf"\\+(?:u(?:00)?|u\{{0*|x){n:02x}\}}?|&\#(?:0*{n}|x0*{n:x});?|%{n:02x}"
    return rf"(?:{re.escape(c)}|{escaped})"
