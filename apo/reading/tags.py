"""Pairs of tags in a text that also speaks of them, nests them, and leaves them open."""

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from apo.patterns import late_pattern

_BEFORE = late_pattern(r"(?:^|[:：])[\s>*_#`\"'“‘「\[(-]*(?:\d{1,2}[.)])?\s*$")
"""What may stand before a tag on its line where it opens the text, and is not spoken of."""
_AFTER = late_pattern(r"[\s*_`\"'”’」\])，,.。!…]*$")


class TagPair(NamedTuple):
    """An opening tag with its closing one, and what stands between them.

    Attributes:
        end: of the closing tag.
        inner: what stands between them.
        alone: both tags begin or end their lines, as where they are used and not spoken of.
    """

    end: int
    inner: str
    alone: bool


class _Pair(NamedTuple):
    """A pair by its places alone: nested ones would hold the reply again and again."""

    start: int
    end: int
    between: tuple[int, int]
    alone: bool

    def holds(self, other: "_Pair") -> bool:
        """Whether the other stands inside."""
        return self != other and self.start <= other.start and other.end <= self.end


def pairs_of(reply: str, tag: str) -> tuple[list[TagPair], int]:
    """The pairs of tags that stand in no other, in order; and where the last text begins that
    is opened on a line of its own and never closed, or -1.
    """
    tokens = list(_tokens(reply, tag))
    matched, unclosed = _matched(reply, tokens)
    found = [
        _Pair(
            opening.start(),
            closing.end(),
            (opening.end(), closing.start()),
            _alone(reply, opening, closing),
        )
        for opening, closing in matched
    ]
    # A pair in another one is part of its text, unless the outer tags are only spoken of.
    kept = _outermost([pair for pair in found if pair.alone])
    others = _outermost([pair for pair in found if not pair.alone])
    starts = [pair.start for pair in kept]

    def apart(pair: _Pair) -> bool:
        i = bisect(starts, pair.start)  # Those kept do not overlap: only two are near enough.
        near = kept[max(0, i - 1) : i + 1]
        return not any(pair.holds(other) or other.holds(pair) for other in near)

    chosen = sorted([*kept, *filter(apart, others)], key=lambda pair: pair.end)
    return [TagPair(pair.end, reply[slice(*pair.between)], pair.alone) for pair in chosen], unclosed


def _outermost(pairs: Sequence[_Pair]) -> list[_Pair]:
    kept: list[_Pair] = []
    for pair in sorted(pairs, key=lambda pair: (pair.start, -pair.end)):
        if not kept or not kept[-1].holds(pair):
            kept.append(pair)
    return kept


def _matched(
    reply: str, tokens: Sequence[re.Match[str]]
) -> tuple[list[tuple[re.Match[str], re.Match[str]]], int]:
    """Match opening and closing tags as nested ones.

    An opening tag on a line of its own that is left over takes the last closing one before the
    next such tag: the tags between were spoken of in its text.
    """
    stack: list[re.Match[str]] = []
    matched: list[tuple[re.Match[str], re.Match[str]]] = []
    for token in tokens:
        if not token["end"]:
            stack.append(token)
        elif stack:
            matched.append((stack.pop(), token))
        elif matched and not _ends_line(reply, matched[-1][1]) and _ends_line(reply, token):
            matched[-1] = (matched[-1][0], token)  # The one before was spoken of in the text.
    by_start = sorted(matched, key=lambda pair: pair[0].start())
    unclosed, limit = -1, len(by_start)
    for opening in reversed([token for token in stack if _opens_line(reply, token)]):
        first = bisect(by_start, opening.start(), key=lambda pair: pair[0].start())
        inner, limit = by_start[first:limit], first
        if inner and not _opens_line(reply, inner[0][0]):
            matched.append(
                (opening, max((pair[1] for pair in inner), key=lambda token: token.end()))
            )
        elif unclosed < 0 and reply[opening.end() :].strip():
            unclosed = opening.start()
    return matched, unclosed


def _tokens(reply: str, tag: str) -> Iterator[re.Match[str]]:
    """The tags in a reply, without those that stand in backticks of their own."""
    for token in _tag(tag).finditer(reply):
        around = reply[token.start() - 1 : token.start()], reply[token.end() : token.end() + 1]
        if around != ("`", "`"):
            yield token


@lru_cache
def _tag(tag: str) -> re.Pattern[str]:
    return re.compile(
        rf"[<＜]\s{{0,9}}(?P<end>[/／]?)\s{{0,9}}{re.escape(tag)}(?:\s[^<>＜＞\n]{{0,80}})?[>＞]",
        re.IGNORECASE,
    )


def _alone(reply: str, opening: re.Match[str], closing: re.Match[str]) -> bool:
    return _opens_line(reply, opening) and _ends_line(reply, closing)


def _opens_line(reply: str, token: re.Match[str]) -> bool:
    line = reply[max(0, token.start() - 80) : token.start()].rpartition("\n")[2]
    return bool(_BEFORE.search(line))


def _ends_line(reply: str, token: re.Match[str]) -> bool:
    rest = reply[token.end() : token.end() + 80].partition("\n")[0]
    return bool(_AFTER.match(re.sub(r"<[^<>]*>", "", rest)))


def bare(inner: str, tag: str) -> str:
    """Take off tags that were written twice, or opened again and again."""
    text = inner.strip()
    tokens = list(_tag(tag).finditer(text))
    if not any(token["end"] for token in tokens):
        start = 0
        for token in tokens:
            if text[start : token.start()].strip():
                break
            start = token.end()
        return text[start:].strip()
    first, last = tokens[0], tokens[-1]
    around = first.start() == 0 and not first["end"] and last["end"] and last.end() == len(text)
    if around and not _crossed(tokens[1:-1]):
        return text[first.end() : last.start()].strip()
    return text


def _crossed(tokens: Sequence[re.Match[str]]) -> bool:
    """Whether a tag is closed here that was opened before."""
    depth = 0
    for token in tokens:
        depth += -1 if token["end"] else 1
        if depth < 0:
            return True
    return False
