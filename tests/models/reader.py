"""What tests of the embedded model, and of what wraps it, ask it."""

import asyncio
import random
import re
from collections.abc import Callable

from apo.model import Completion, Decoding, Message, Model, Request

Pair = tuple[str, str]
LABELS = "Classify the message into one of: billing, refund, login."
CUED = """\
Classify the message into one of: billing, refund, login.
- billing: invoice, charged, card
- refund: money back, return
- login: password, locked
If unsure, answer login. Answer with the label only."""
TOPICS = {
    "food": "soup bread cheese pepper lemon noodles butter onion",
    "travel": "train ticket luggage border ferry hotel map passport",
    "music": "violin chorus drum melody concert singer piano tune",
}


def complete(
    model: Model,
    *messages: Message,
    temperature: float = 0.0,
    seed: int = 0,
    max_tokens: int | None = None,
) -> Completion:
    """Ask a model once."""
    decoding = Decoding(temperature=temperature, max_tokens=max_tokens)
    return asyncio.run(model.complete(Request(messages=messages, decoding=decoding, seed=seed)))


def example(text: str, output: str, answer: str = "") -> str:
    """A row as meta-prompts show it; with what was answered wrongly, if it was."""
    wrong = f"<answer>\n{answer}\n</answer>\n" if answer else ""
    shown = f"<input>\n{text}\n</input>\n<output>\n{output}\n</output>"
    return f"<example>\n{shown}\n{wrong}</example>"


def instruction_in(reply: str) -> str | None:
    """The instruction of a writer's reply."""
    found = re.search(r"<instruction>\n(.+)\n</instruction>", reply, re.DOTALL)
    return found[1] if found else None


def accuracy(say: Callable[..., str], instruction: str, rows: list[Pair]) -> float:
    """The share of rows that are answered rightly under an instruction."""
    said = [say(Message("system", instruction), Message("user", text)) for text, _ in rows]
    return sum(s == target for s, (_, target) in zip(said, rows, strict=True)) / len(rows)


def topics(n: int, seed: int) -> list[Pair]:
    """Sentences that each name three words of one topic."""
    rng = random.Random(seed)
    rows: list[Pair] = []
    for _ in range(n):
        topic = rng.choice(list(TOPICS))
        told = rng.sample(TOPICS[topic].split(), 3)
        rows.append((f"Yesterday the {told[0]} was near the {told[1]} and a {told[2]}", topic))
    return rows
