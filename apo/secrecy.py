"""What must never be shown or kept: the keys that this process knows, taken out at each door.

The doors are the terminal, the journal and the run's files, which MLflow is fed from. Where an
answer passes one, what is kept is also what is scored, so a resumed run finds the same.
"""

import os
import re
from functools import cache
from urllib.parse import quote

HIDDEN = "***"
SHORTEST = 8
"""Characters; what is shorter stands in many a text by chance."""
_NAMED = re.compile(r"(API_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|_KEY)$")
_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@'\"]*@", re.IGNORECASE)
_BETWEEN = r"[ \t._|·\u200b-]{0,2}"
"""What may stand between the characters of a key that is spelt out."""
_known: set[str] = set()


def keep_secret(*texts: str) -> None:
    """Take texts for secrets from now on; see `is_secret` for those that are not taken."""
    new = {text for text in texts if is_secret(text)} - _known
    if new:
        _known.update(new)
        _pattern.cache_clear()


def is_secret(text: str) -> bool:
    """Whether a key is told from a word: "negative" is a right answer as well, and no secret.

    Returns:
        True for 16 characters and more, and for 8 and more with a digit among them.
    """
    digits = any(character.isdigit() for character in text)
    return len(text) >= (SHORTEST if digits else 2 * SHORTEST) and not text.isspace()


def redact(text: str) -> str:
    """Take all known secrets out: plain, in a URL, in hexadecimal, spelt out, backwards."""
    pattern = _pattern(_environment())
    return text if pattern is None else pattern.sub(HIDDEN, text)


def without_logins(text: str) -> str:
    """Take the logins out of the URLs in a text, known or not."""
    return _LOGIN.sub(rf"\g<1>{HIDDEN}@", text) if "://" in text and "@" in text else text


def _environment() -> frozenset[str]:
    """The values of variables that are named like keys."""
    return frozenset(
        value for name, value in os.environ.items() if _NAMED.search(name) and is_secret(value)
    )


@cache
def _pattern(given: frozenset[str]) -> re.Pattern[str] | None:
    secrets = sorted(_known | given, key=len, reverse=True)
    forms = [form for secret in secrets for form in _forms(secret)]
    return re.compile("|".join(forms), re.IGNORECASE) if forms else None


def _forms(secret: str) -> list[str]:
    spelt = [_BETWEEN.join(map(re.escape, word)) for word in (secret, secret[::-1])]
    return [*spelt, re.escape(quote(secret, safe="")), secret.encode().hex()]
