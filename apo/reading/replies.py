"""What a model that writes or judges replied, read as a person would read it.

It is asked to put its text in tags. Replies speak of the tags before they use them, repeat the
request, draft and then decide, end in the middle, and wrap the text once more in code fences,
quotation marks, or "Here is the improved prompt:".
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from apo.patterns import late_pattern
from apo.reading.tags import TagPair, bare, pairs_of
from apo.reading.wrapping import unwrapped

MAX_JOINING = 6
"""Words between tags that are spoken of, at most."""
_ARTICLES = frozenset(("a", "an", "the", "its"))
_JOINING = late_pattern(
    r"(?:and|or|to|then|until|with|closing|opening|end(?:ing)?|start(?:ing)?|begin|matching|tags?|"
    r"(?:여는|닫는|시작|종료|끝)?(?:태그)?(?:와|과|및|로|부터|까지|에서|그리고|사이|시작해서?|끝나는)|"
    r"(?:여는|닫는|시작|종료|끝)?태그|여는|닫는)"
)
"""Words between two tags that are only spoken of: "between <x> and </x>", "<x> 태그와 </x>"."""


Fault = Literal[
    "", "cut", "empty", "missing", "echo", "data", "author", "question", "code", "piece", "outputs"
]
"""What is wrong with a reply, for those who ask again."""


class Reply(NamedTuple):
    """A reply as it was read.

    Attributes:
        text: what stands in the tags, without wrappings; "" when nothing can be taken.
        reason: why nothing can be taken, as the rest of "refused: …"; "" when there is a text.
        fault: the kind of the reason; "" when there is a text.
        salvaged: how a text was told that does not stand in its tags; "" when it does.
    """

    text: str
    reason: str = ""
    fault: Fault = ""
    salvaged: str = ""


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
    pairs, open_at = pairs_of(reply, tag)
    used = [pair for pair in pairs if not _spoken_of(pair.inner, tag, request)]
    if not used or open_at > used[-1].end:
        return _failure(reply, tag, truncated, pairs, open_at >= 0)
    chosen = [pair for pair in used if pair.alone] or used
    if truncated and not chosen[-1].alone:  # A draft in the middle of what was not said to its end.
        return _failure(reply, tag, truncated, [], is_open=True)
    text = unwrapped(bare(chosen[-1].inner, tag))
    return Reply(text) if text else Reply("", f"nothing stands between its <{tag}> tags", "empty")


def read_tags(reply: str, tag: str) -> list[str]:
    """Take all texts in such tags out of a reply, in their order."""
    used = [pair.inner for pair in pairs_of(reply, tag)[0] if not _spoken_of(pair.inner, tag, "")]
    return [text for inner in used if (text := unwrapped(bare(inner, tag)))]


def tagged(reply: str, tag: str) -> str | None:
    """Take the text out of a reply; None when there is none."""
    return read_reply(reply, tag).text or None


def _failure(
    reply: str, tag: str, truncated: bool, pairs: Sequence[TagPair], is_open: bool
) -> Reply:
    if truncated and not reply.strip():
        why = "the reply was cut before it said anything, perhaps while it was thinking"
        return Reply("", why, "cut")
    if truncated and (is_open or not pairs):
        return Reply("", f"the reply was cut at its limit of tokens, before </{tag}>", "cut")
    if is_open:
        return Reply("", f"the reply opens <{tag}> and never closes it", "missing")
    if not reply.strip():
        return Reply("", "the reply is empty", "empty")
    if not pairs:
        return Reply("", f"the reply has no <{tag}> tags", "missing")
    if any(pair.inner.strip() for pair in pairs):
        return Reply("", f"the reply only speaks of <{tag}> tags", "missing")
    return Reply("", f"nothing stands between its <{tag}> tags", "empty")


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
