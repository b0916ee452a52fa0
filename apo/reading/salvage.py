"""What a writer's reply says where its tags are not as they were asked for.

Small models open a tag and never close it, close it by another name, write it in brackets, or put
the text into JSON or under a heading. A person reads the text all the same. What is no text of the
kind asked for stays unread: a model that only talks about its work has written nothing.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from apo.patterns import late_pattern
from apo.reading.characters import printed
from apo.reading.replies import Reply, read_reply, read_tags
from apo.reading.screen import repeats
from apo.reading.wrapping import unwrapped

COMMENTS = frozenset(("advice", "critique", "observations", "reason", "reasoning", "summary"))
"""Tags of texts that speak about something: a reply that only speaks is one, without its tags."""
AGAIN, LEAST = 20, 8
"""Characters by which the beginning of a text is known again, and of what was cut sooner."""
SENTENCE = 8
"""Words from which a text without tags is taken for one that was asked for."""
_REMARK = "reason|critique|criticism|comment|feedback|이유|비평|비판"
_NAMES = {
    "instruction": "instruction|prompt|directive|지시문|지시|지침|프롬프트",
    "reason": _REMARK,
    "critique": _REMARK,
}
_NEW_WORDS = "new|improved|revised|final|better|updated|optimized|새|새로운|개선된|수정된"
_NEW = rf"(?:(?:{_NEW_WORDS})[-_ ]{{0,2}})?"
_PROMISE = late_pattern(
    r"\W*(?:(?:i|we)(?:['’](?:ll|d|m|ve)| will| would| can| could| am| have)\b|sorry\b)"
    r"|.{0,40}겠습니다",
    re.IGNORECASE,
)
"""A reply that tells what its writer would do has not done it."""
_ENDS = late_pattern(
    r"[ \t]*</?[A-Za-z가-힣_]{2,20}/?>[ \t]*$"
    r"|^\W*(?:candidate|input|output|answer|example|note)s?\W*:",
    re.MULTILINE | re.IGNORECASE,
)
"""Where a text ends that nothing closes: at another tag, or at a heading of the data."""
_PROGRAM = late_pattern(r"\s*```(?!text|plain|markdown|md\b)[a-z+#]+\b", re.IGNORECASE)
"""A reply that is a program from its first line speaks about nothing."""
_LETTERS = late_pattern(r"[^\W\d_]")


def read_written(reply: str, tag: str, *, request: str = "", truncated: bool = False) -> Reply:
    """Take what was asked for out of a writer's reply; the arguments are those of `read_reply`.

    Control characters stay out: they would go unseen into the prompt, and with it to everybody.
    """
    reply = printed(reply)
    found = read_reply(reply, tag, request=request, truncated=truncated)
    if found.text:
        return found
    for how, text in _looks(reply, tag, request, truncated):
        if len(_LETTERS.findall(text)) > 1:
            return Reply(text, salvaged=how)
    return found


def closed(reply: str, tag: str) -> str:
    """Close the tag of a reply that was begun for the model, and that ended before it closed it."""
    start, mark, rest = reply.rpartition(f"<{tag}>")
    if not mark or f"</{tag}>" in rest:
        return reply
    return f"{start}{mark}{_ENDS.split(rest.strip())[0]}</{tag}>"


def _looks(reply: str, tag: str, request: str, truncated: bool) -> Iterator[tuple[str, str]]:
    respelled = _variants(tag).sub(
        lambda mark: f"</{tag}>" if mark["end"] or mark["last"] else f"<{tag}>", reply
    )
    if respelled != reply:
        found = read_reply(respelled, tag, request=request, truncated=truncated)
        if " ".join(found.text.split()) not in " ".join(request.split()):  # Shown again, or empty.
            yield "its tags are written otherwise", found.text
    if tag == "instruction" and not truncated and f"<{tag}>" not in respelled:
        renamed = re.sub(r"<(/?)candidate\b[^<>]{0,40}>", rf"<\1{tag}>", respelled)
        shown = {*read_tags(renamed, tag)}
        new = [text for text in shown if " ".join(text.split()) not in " ".join(request.split())]
        if len(new) == 1:  # Of several, none is the one that was asked for.
            yield "its tags are written otherwise", new[0]
    yield "it is JSON", _in_json(reply, tag)
    yield "it says the same again and breaks off", _said_again(reply, tag)
    if truncated:
        return  # Of a text that broke off, nobody knows how it ends.
    yield f"its <{tag}> is never closed", _unclosed(respelled, tag)
    yield f"its <{tag}> is never opened", _unopened(respelled, tag)
    if tag in COMMENTS and not _PROGRAM.match(reply):
        text = unwrapped(re.sub(rf"</?{tag}>|^\W*{tag}\W*\n", "", respelled.strip()))
        promised = _PROMISE.match(text) or _shows(text, request) or repeats(text, request)
        if len(text.split()) >= SENTENCE and not promised:
            yield "it has no tags", text


def _shows(text: str, request: str) -> bool:
    """Whether a text is made of lines of the request, as where the examples are said again."""
    lines = {line.strip() for line in request.splitlines() if line.strip()}
    return any(line.strip() in lines for line in text.splitlines())


@lru_cache
def _variants(tag: str) -> re.Pattern[str]:
    """The tag in the plural, with a word before it or a number after it, in other brackets."""
    name = rf"{_NEW}(?:{_NAMES.get(tag, re.escape(tag))})s?(?:[-_ ]?\d{{1,2}})?"
    return re.compile(
        rf"(?:\\?<|&lt;|\[|\{{|【)\s{{0,3}}(?P<end>[/\\]?)\s{{0,3}}{name}\s{{0,3}}(?P<last>/?)"
        rf"(?:\\?>|&gt;|\]|\}}|】)",
        re.IGNORECASE,
    )


def _unclosed(reply: str, tag: str) -> str:
    opened = list(re.finditer(rf"<{tag}>", reply, re.IGNORECASE))
    rest = reply[opened[-1].end() :] if opened else ""
    if opened and not rest.strip() and len(opened) > 1:  # Opened where it should be closed.
        rest = reply[opened[-2].end() : opened[-1].start()]
    if re.search(rf"</{tag}>", rest, re.IGNORECASE):
        return ""
    text = _ENDS.split(rest.strip())[0]
    return "" if text.startswith("<") else unwrapped(text)


def _said_again(reply: str, tag: str) -> str:
    """A whole text that a reply begins to say once more; models run on like that."""
    texts = read_tags(reply, tag)
    *_, rest = re.split(rf"<{tag}>", reply, flags=re.IGNORECASE)
    begun = " ".join(rest.split())
    same = [text for text in texts if " ".join(text.split()).startswith(begun[:AGAIN])]
    return same[-1] if same and len(begun) >= LEAST else ""


def _unopened(reply: str, tag: str) -> str:
    before, closing, _ = reply.partition(f"</{tag}>")
    return unwrapped(before) if closing and f"<{tag}>" not in before and "<" not in before else ""


def _in_json(reply: str, tag: str) -> str:
    """The text of an object whose field has the tag's name."""
    start = reply.find("{")
    if start < 0 or f'{tag}"' not in reply.lower():
        return ""
    try:
        found: Any = json.JSONDecoder(strict=False).raw_decode(reply[start:])[0]
    except ValueError:
        return ""
    name = re.compile(rf"{_NEW}{tag}", re.IGNORECASE)
    texts = [v for k, v in found.items() if name.fullmatch(str(k)) and isinstance(v, str)]
    return unwrapped(texts[-1]) if texts else ""
