"""Faults of the model's server and of the way to it."""

import random
import signal
from dataclasses import replace
from typing import Any

from apo.testing.faults import Faults
from experiments.benchmarks.faults.trial import Happen, Trial, at, send
from experiments.benchmarks.faults.watched import At, Sitting

SHARE = 0.3
SHARES = (
    *("server_error", "unavailable", "overloaded", "request_timeout", "cut", "html", "cut_json"),
    *("null_content", "invalid_utf8", "wrong_type", "empty", "error_body", "drop", "head_only"),
    *("drop_after", "drip"),
)
FAULTS: dict[str, tuple[Faults, tuple[str, ...]]] = {
    **{name: (Faults(**{name: SHARE}), ()) for name in SHARES},  # type: ignore[arg-type]  # shares
    "429": (Faults(rate_limit=SHARE), ()),
    "429 with Retry-After": (Faults(rate_limit=SHARE, retry_after="0.05"), ()),
    "503 with a senseless Retry-After": (Faults(unavailable=SHARE, retry_after="soon"), ()),
    "hang, then time-out": (Faults(hang=SHARE, max_in_a_row=1), ("--timeout", "1.5")),
    "50 MB answer": (Faults(huge=0.1), ()),
    "redirect": (Faults(redirect=0.02), ()),
    "wrong key": (Faults(bad_key=0.02), ()),
    "no credit": (Faults(no_credit=0.02), ()),
    "all at once": (
        Faults(rate_limit=0.1, server_error=0.1, cut=0.1, html=0.1, drop=0.1, empty=0.1),
        (),
    ),
}
"""What goes wrong with which share of the attempts, and flags of `apo optimize` that it takes.

The faults that end a run are rare, so that they come in its middle."""


def misbehaving(faults: Faults, flags: tuple[str, ...]) -> Happen:
    """Let the server misbehave from the start."""

    def happens(trial: Trial, draw: random.Random) -> None:
        trial.optimize(*flags, faults=replace(faults, seed=trial.seed))

    return happens


LIES: dict[str, dict[str, Any]] = {
    "usage that is no number": {"usage": {"prompt_tokens": 2**63, "completion_tokens": "9"}},
    "usage of a million tokens": {"usage": {"prompt_tokens": 10**6, "completion_tokens": 1}},
    "usage below 0": {"usage": {"prompt_tokens": -5, "completion_tokens": None}},
    "headers that are no numbers": {
        "headers": {
            "x-ratelimit-limit-requests": "nan",
            "x-ratelimit-remaining-requests": "-1",
            "x-ratelimit-reset-requests": "9" * 400,
            "x-ratelimit-limit-tokens": "1e308",
            "x-ratelimit-remaining-tokens": "1e308",
            "x-ratelimit-reset-tokens": "1e-9s",
        }
    },
}
"""What the server states with every answer that cannot be true."""
DAY = {
    "x-ratelimit-limit-requests": "12",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "23h",
}
"""Headers that ask to wait for a day."""


def lying(lies: dict[str, Any]) -> Happen:
    """Let the server state what cannot be true, from the start."""

    def happens(trial: Trial, draw: random.Random) -> None:
        trial.optimize(**lies)

    return happens


def day_of_waiting(trial: Trial, draw: random.Random) -> None:
    """Let the server ask for a day of waiting, and end the run while it waits."""
    number = draw.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])

    def refuse_and_send(sitting: Sitting) -> None:
        sitting.server.faults = Faults(rate_limit=1, max_in_a_row=10**9)
        send(number)(sitting)

    trial.optimize(events=[At(draw.randint(2, 8), refuse_and_send)], headers=DAY)


def server_gone(trial: Trial, draw: random.Random) -> None:
    """Let the server hang up on everybody from some answer on."""

    def go(sitting: Sitting) -> None:
        sitting.server.faults = Faults(drop=1, max_in_a_row=10**9)

    trial.optimize(events=at(go, trial, draw))


def no_such_host(trial: Trial, draw: random.Random) -> None:
    """Give an address whose host is in no directory."""
    trial.optimize(url="http://no-such-host.invalid/v1")
