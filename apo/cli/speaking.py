"""The language of a command: chosen when it starts, from APO_LANG or the locale."""

import sys
from typing import Any

from apo.language.catalogue import use, wished

PROGRAMS = frozenset({"--json", "--csv"})
"""Options by which a program reads the result: all is in English then."""


def speak() -> bool:
    """Choose the language of this process.

    Returns:
        Whether it is another than English.
    """
    language = wished()
    readable = PROGRAMS.isdisjoint(sys.argv) and _writes(language)
    return use(language if readable else "")


def _writes(language: str) -> bool:
    """Whether both outputs hold the letters of a language."""
    letters = {"ko": "가"}.get(language[:2].lower(), "")
    try:
        for stream in (sys.stdout, sys.stderr):
            letters.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def translate_help(command: Any) -> None:
    """Put the help of a command, of its options and of its commands into the language."""
    from apo.language.catalogue import translated

    for thing in (command, *command.params):
        for name in ("help", "short_help", "rich_help_panel"):
            if isinstance(text := getattr(thing, name, None), str):
                setattr(thing, name, translated(text))
    for inner in getattr(command, "commands", {}).values():
        translate_help(inner)
