"""Damaged and hostile input: what is drawn, how much of it, and a guard against hanging.

`pytest tests/fuzz --hypothesis-profile=long` draws sixty times as much, anew every time.
"""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from apo.errors import ApoError

PATIENCE = 20.0
"""Seconds after which a single work is held to hang; it takes a few milliseconds."""
COMPUTING = 2.0
"""Seconds of computing that a long text may take, however busy the machine; it takes 0.1."""

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


def _draw(examples: int) -> settings:
    """Settings that draw so much, or what the profile says when that is more."""
    given = settings.default.max_examples if settings.default else 0
    more = given if given > 100 else examples
    return settings(max_examples=more, suppress_health_check=_QUIET)


fuzzed = _draw(100)
"""How much most tests draw."""
fuzzed_each = _draw(50)
"""How much a test draws for each of many forms that the same modules read."""
fuzzed_slowly = _draw(25)
"""How much a test draws that does much with each."""

NASTY = [
    "\0", "\x1b[31m", "\x1b]8;;http://x\x07", "\ufeff", "\u2028", "\u202e", "\r", "\r\n", "\n",
    "\t", '"', '""', "'", ",", ";", "{", "}", "{{", "}}", "{{input}}", "{%", "%}", "%s", "${x}",
    "$(x)", "[", "]", "[red]", "<", "</", "<answer>", "</answer>", "&a", "*a", "<<: *a", "---",
    "!!python/object/apply:os.system", "1e999", "-1", "NaN", "Infinity", "null", "true", "0x",
    "1/0", "\\", "\\u", "\\ud800", "#", ":", "- ", "? ", "|", ">", "`", "```", "é", "정",
    "\U0001f600", "=cmd()", "@x", "../..", "/etc/passwd", "C:\\",
]  # fmt: skip
"""Pieces that mean something to a parser, a template, a terminal or a spreadsheet."""

texts = st.lists(st.sampled_from(NASTY) | st.text(max_size=8), max_size=12).map("".join)
"""Texts that are mostly nasty."""

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value, and NaN and the infinities, which Python's reader takes for one."""


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Draw good bytes with some places overwritten, cut, doubled or filled with nasty ones."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        match draw(st.sampled_from(["put", "cut", "end", "twice", "flip"])):
            case "put":
                data[start:end] = draw(st.binary(max_size=8) | texts.map(encoded))
            case "cut":
                del data[start:end]
            case "end":
                del data[start:]
            case "twice":
                data[end:end] = data[start:end]
            case _:
                data[start:end] = bytes(byte ^ 0x20 for byte in data[start:end])
    return bytes(data)


def encoded(text: str) -> bytes:
    """Give a text as bytes, halves of surrogate pairs as well."""
    return text.encode("utf-8", "surrogatepass")


def deep(opening: str, closing: str, depth: int = 100_000) -> str:
    """Nest brackets deeper than any parser goes."""
    return opening * depth + closing * depth


T = TypeVar("T")


def told(work: Callable[[], T], *names: str) -> T | None:
    """Do the work; an error must be one of apo's, say something, and name what it is about."""
    try:
        with promptly():
            return work()
    except ApoError as error:
        text = str(error)
        assert len(text) > 20, f"it says nothing: {text!r}"
        assert len(text) < 20_000, f"it says too much: {len(text)} characters"
        assert all(name in text for name in names), text
        return None


class Hang(BaseException):
    """A work has taken so long that its input must have found an endless or explosive loop."""


@contextmanager
def promptly(patience: float = PATIENCE, *, computing: float = PATIENCE) -> Generator[None]:
    """Break off what takes many times as long as it should; no measure of its speed."""

    def give_up(*_: object) -> None:
        raise Hang(f"still running after {patience:g} s, or {computing:g} s of computing")

    limits = [
        (signal.SIGALRM, signal.ITIMER_REAL, patience),
        (signal.SIGPROF, signal.ITIMER_PROF, computing),
    ]
    before = [signal.signal(sign, give_up) for sign, _, _ in limits]
    for _, timer, seconds in limits:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for (sign, timer, _), handler in zip(limits, before, strict=True):
            signal.setitimer(timer, 0.0)
            signal.signal(sign, handler)
