"""Takes a chat apart: the instruction, the demos, the input, the cue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from apo.model import Message
from apo.models.embedded.lists import allowed

_ASKS = re.compile(
    r"\b(?:answer|reply|respond|return|output|classif\w+|extract|label|decide|choose|json|write|"
    r"solve|calculate|give)\b|답|출력|분류|추출|고르|쓰세요|하세요|하시오",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s", re.MULTILINE)
_MAX_DEMOS = 200
_MAX_GREETING = 200
_MAX_HEAD = 20_000
_CUE = re.compile(r"[^\n.!?]{1,40}[:：]")
_HEADING = re.compile(r"^(?:## \w+|</?(?:instruction|context|demos)>)[ \t]*$\n?", re.MULTILINE)
_BLOCKS = re.compile(
    r"^Input:\n(.+?)\nOutput:\n(.+?)(?=\n\nInput:\n|\n*\Z)", re.MULTILINE | re.DOTALL
)
_WRAPPED = re.compile(r"<(\w+)>(.*)</\1>", re.DOTALL)
_INLINE = re.compile(
    r"(?:input|text|question|q|입력|질문)\s*[:：]\s*(.+?)\n(?:output|answer|label|a|출력|답)\s*[:：]\s*(.+)",
    re.IGNORECASE,
)

Pair = tuple[str, str]


@dataclass(frozen=True)
class Conversation:
    """What a chat holds.

    Attributes:
        instruction: what to do, with everything that stands beside it.
        demos: worked examples, as (input, answer).
        text: the input to answer.
        cue: the first words of the answer, if the prompt ends with them.
    """

    instruction: str
    demos: tuple[Pair, ...]
    text: str
    cue: str = ""


def take_apart(messages: Sequence[Message]) -> Conversation:
    """Take a chat apart; a chat without a user turn has an empty input."""
    opening = "\n\n".join(m.content for m in messages if m.role == "system")
    turns = [m for m in messages if m.role != "system"]
    users = [m.content for m in turns if m.role == "user"] or [""]
    if not opening or (len(turns) == 1 and _says_nothing(opening)):
        opening, users[0] = split_opening(users[0])
    instruction, inline = _read_opening(opening)
    answers = [m.content for m in turns if m.role == "assistant"]
    demos = tuple(zip(users[:-1], answers, strict=False))
    text, cue = _without_end(users[-1], instruction)
    return Conversation(instruction, demos or inline, text, cue)


@lru_cache(maxsize=64)
def _says_nothing(opening: str) -> bool:
    """Whether a system message is only a greeting, such as "You are a helpful assistant."."""
    return len(opening) < _MAX_GREETING and not _ASKS.search(opening) and not allowed(opening)


@lru_cache(maxsize=1024)
def _read_opening(opening: str) -> tuple[str, tuple[Pair, ...]]:
    """Split an opening into the instruction and the demos that are written into it."""
    opening = _HEADING.sub("", opening).strip()
    if blocks := _BLOCKS.findall(opening):
        demos = tuple((text.strip(), _unwrapped(answer)) for text, answer in blocks)
        return _BLOCKS.sub("", opening).strip(), demos[:_MAX_DEMOS]
    inline = _inline_demos(opening)[:_MAX_DEMOS]
    return (_INLINE.sub("", opening) if inline else opening), inline


def split_opening(turn: str) -> Pair:
    """Split a turn into the instruction at its start and the input that follows.

    The instruction is the first paragraph and those after it that ask for something or list
    bullets, but not the last paragraph. A single paragraph is split after its first line.
    """
    turn = _HEADING.sub("", turn).strip()
    paragraphs = re.split(r"\n\s*\n", turn)
    if len(paragraphs) == 1:
        first, _, rest = turn.partition("\n")
        return (first, rest) if rest and _ASKS.search(first) else (turn, turn)
    count = 1
    while count < len(paragraphs) - 1 and _is_instruction(paragraphs[count]):
        count += 1
    return "\n\n".join(paragraphs[:count]), "\n\n".join(paragraphs[count:])


def _is_instruction(paragraph: str) -> bool:
    return bool(_ASKS.search(paragraph) or len(_BULLET.findall(paragraph)) > 1)


def _without_end(turn: str, opening: str) -> Pair:
    """Take the repeated instruction and the cue off the end of the last user turn."""
    first = opening.split("\n", 1)[0]
    if len(first) > 12 and (at := turn.rfind(first)) > 0:
        turn = turn[:at] + "\n" + turn[at:].replace(opening, "").replace(first, "")
    lines = turn.rstrip().split("\n")
    last = lines[-1].strip()
    if len(lines) > 1 and _CUE.fullmatch(last):
        return "\n".join(lines[:-1]).strip(), last
    return turn.strip(), ""


def _inline_demos(opening: str) -> tuple[Pair, ...]:
    """Find demos written into the opening: "Input: … Output: …", or a text above its label."""
    if pairs := _INLINE.findall(opening):
        return tuple((text.strip(), answer.strip()) for text, answer in pairs)
    paragraphs = re.split(r"\n\s*\n", opening)
    labels = {label.lower() for label in allowed(paragraphs[0][:_MAX_HEAD])}
    parts = [paragraph.rpartition("\n") for paragraph in paragraphs[1:]]
    return tuple(
        (text.strip(), answer.strip())
        for text, _, answer in parts
        if text and (answer.strip().lower() in labels or answer.strip().startswith("{"))
    )


def _unwrapped(answer: str) -> str:
    """An answer without the tag around it, or around its end."""
    wrapped = _WRAPPED.search(answer)
    return (wrapped[2] if wrapped else answer).strip()
