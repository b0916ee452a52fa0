"""Where commands write: people on standard error, documents on standard output."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from apo.errors import ApoError, Interrupted, SettingsError

console = Console(stderr=True, highlight=False)
if not console.is_terminal:
    console.width = 160  # Piped tables are read by programs, which do not like wrapped cells.


def home() -> Path:
    """Folder that holds the runs: --home, APO_HOME, or .apo in the working directory."""
    return Path(os.environ.get("APO_HOME") or ".apo")


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def say(text: str = "", style: str = "") -> None:
    """Write a line for people; brackets in it are only text."""
    console.print(Text(text, style=style), soft_wrap=not console.is_terminal)


def fail(error: ApoError) -> int:
    """Tell an error, and give the exit code: 130 when the user stopped the run, otherwise 1."""
    stopped = isinstance(error, Interrupted)
    word, style = ("stopped", "yellow") if stopped else ("error", "bold red")
    told = Text(f"{word}: ", style=style).append(str(error), style="default")
    console.print(told, soft_wrap=not console.is_terminal)
    if error.run_id and not isinstance(error, SettingsError):  # The same settings fail again.
        say(f"What was paid is kept. Go on with: apo resume {error.run_id}")
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
