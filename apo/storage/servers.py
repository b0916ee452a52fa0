"""What a model's server gives away of itself: a change behind the name, inputs that it cuts."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median

from apo.model import Request
from apo.storage.rows import Entry, open_for_reading, readable

SHOWN = 4
"""Names or fingerprints of one model that are told."""
LEAST, ALIKE = 256, 3
"""Inputs are cut at so many tokens or more; so many must be counted alike before it is told."""
ABOUT = 2
"""Tokens by which such counts may differ, as of a server that cuts between two words."""
THIN, SPARSE, SPREAD = 0.9, 0.125, 2
"""Requests that are cut have fewer than this share of the tokens a byte that shorter ones have;
where there are no shorter ones, fewer tokens a byte than any text. Short ones have more, as a
chat's markup counts: beside those alone the longest must have so many times the bytes of others."""

_NOISE = ("latest", "gguf")
"""Words of a name that tell no model from another."""

_SERVED = """
SELECT model, served, COUNT(*), MIN(at) FROM calls WHERE served != '' GROUP BY model, served
"""


@dataclass
class Span:
    """Answers of one name and fingerprint: how many, and when the first of them came."""

    answers: int = 0
    first: float = float("inf")

    def __str__(self) -> str:
        """Tell it as "412 answers from 2026-11-28 14:02 on"."""
        time = f"{datetime.fromtimestamp(self.first).astimezone():%Y-%m-%d %H:%M}"
        return f"{self.answers:,} answer{'s' * (self.answers != 1)} from {time} on"


@dataclass
class Server:
    """What is noticed of one model's server.

    Attributes:
        served: by what the server says that answered.
        sizes: tokens and bytes of the requests.
    """

    served: dict[str, Span] = field(default_factory=dict[str, Span])
    sizes: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def add(self, request: Request, entry: Entry) -> None:
        """Look at an answer."""
        if entry.served:
            span = self.served.setdefault(entry.served, Span())
            span.answers += 1
            span.first = min(span.first, entry.at)
        tokens = entry.usage.input_tokens
        if tokens is not None:
            size = sum(len(m.content.encode("utf-8", "replace")) for m in request.messages)
            self.sizes.append((tokens, size))

    def notes(self, model: str) -> Iterator[str]:
        """Say what was noticed."""
        yield from _served(model, self.served)
        if limit := cut_at(self.sizes):
            cut = [one for one in self.sizes if one[0] >= limit - ABOUT]
            n, longest, least = len(cut), max(size for _, size in cut), min(cut)[0]
            counted = f"{limit:,}" if least == limit else f"{least:,}-{limit:,}"
            yield (
                f"{n:,} requests to {model}, of up to {longest:,} bytes, were all counted as "
                f"{counted} tokens: its server seems to cut long inputs there, and the rest was "
                "not read. Raise the context of the server (Ollama: OLLAMA_CONTEXT_LENGTH or "
                "num_ctx; vLLM: --max-model-len), or shorten the inputs."
            )


def changes(journal: Path) -> list[str]:
    """Say what changed behind the names of a run's models, by its journal, finished or not."""
    if not journal.exists():
        return []
    found: defaultdict[str, dict[str, Span]] = defaultdict(dict)
    with closing(open_for_reading(journal)) as database, readable():
        columns = [row[1] for row in database.execute("PRAGMA table_info(calls)")]
        if "served" in columns:  # Journals of earlier versions do not say.
            for model, served, n, first in database.execute(_SERVED):
                found[model][served] = Span(n, first)
    return [line for model, spans in sorted(found.items()) for line in _served(model, spans)]


def _served(model: str, spans: Mapping[str, Span]) -> Iterator[str]:
    """Say what the answers' own names of what answered give away."""
    if changed := _changed(model, spans):
        yield changed
    names = {served.partition(" [")[0] for served in spans}
    name = next(iter(names)) if len(names) == 1 else ""
    if name and not _same(model, name):
        yield (
            f"The answers of {model} name another model, {name}: see whether that is what should "
            "answer. Some servers answer with the one that they have loaded, whatever is asked for."
        )


def _same(asked: str, served: str) -> bool:
    """Whether two names may be of one model: the words of one stand in the other, in its order.

    Dates, tags, paths and providers come before, in and after a name. A deployment of Azure is
    called as people please.
    """
    if "azure/" in asked:
        return True
    name = asked.partition("#")[2] or asked
    short, long = sorted((_words(name), _words(served)), key=len)
    rest = iter(long)
    return all(word in rest for word in short)


def _words(name: str) -> list[str]:
    """The words and numbers of a model's name, without path and provider."""
    base = name.lower().replace("\\", "/").rpartition("/")[2]
    return [word for word in re.findall(r"[a-z]+|\d+", base) if word not in _NOISE]


def _changed(model: str, spans: Mapping[str, Span]) -> str:
    """Say that a server changed what answers; "" where it did not."""
    names = {served.partition(" [")[0] for served in spans}
    listed = sorted(spans.items(), key=lambda one: (one[1].first, one[0]))
    shown = ", ".join(f"{name} ({span})" for name, span in listed[:SHOWN])
    shown += ", …" * (len(listed) > SHOWN)
    if len(names) > 1:
        return (
            f"The answers of {model} name {len(names)} models: {shown}. The server has changed "
            "what answers, so their scores are not of one model."
        )
    if len(listed) > 1:
        return (
            f"The answers of {model} have {len(listed)} fingerprints: {shown}. The provider "
            "changed what runs the model, or runs it in several ways, so that equal questions may "
            "get other answers."
        )
    return ""


def cut_at(sizes: Sequence[tuple[int, int]]) -> int:
    """The tokens at which a server cuts long requests; 0 where nothing says that it does.

    Then the longest requests are all counted alike, and the more text they have, the fewer tokens
    they have for it. Texts of equal numbers of tokens, as of a chunker, are as dense as others.

    Args:
        sizes: tokens and bytes of requests.
    """
    limit = max((tokens for tokens, _ in sizes), default=0)
    alike = [size for tokens, size in sizes if tokens >= limit - ABOUT and size]
    if limit < LEAST or len(alike) < ALIKE:
        return 0
    shorter = [(tokens, size) for tokens, size in sizes if tokens < limit - ABOUT and size]
    dense = [tokens / size for tokens, size in shorter if tokens >= LEAST]
    if len(dense) < ALIKE and max(alike) >= SPREAD * min(alike):
        dense = [tokens / size for tokens, size in shorter]
    usual = THIN * median(dense) if len(dense) >= ALIKE else SPARSE
    return limit if limit / median(alike) < usual else 0
