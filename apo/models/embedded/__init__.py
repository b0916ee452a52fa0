"""A small deterministic model that reads its prompt: a bag-of-words reader, not an LLM.

It lets the whole product run with no key and no network. What it answers is decided by what the
prompt says: allowed answers, cue words tied to them, demos, the form of the answer. Asked for an
instruction, it writes one from the examples, failures or candidates that the meta-prompt shows.
It knows function words and endings, numbers and dates, and nothing about any task.

It is frozen: published figures, and runs that are resumed, rest on its answers to the letter
(`tests/models/test_embedded_frozen.py`). What would make it answer otherwise belongs elsewhere: it
is there to try apo, not to be good. Requests of other frameworks are turned into apo's form beside
the benchmarks that need them (`experiments/benchmarks/peers/frames.py`).

Doors: none but this one.
Rests on: model, usage.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import ClassVar

from apo.model import Completion, Decoding, Request
from apo.models.embedded.answer import answer
from apo.models.embedded.likely import logprobs
from apo.models.embedded.text import TOKEN
from apo.models.embedded.writer import asks_for_writing, write
from apo.usage import Usage

__all__ = ["Embedded"]


class Embedded:
    """The model named "embedded"; satisfies `apo.model.Model`.

    The same request always gets the same answer. At temperature 0 (or None) the answer is the best
    one and the seed has no effect on it; above 0 it is drawn from a stream that the whole request
    and its seed determine. top_p and the penalties have no effect.

    Tokens are counted as words and single marks: a run of letters and digits is one token, every
    other visible character is one.
    """

    name = "embedded"

    heeds_remarks = False
    """It would take what was wrong with a reply for a part of what it is to write about."""

    lacks: ClassVar[Mapping[str, str]] = {
        "images": "it reads text alone. Take a model that sees.",
        "tools": "it calls none. Take a model that calls tools.",
        "logprobs": "it gives none for what it says.",
    }
    """What it cannot do, for `apo.evaluation.abilities`."""

    async def complete(self, request: Request) -> Completion:
        """Answer the request, or say how likely its continuation is; never fails, never waits."""
        read = sum(_count_tokens(message.content) for message in request.messages)
        if request.continuation:
            found = logprobs(request.messages, request.continuation)
            usage = Usage(input_tokens=read + len(found), output_tokens=0)
            return Completion(text="", usage=usage, logprobs=found)
        temperature = request.decoding.temperature or 0.0
        rng = Random(_digest(request, sampled=temperature > 0))
        if asks_for_writing(request.messages):
            text = write(request.messages, temperature, rng)
        else:
            text = answer(request.messages, temperature, rng)
        text, truncated = _cut(text, request.decoding)
        usage = Usage(input_tokens=read, output_tokens=_count_tokens(text))
        return Completion(text=text, usage=usage, truncated=truncated)

    async def aclose(self) -> None:
        """Nothing to close."""


@lru_cache(maxsize=1024)
def _count_tokens(text: str) -> int:
    return len(TOKEN.findall(text))


def _digest(request: Request, *, sampled: bool) -> int:
    parts = [f"{message.role}\0{message.content}\0" for message in request.messages]
    if sampled:
        # Not how long it may be: an answer that comes to its end is the same with more room.
        drawn = {k: v for k, v in request.decoding.to_dict().items() if k != "max_tokens"}
        parts.append(f"{drawn}\0{request.seed}")
    return int.from_bytes(
        hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).digest()[:8]
    )


def _cut(text: str, decoding: Decoding) -> tuple[str, bool]:
    """End the answer at the first stop text, and after max_tokens."""
    ends = [at for stop in decoding.stop if stop and (at := text.find(stop)) >= 0]
    text = text[: min(ends, default=len(text))]
    if decoding.max_tokens is not None:
        tokens = list(TOKEN.finditer(text))
        if len(tokens) > decoding.max_tokens:
            return text[: tokens[decoding.max_tokens - 1].end()], True
    return text, False
