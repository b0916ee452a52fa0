"""Regular expressions that are compiled when they are first used.

What reads answers has hundreds of them, some with long lists of words. Compiling all when their
modules are imported took a third of a second of each command, of which hardly one uses them all.
"""

import re
from functools import cached_property
from typing import Any, cast

ACTIVE = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""For between brackets: control characters but for line ends and tabs, and what turns the
direction of text; a cursor moves by them, and letters stand in another order than they are read."""


def late_pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Give what `re.compile` gives, as far as its methods and attributes go.

    It is no instance of `re.Pattern`: call its methods, and do not hand it to functions of `re`.

    Args:
        source: a regular expression; one that is none is found out when it is first used.
        flags: as for `re.compile`.
    """
    return cast("re.Pattern[str]", _Late(source, flags))


class _Late:
    """Fetches each method of the compiled pattern once; from then on it is an attribute."""

    def __init__(self, source: str, flags: int) -> None:
        self.pattern = source
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self._flags)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Nothing of a pattern; what copies or prints may ask for it.
            raise AttributeError(name)
        found = getattr(self._compiled, name)
        setattr(self, name, found)
        return found
