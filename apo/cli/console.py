"""Where commands write: people on standard error, documents on standard output."""

import json
import logging
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from apo.errors import ApoError, Interrupted, SettingsError
from apo.secrecy import redact, without_logins

_ACTIVE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Make a text safe for a terminal: what could move its cursor or colour it shows as "�"."""
    return _ACTIVE.sub("\ufffd", text)


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
            if segment.control or not _ACTIVE.search(segment.text):
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Go on where nobody reads any more: calls under way are paid, and the run is kept."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


console = _Console(stderr=True, highlight=False, markup=False, emoji=False)
if not console.is_terminal:
    console.width = 160  # Piped tables are read by programs, which do not like wrapped cells.


def home() -> Path:
    """Folder that holds the runs: --home, APO_HOME, or .apo in the working directory."""
    return Path(os.environ.get("APO_HOME") or ".apo")


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    write_document(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_document(text: str) -> None:
    """Write to standard output, without known keys; a terminal gets nothing that it acts on.
    characters, does not get those.
    """
    text = redact(text)
    shown = printable(text) if sys.stdout.isatty() else text
    sys.stdout.write(shown.encode("utf-8", "replace").decode())


def say(text: str = "", style: str = "") -> None:
    """Write a line for people; brackets in it are only text."""
    console.print(Text(text, style=style), soft_wrap=not console.is_terminal)


class _Told(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage(), "dim")


def listen() -> None:
    """Show people what apo logs of long work, such as reading large data."""
    logger = logging.getLogger("apo")
    if not logger.handlers:
        logger.addHandler(_Told())
        logger.setLevel(logging.INFO)


def fail(error: ApoError) -> int:
    """Tell an error, and give the exit code: 130 when the user stopped the run, otherwise 1."""
    stopped = isinstance(error, Interrupted)
    word, style = ("stopped", "yellow") if stopped else ("error", "bold red")
    told = Text(f"{word}: ", style=style).append(str(error), style="default")
    console.print(told, soft_wrap=not console.is_terminal)
    if error.run_id and not isinstance(error, SettingsError):  # The same settings fail again.
        kept = "What was paid is kept. " if error.paid else ""
        say(f"{kept}Go on with: apo resume {error.run_id}")
    return 130 if stopped else 1


def percent(value: float | None) -> str:
    """Write a share in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def dollars(value: float | None) -> str:
    """Write an amount in US dollars; an unknown one says so."""
    return "price unknown" if value is None else f"${value:.4f}"


def clock(seconds: float) -> str:
    """Write a duration as minutes:seconds, or hours:minutes:seconds."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
