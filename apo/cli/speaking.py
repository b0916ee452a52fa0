"""The language of a command: chosen when it starts, from APO_LANG or the locale."""

import sys
from typing import Any

import typer

from apo.language.catalogue import translated, use, wished

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
    """Put the help of a group, its options and the lines of its commands into the language.

    What typer says of wrong arguments as well.
    """
    from rich.text import Text
    from typer import rich_utils

    option = command.get_help_option(typer.Context(command, help_option_names=["-h", "--help"]))
    for thing in (command, option, *command.params, *command.commands.values()):
        translate_texts(thing)
    plain: Any = rich_utils.highlighter

    def told(text: object) -> Any:
        return plain(translated(text) if isinstance(text, str) else text)

    setattr(rich_utils, "highlighter", told)  # noqa: B010 (usage and its errors go through it)
    setattr(Text, "rstrip_end", _without_blanks)  # noqa: B010


def _without_blanks(line: Any, width: int) -> None:
    """Take blanks that stand beyond a width off the end of a line.

    Rich counts letters for the width, and not the two cells that a wide one takes: it leaves the
    blank, finds the line too long, and writes … for its last word.
    """
    blanks = len(line.plain) - len(line.plain.rstrip())
    if beyond := max(0, min(blanks, line.cell_len - width)):
        line.right_crop(beyond)


def translate_texts(thing: Any) -> None:
    """Put what is said of a command or an option into the language, where one was chosen."""
    for name in ("help", "short_help", "rich_help_panel"):
        if isinstance(text := getattr(thing, name, None), str):
            setattr(thing, name, translated(text))
