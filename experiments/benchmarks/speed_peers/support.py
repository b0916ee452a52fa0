"""What all drivers share: the data, the arguments, the meter. Standard library only.

A driver runs one system in a process of its own, in whatever environment has it:
`python -m experiments.benchmarks.speed_peers.with_dspy evaluate --url …`. Its last line of output
is `RESULT` and a JSON object.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Generator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import Any

from experiments.benchmarks.loopback_answers import LABELS, label_of

PROMPT = (
    f"Classify the support ticket as one of {', '.join(LABELS)}. "
    "Give the label in <final_answer> tags."
)
SEEDS = tuple(
    f"{first} as one of {', '.join(LABELS)}. Give the label in <final_answer> tags."
    for first in (
        "Sort the message",
        "Say which team the ticket is for",
        "Give the ticket its category",
        "Find the right desk for this customer",
        "Name the subject of this message",
    )
)
"""Where a population starts, for systems that take several prompts."""
WARM_UP = 999_999
"""Number of the example that a client is warmed up with."""
WORDS = (
    *("hello", "my", "order", "number", "payment", "is", "late", "the", "page", "shows", "error"),
    *("parcel", "lost", "invoice", "twice", "card", "please", "help", "could", "look", "since"),
    *("monday", "password", "new", "address", "wrong", "amount", "thank", "you", "box", "broken"),
    *("screen", "delivery", "stopped", "working", "again", "nobody", "answers", "mail", "about"),
)


def text_of(number: int) -> str:
    """The input of an example, with the mark that the server knows it by."""
    return f"[[EX:{number}]] {' '.join(Random(number).choices(WORDS, k=45))}"


def examples(n: int, start: int = 0) -> list[tuple[str, str]]:
    """Inputs and labels."""
    return [(text_of(i), label_of(i)) for i in range(start, start + n)]


def body_of(text: str) -> dict[str, Any]:
    """What a bare client sends."""
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": text}]
    return {"model": "mock", "messages": messages, "temperature": 0, "max_tokens": 256}


def right(answer: str, label: str) -> bool:
    """Whether a bare client's answer holds the label."""
    return f"<final_answer>{label}</final_answer>" in answer


def arguments() -> argparse.Namespace:
    """Read what a driver is told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("evaluate", "search"))
    parser.add_argument("--url", required=True, help="of the server, http://127.0.0.1:PORT/v1")
    parser.add_argument("--variant", default="", help="the client or the method")
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--budget", type=int, default=800, help="calls of a search")
    parser.add_argument("--folder", type=Path, required=True, help="for caches and databases")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


@contextlib.contextmanager
def measured(result: dict[str, Any]) -> Generator[None]:
    """Put the wall and CPU seconds of the block, all threads together, into the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        result["wall_s"] = time.perf_counter() - wall
        result["cpu_s"] = time.process_time() - cpu


def finish(result: dict[str, Any], *packages: str) -> None:
    """Print the result with the versions of packages, and end at once, threads or not."""
    found: dict[str, str] = {}
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    print("\nRESULT " + json.dumps({**result, "versions": found}), flush=True)
    sys.stderr.flush()
    os._exit(0)
