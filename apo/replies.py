"""What a model that writes or judges replied, read as a person would read it.

It is asked to put its text in tags. Replies speak of the tags before they use them, repeat the
request, draft and then decide, end in the middle, and wrap the text once more in code fences,
quotation marks, or "Here is the improved prompt:".
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from apo.wrapping import unwrapped

_BEFORE = re.compile(r"(?:^|[:：])[\s>*_#`\"'“‘「\[(-]*(?:\d{1,2}[.)])?\s*$")
"""What may stand before a tag on its line where it opens the text, and is not spoken of."""
_AFTER = re.compile(r"[\s*_`\"'”’」\])，,.。!…]*$")
MAX_JOINING = 6
"""Words between tags that are spoken of, at most."""
_ARTICLES = frozenset(("a", "an", "the", "its"))
_JOINING = re.compile(
    r"(?:and|or|to|then|until|with|closing|opening|end(?:ing)?|start(?:ing)?|begin|matching|tags?|"
    r"(?:여는|닫는|시작|종료|끝)?(?:태그)?(?:와|과|및|로|부터|까지|에서|그리고|사이|시작해서?|끝나는)|"
    r"(?:여는|닫는|시작|종료|끝)?태그|여는|닫는)"
)
"""Words between two tags that are only spoken of: "between <x> and </x>", "<x> 태그와 </x>"."""


class Reply(NamedTuple):
    """A reply as it was read.

    Attributes:
        text: what stands in the tags, without wrappings; "" when nothing can be taken.
        reason: why nothing can be taken, as the rest of "refused: …"; "" when there is a text.
    """

    text: str
    reason: str = ""


class _Pair(NamedTuple):
    """An opening tag with its closing one.

    Attributes:
        start: of the opening tag.
        end: of the closing tag.
        inner: what stands between them.
        alone: both tags begin or end their lines, as where they are used and not spoken of.
    """

    start: int
    end: int
    inner: str
    alone: bool

    def holds(self, other: "_Pair") -> bool:
        """Whether the other stands inside."""
        return self != other and self.start <= other.start and other.end <= self.end


def read_reply(reply: str, tag: str, *, request: str = "", truncated: bool = False) -> Reply:
    """Take the text out of a reply.

    Tags that are spoken of are passed over; of several texts the last counts, and one whose tags
    stand on lines of their own before one in running words.

    Args:
        reply: what the model wrote.
        tag: the tag that it was asked to use, without brackets.
        request: what it was asked; what stands in these tags there is repeated, not written.
        truncated: the reply was cut at a limit of tokens.
    """
    pairs, open_at = _pairs(reply, tag)
    used = [pair for pair in pairs if not _spoken_of(pair.inner, tag, request)]
    if not used or open_at > used[-1].end:
        return Reply("", _failure(reply, tag, truncated, pairs, open_at >= 0))
    chosen = [pair for pair in used if pair.alone] or used
    text = unwrapped(_bare(chosen[-1].inner, tag))
    return Reply(text) if text else Reply("", f"nothing stands between its <{tag}> tags")


def read_tags(reply: str, tag: str) -> list[str]:
    """Take all texts in such tags out of a reply, in their order."""
    used = [pair.inner for pair in _pairs(reply, tag)[0] if not _spoken_of(pair.inner, tag, "")]
    return [text for inner in used if (text := unwrapped(_bare(inner, tag)))]


def tagged(reply: str, tag: str) -> str | None:
    """Take the text out of a reply; None when there is none."""
    return read_reply(reply, tag).text or None


def _failure(reply: str, tag: str, truncated: bool, pairs: Sequence[_Pair], is_open: bool) -> str:
    if truncated and not reply.strip():
        return "the reply was cut at its limit of tokens before it said anything"
    if truncated and (is_open or not pairs):
        return f"the reply was cut at its limit of tokens, before </{tag}>"
    if is_open:
        return f"the reply opens <{tag}> and never closes it"
    if not pairs:
        return f"the reply has no <{tag}> tags" if reply.strip() else "the reply is empty"
    if any(pair.inner.strip() for pair in pairs):
        return f"the reply only speaks of <{tag}> tags"
    return f"nothing stands between its <{tag}> tags"


def _pairs(reply: str, tag: str) -> tuple[list[_Pair], int]:
    """The pairs of tags that stand in no other, in order; and where the last text begins that
    is opened on a line of its own and never closed, or -1.
    """
    tokens = list(_tokens(reply, tag))
    matched, unclosed = _matched(reply, tokens)
    found = [
        _Pair(
            opening.start(),
            closing.end(),
            reply[opening.end() : closing.start()],
            _alone(reply, opening, closing),
        )
        for opening, closing in matched
    ]
    # A pair in another one is part of its text, unless the outer tags are only spoken of.
    kept = _outermost([pair for pair in found if pair.alone])
    others = _outermost([pair for pair in found if not pair.alone])
    kept += [o for o in others if not any(o.holds(k) or k.holds(o) for k in kept)]
    kept.sort(key=lambda pair: pair.end)
    return kept, unclosed


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
    unclosed, limit = -1, len(reply)
    for opening in reversed([token for token in stack if _opens_line(reply, token)]):
        inner = [pair for pair in matched if opening.end() <= pair[0].start() < limit]
        if inner and not _opens_line(reply, inner[0][0]):
            matched.append((opening, inner[-1][1]))
        elif unclosed < 0 and reply[opening.end() :].strip():
            unclosed = opening.start()
        limit = opening.start()
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


def _spoken_of(inner: str, tag: str, request: str) -> bool:
    """Whether a text between tags is none: "between <x> and </x>", "<x>…</x>", or the request's."""
    if not inner.strip(" \t\r\n.…[]()"):
        return True
    words = re.sub(r"[\s.,;:…·'\"“”‘’_()\[\]-]+", " ", inner).lower().split()
    joining = [word for word in words if word not in _ARTICLES]
    if joining and len(words) <= MAX_JOINING and all(map(_JOINING.fullmatch, joining)):
        return True
    if not request or len(re.findall(r"[^\W\d_]", inner)) < 2:
        return False  # A choice or a grade may well stand in the request as an example.
    asked = (" ".join(m[1].split()) for m in _between(tag).finditer(request))
    return " ".join(inner.split()) in asked


@lru_cache
def _between(tag: str) -> re.Pattern[str]:
    return re.compile(rf"<{re.escape(tag)}>([^<]{{1,300}})</{re.escape(tag)}>", re.IGNORECASE)


def _bare(inner: str, tag: str) -> str:
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
