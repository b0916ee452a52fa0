"""Texts of options in other forms: "decreases" for Decrease, "Zola" for Émile Zola."""

import re
import unicodedata
from functools import lru_cache

from apo.patterns import late_pattern
from apo.reading.denial import is_denied, is_supposed
from apo.reading.option_lines import Option

_ENDING = r"(?:e?s|e?d|ing)?"
_FULL_NAME = late_pattern(
    r"(?:[A-Z][^\W\d_]+\s(?:(?:de|da|von|van|der|di|le|la)\s)*)+[A-Z][^\W\d_]{3,}"
)


def options_alike(text: str, options: tuple[Option, ...]) -> tuple[int, ...]:
    """Give the options whose words a text has, maybe in another form; accents do not count.

    Words may have another ending; a full name may be its last word.
    """
    plain = _unaccented(text)
    return tuple(
        place
        for place, pattern in enumerate(_patterns(options))
        if any(
            not is_denied(plain, *match.span(), option=True)
            and not is_supposed(plain, match.start())
            for match in pattern.finditer(plain)
        )
    )


@lru_cache(maxsize=4096)
def _patterns(options: tuple[Option, ...]) -> tuple[re.Pattern[str], ...]:
    last = [_last_name(option) for option in options]
    found = list[re.Pattern[str]]()
    for option, name in zip(options, last, strict=True):
        words = re.findall(r"\w+", _unaccented(option.key))
        whole = r"\W+".join(re.escape(word) + _ENDING for word in words)
        forms = [f"(?i:{whole})"] if re.search(r"[^\W\d_]{3}", option.key) else []
        if name and last.count(name) == 1:
            forms.append(name)
        found.append(re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)" if forms else r"(?!)"))
    return tuple(found)


def _last_name(option: Option) -> str:
    name = _unaccented(option.text).strip()
    return re.escape(name.split()[-1]) if _FULL_NAME.fullmatch(name) else ""


def _unaccented(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    parts = re.sub("(?i)can['’]t", "cannot", parts)
    kept = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", kept)
