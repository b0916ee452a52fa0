"""What a model thought before it answered, told from its answer.

Servers that know a reasoning model hand its thinking over in a field of its own. Others leave it
in the text: <think>…</think>, [THINK]…[/THINK], the channels of Harmony, or, where the chat
template has opened the block, a lone </think>. Only what stands at the start of a reply is
thinking. A tag that the prompt itself names, such as <reasoning> of "<reasoning>…</reasoning>
<answer>…</answer>", is a form that was asked for, and stays part of the answer.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from apo.models.body import as_dict, as_list

_TEMPLATES = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
)
"""Marks of models' own chat templates: thinking, even where a prompt names them."""
_TAGS = tuple((f"<{tag}>", f"</{tag}>") for tag in ("thinking", "reasoning", "thought", "thoughts"))
"""Tags that models take up of themselves, and that prompts ask for as well."""
_LONE = (*_TEMPLATES, _TAGS[0])
"""Blocks that a chat template may open, so that the reply holds their end alone."""
_FINAL = re.compile(r"<\|channel\|>\s*final[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_HARMONY = re.compile(r"\s*(?:<\|start\|>\s*assistant\s*)?<\|channel\|>")
_BARE = re.compile(r"\s*analysis(?P<thinking>.+?)assistantfinal(?P<answer>.*)", re.DOTALL)
"""Harmony whose marks the server took out."""
_MARK = re.compile(r"<\|(?:start|channel|message|end|return|call|constrain)\|>")

_SAID = ("text", "output_text", None)
"""Kinds of an answer's parts that are said to the user."""


class Parts(NamedTuple):
    """A reply in its parts.

    Attributes:
        thinking: what was thought; "" for nothing.
        answer: what was answered, without the space around it where there was thinking.
        ended: False when the thinking has no end, so that no answer was begun.
    """

    thinking: str
    answer: str
    ended: bool = True


def part(text: str, prompt: Iterable[str] = (), *, cut: bool = False) -> Parts:
    """Tell the thinking at the start of a reply from the answer after it.

    Args:
        text: the reply.
        prompt: the texts that were sent; tags that they name are theirs.
        cut: whether the server says that the reply was cut.
    """
    if not text or text.isspace():
        return Parts("", text)
    found = _harmony(text)
    if found is not None:
        return found
    sent = [message.casefold() for message in prompt]
    thoughts, rest, ended = _leading_blocks(text, sent, cut=cut)
    if not thoughts:
        return _lone_end(text, sent)
    return Parts("\n".join(thoughts), rest.strip(), ended)


def _leading_blocks(text: str, sent: list[str], *, cut: bool) -> tuple[list[str], str, bool]:
    """Take blocks off the start while there are any: thoughts, what is left, whether all end."""
    thoughts: list[str] = []
    rest = text.lstrip()
    while (block := _opened(rest)) is not None:
        opening, closing = block
        named = _named(block, sent)
        if named and block in _TAGS:
            break
        end = _find(rest, closing, len(opening))
        after = rest[end + len(closing) :].lstrip() if end >= 0 else ""
        # What a prompt asks for must not be swallowed to an empty answer.
        if named and not after and not cut:
            break
        thoughts.append(rest[len(opening) : end if end >= 0 else None].strip())
        rest = after
        if end < 0:
            return thoughts, "", False
    return thoughts, rest, True


def _lone_end(text: str, sent: list[str]) -> Parts:
    """A block whose start is not in the reply, as the chat template had opened it."""
    for block in _LONE:
        at = _find(text, block[1])
        if at >= 0 and _find(text[:at], block[0]) < 0 and not _named(block, sent):
            return Parts(text[:at].strip(), text[at + len(block[1]) :].strip())
    return Parts("", text)


def _opened(text: str) -> tuple[str, str] | None:
    start = text[:32].casefold()
    blocks = (*_TEMPLATES, *_TAGS)
    return next((block for block in blocks if start.startswith(block[0].casefold())), None)


def _named(block: tuple[str, str], sent: list[str]) -> bool:
    return any(mark.casefold() in message for message in sent for mark in block)


def _find(text: str, mark: str, start: int = 0) -> int:
    """Where a mark of ASCII letters stands, in any case."""
    found = _anywhere(mark).search(text, start)
    return -1 if found is None else found.start()


@cache
def _anywhere(mark: str) -> re.Pattern[str]:
    return re.compile(re.escape(mark), re.IGNORECASE)


def _harmony(text: str) -> Parts | None:
    """Read the channels of gpt-oss; None when there are none."""
    final = _FINAL.search(text)
    if final is not None:
        answer = _MARK.split(text[final.end() :])[0]
        return Parts(_without_marks(text[: final.start()]), answer.strip())
    if _HARMONY.match(text):
        return Parts(_without_marks(text), "", ended=False)
    bare = _BARE.fullmatch(text)
    return Parts(bare["thinking"].strip(), bare["answer"].strip()) if bare else None


def _without_marks(text: str) -> str:
    text = re.sub(r"<\|start\|>\s*assistant|<\|channel\|>\s*\w+", "\n", text)
    return "\n".join(filter(None, map(str.strip, _MARK.split(text))))


def thinking_beside(message: dict[str, Any]) -> str:
    """What a server that knows the model's thinking hands over beside the answer."""
    for field in ("reasoning_content", "reasoning", "thinking"):
        said = message.get(field)
        if isinstance(said, str) and said.strip():
            return said.strip()
    details = as_list(message.get("reasoning_details"))
    return "\n".join(filter(None, map(_texts, details)))


def read_parts(parts: Iterable[object]) -> tuple[str, str]:
    """The text of an answer that comes in parts, and what was thought in others of them."""
    text, thoughts = "", list[str]()
    for part_ in map(as_dict, parts):
        if part_.get("type") not in _SAID:
            thoughts.append(_texts(part_))
        elif isinstance(part_.get("text"), str):
            text += part_["text"]
    return text, "\n".join(filter(None, thoughts))


def _texts(part: Any) -> str:
    """All that a part of thinking says, however it is wrapped."""
    if isinstance(part, str):
        return part.strip()
    fields = as_dict(part)
    inner = [fields.get(name) for name in ("text", "thinking", "reasoning", "summary")]
    flat = [one for found in inner for one in (as_list(found) or [found])]
    return "\n".join(filter(None, (_texts(one) for one in flat if one)))
