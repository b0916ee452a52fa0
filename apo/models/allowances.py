"""What is left of a provider's rate limits, read from the headers of its replies.

OpenAI's headers (Groq, Azure, Together and others send the same): x-ratelimit-limit-requests,
-remaining-requests, -reset-requests ("6m0s", "120ms") and the same of tokens. Anthropic's:
anthropic-ratelimit-requests-limit, -remaining, -reset (a date, by the server's clock).
"""

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from apo.model import Allowance

UNITS: tuple[Literal["requests", "tokens"], ...] = ("requests", "tokens")
LONGEST = 86400.0
"""Seconds; a reset further off is taken to be misread."""
_DURATION = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?")
_SECONDS = {"ms": 0.001, "": 1.0}


def read_allowances(headers: Mapping[str, str]) -> tuple[Allowance, ...]:
    """Read what is left; nothing where the provider does not say, or not legibly.

    Args:
        headers: HTTP headers; names are looked up in lower case.
    """
    found: list[Allowance] = []
    for unit in UNITS:
        for first, last in (("x-ratelimit-", f"-{unit}"), (f"anthropic-ratelimit-{unit}-", "")):
            if f"{first}remaining{last}" not in headers:
                continue
            limit = read_number(headers.get(f"{first}limit{last}", ""))
            remaining = read_number(headers.get(f"{first}remaining{last}", ""))
            reset = seconds_until(headers.get(f"{first}reset{last}", ""), _now(headers))
            if limit and remaining is not None and (reset or remaining >= limit):
                found.append(Allowance(unit, limit, min(remaining, limit), reset or 0.0))
    return tuple(found)


def wait_for_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until a limit of which nothing is left is whole again; None without one."""
    return max((a.reset for a in read_allowances(headers) if a.remaining < 1), default=None)


def seconds_until(text: str, now: float) -> float | None:
    """Read a duration ("1m2.5s", "120ms", "30") or a date (RFC 3339); None when it is neither.

    Args:
        text: the header's value.
        now: seconds since the epoch.
    """
    text = text.strip()
    plain = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(ms)?", text)
    parts = _DURATION.fullmatch(text)
    if plain:
        seconds = float(plain[1]) * _SECONDS[plain[2] or ""]
    elif parts and any(parts.groups()):
        hours, minutes, rest = (float(part or 0) for part in parts.groups())
        seconds = 3600 * hours + 60 * minutes + rest
    else:
        try:
            date = datetime.fromisoformat(text)
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
        except (ValueError, OverflowError, OSError):
            return None
    return seconds if 0 < seconds <= LONGEST else None


def _now(headers: Mapping[str, str]) -> float:
    """The server's time, where it says: between two clocks may lie hours."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return time.time()


def read_number(text: str) -> float | None:
    """Read a number that is finite and not below 0; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value >= 0 and math.isfinite(value) else None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a server asks to wait; None when it does not say, or not legibly.

    Args:
        headers: HTTP headers; names are looked up in lower case.
        now: seconds since the epoch.
    """
    milliseconds = read_number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after", "")
    seconds = read_number(asked)
    if seconds is not None:
        return seconds
    try:
        date = parsedate_to_datetime(asked)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return None
