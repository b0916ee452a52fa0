"""Where commands write: results on standard output, progress and notes on standard error.

`tell` writes a part of the result, `say` a note, both in the user's language: a string is words of
apo, and what others wrote comes as a `Text`. `print_json` and `write_document` write a result that
programs read, in English.
"""

import io
import json
import logging
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from apo.display.figures import clock as clock
from apo.display.figures import dollars as dollars
from apo.display.figures import is_printable, printable
from apo.display.figures import percent as percent
from apo.errors import ApoError, Interrupted, RunError, SettingsError
from apo.language.catalogue import message, translated
from apo.results.csv_rows import rows_csv
from apo.secrecy import redact, without_logins

K = TypeVar("K")
_ENDS = re.compile(r"[ \t]+$", re.MULTILINE)
UNCUT = 10_000
"""Width where there is no terminal."""
NEXT = 16
"""Columns that the name of a next step takes."""


def _safe(text: str) -> str:
    return without_logins(redact(text))


class _Console(Console):
    """A console on which texts of data, models and servers are only text."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render; escape sequences that stand in a text, and are not rich's own, are broken up.

        Keys and logins go before a text is wrapped, which would part them.
        """
        if isinstance(renderable, Text) and (shown := _safe(renderable.plain)) != renderable.plain:
            renderable = Text(shown, style=renderable.style)
        for segment in super().render(renderable, options):
            if segment.control or is_printable(segment.text):
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Go on where nobody reads any more: calls under way are paid, and the run is kept."""
        self.quiet = True
        _silence(sys.stderr)


def _silence(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Output(io.TextIOBase):
    """Standard output, for a console."""

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def fileno(self) -> int:
        return sys.stdout.fileno()

    def write(self, text: str) -> int:
        """Write a part; a character that the encoding lacks is spelt out."""
        encoding = sys.stdout.encoding or "utf-8"
        shown = text.encode(encoding, "backslashreplace").decode(encoding)
        if not results.is_terminal:
            shown = _ENDS.sub("", shown)
        _write(shown)
        return len(text)


def _console(file: TextIO | None, *, stderr: bool = False) -> Console:
    """A console as wide as the terminal or COLUMNS; where programs read, no line is cut."""
    made = _Console(file=file, stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
        made.width = UNCUT
    return made


results = _console(cast("TextIO", _Output()))
notes = _console(None, stderr=True)


def home() -> Path:
    """Folder that holds the runs: --home, APO_HOME, or .apo in the working directory.

    Raises:
        SettingsError: it is a file.
        TrustError: it is a link, or holds one, and that is not allowed.
    """
    from apo.storage.folder import require_home

    folder = Path(os.environ.get("APO_HOME") or ".apo")
    if folder.is_file():
        raise SettingsError(f"{folder} is a file; --home and APO_HOME name a folder.")
    return require_home(folder)


def one_form(*, json: bool, csv: bool) -> bool:
    """Whether a program reads the result.

    Raises:
        SettingsError: both forms are wanted at once.
    """
    if json and csv:
        raise SettingsError("Give --json or --csv, not both.")
    return json or csv


def kept(keep: Callable[[], K]) -> K | None:
    """Keep what was found; where that cannot be written, it is said, and still told here."""
    try:
        return keep()
    except RunError as error:
        say(f"{error} What was found is told here, and not kept.", "yellow")
        return None


def print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table to standard output, as CSV."""
    write_document(rows_csv(rows))


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    whole = (sys.stdout.encoding or "").lower().startswith("utf")
    write_document(json.dumps(value, ensure_ascii=not whole, indent=2) + "\n")


def write_document(text: str) -> None:
    """Write a text as it is, but for known keys; a terminal gets nothing that it acts on.

    Raises:
        SettingsError: standard output cannot hold it, or cannot be written.
    """
    text = redact(text)
    shown = printable(text) if sys.stdout.isatty() else text
    _write(shown.encode("utf-8", "replace").decode())


def _write(text: str) -> None:
    """Write to standard output; where its reader has gone (head, less), there is nobody to tell."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except UnicodeEncodeError as error:
        raise SettingsError(
            f"Standard output is in {error.encoding}, which has no {text[error.start]!r}. Set "
            "PYTHONIOENCODING=utf-8."
        ) from error
    except OSError as error:
        _silence(sys.stdout)
        raise SettingsError(f"Cannot write to standard output: {error.strerror}.") from error


def tell(part: RenderableType = "", style: str = "") -> None:
    """Write a part of the result to standard output: a line, or a table; brackets are only text.

    In a pipe or a file a line is not wrapped, and has no blanks at its end.
    """
    if isinstance(part, str):
        part = translated(part)
        results.print(Text(part, style=style), soft_wrap=not results.is_terminal)
        return
    if isinstance(part, Table):
        part.title = translated(part.title) if isinstance(part.title, str) else part.title
        for column in part.columns:
            head = column.header
            column.header = translated(head) if isinstance(head, str) else head
            if not column.no_wrap:  # Rich cuts a line of wide letters that has a blank at its end.
                column.overflow = "fold"
    results.print(part)


def tell_pairs(pairs: Iterable[tuple[str, str, str]]) -> None:
    """Write lines of a name and a text to standard output, each with its style, texts aligned."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, text, style in pairs:
        table.add_row(Text(translated(name), style), Text(translated(text), style))
    tell(table)


def tell_framed(text: Text, title: str) -> None:
    """Write a text with its title to standard output: in a frame on a terminal, plain elsewhere."""
    if results.is_terminal:
        return tell(Panel(text, title=Text(translated(title)), title_align="left"))
    tell(f"{translated(title)}:")
    results.print(Text(text.plain), soft_wrap=True)
    return tell()


def say(text: str = "", style: str = "") -> None:
    """Write a note to standard error; brackets in it are only text."""
    notes.print(Text(translated(text), style=style), soft_wrap=not notes.is_terminal)


def say_next(what: str, command: str) -> None:
    """Write what may be done next to standard error, and the command for it, to be copied."""
    say(f"{padded(translated(what) + ':', NEXT)} {command}")


def padded(name: str, width: int) -> str:
    """A name in the user's language, with blanks up to so many columns of a terminal."""
    told = translated(name)
    return told + " " * (width - cell_len(told))


class _Told(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if (text := record.getMessage()) not in self._said:
            self._said.add(text)
            say(text, "yellow" if record.levelno >= logging.WARNING else "dim")


def listen() -> None:
    """Say once what apo logs, such as that it is reading large data."""
    logger = logging.getLogger("apo")
    logger.handlers = [h for h in logger.handlers if not isinstance(h, _Told)] + [_Told()]
    logger.setLevel(logging.INFO)


def fail(error: ApoError) -> int:
    """Tell an error, and give the exit code.

    Returns:
        130 when the user stopped the run, 3 when it overspent, otherwise 1.
    """
    stopped = isinstance(error, Interrupted)
    word, style = (message("stopped"), "yellow") if stopped else (message("error"), "bold red")
    told = Text(f"{translated(word)}: ", style=style)
    told.append(translated(str(error)), style="default")
    notes.print(told, soft_wrap=not notes.is_terminal)
    if error.run_id and not isinstance(error, SettingsError):  # The same settings fail again.
        kept = message("What was paid is kept. ") if error.paid else ""
        way = message(f"Go on with: apo resume {error.run_id}")
        say(f"{kept}{way}")
    if error.overspent and error.overspent not in str(error):
        say(error.overspent, "bold red")
    return 130 if stopped else 3 if error.overspent else 1


def typed(path: str | Path) -> str:
    """Write a path as one types it in a command: blanks quoted, and no dash in front.

    Letters of any script need no quotes in a shell, though `shlex` gives them some.
    """
    text = str(path)
    text = f"./{text}" if text.startswith("-") else text
    return text if re.fullmatch(r"[\w./+-]+", text) else shlex.quote(text)
