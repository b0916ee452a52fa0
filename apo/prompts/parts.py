"""A prompt in the parts that it could do without: sentences, list items, demos, context, cue.

`parts_of` takes a prompt apart, `without` gives the prompt that lacks some of the parts. What is
left is word for word as it was, but for blank lines where a part stood.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from apo.prompts.fill import VARIABLE
from apo.prompts.layout import Layout
from apo.prompts.prompt import Prompt

Kind = Literal["instruction", "context", "demo", "cue", "layout"]
LAYOUT = ("headings", "repeat_instruction")
"""Options of the layout that add text to a prompt."""

_ITEM = re.compile(r"[ \t]*(?:[-*•‣▪·]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]+\S")
_APART = re.compile(
    r"[ \t]*(?:#{1,6}[ \t]|</?[A-Za-z][\w-]*[^<>\n]*>[ \t]*\n?$|[-=*_]{3,}[ \t]*\n?$|\|)"
)
_TAG = re.compile(r"\s*</?[A-Za-z][\w-]*[^<>\n]*>\s*")
_EMPTY = re.compile(r"<([A-Za-z][\w-]*)[^<>\n]*>\s*</\1>")
_WORD = re.compile(r"\w")
_FENCE = re.compile(r"[ \t]*(```|~~~)")
_END = re.compile(r"(?<=[.!?。！？…])[\"'”’」』)\]]*\s+|(?<=[。！？])|(?<=:)[ \t]*\n\s*")
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|mr|mrs|ms|dr)|^\s*\(?(?:\d{1,3}|[a-z]))\.$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Part:
    """A part of a prompt that could be left out.

    Attributes:
        kind: where it stands.
        at: its place among the parts of this kind, from 0.
        text: what it says, as people read it.
        step: of a program, the step whose prompt it is a part of.
    """

    kind: Kind
    at: int
    text: str
    step: str = ""


def parts_of(prompt: Prompt) -> tuple[Part, ...]:
    """Take a prompt apart: what could be left out, in the order of reading.

    The user turn is no part, nor are tags such as <rules>, or a paragraph of the context that holds
    a {{variable}}. Of the layout's options there are those that add text. The parts of a program's
    prompts stand step after step.
    """
    return tuple(
        replace(part, step=name) for name, step in prompt.steps.items() for part in _parts_of(step)
    )


def _parts_of(prompt: Prompt) -> list[Part]:
    parts = [
        Part("instruction", at, piece.strip())
        for at, piece in enumerate(pieces(prompt.instruction))
        if not _TAG.fullmatch(piece)
    ]
    parts += [
        Part("context", at, piece.strip())
        for at, piece in enumerate(_paragraphs(prompt.context))
        if not VARIABLE.search(piece)
    ]
    shown = [f"{demo.user}\n{demo.assistant}" for demo in prompt.demos]
    parts += [Part("demo", at, text) for at, text in enumerate(shown)]
    parts += [Part("cue", 0, prompt.cue.strip())] * bool(prompt.cue)
    default = Layout()
    for at, name in enumerate(LAYOUT):
        value = getattr(prompt.layout, name)
        if value != getattr(default, name):
            told = "the instruction again, after the input" if value is True else f"{name}: {value}"
            parts.append(Part("layout", at, told))
    return parts


def without(prompt: Prompt, parts: Collection[Part]) -> Prompt:
    """The prompt that lacks some of its parts; the same one where there are none to leave out."""
    changed: dict[str, Prompt] = {}
    for name, step in prompt.steps.items():
        gone: set[tuple[Kind, int]] = {(part.kind, part.at) for part in parts if part.step == name}
        changed |= {name: _without(step, gone)} if gone else {}
    return prompt.with_steps(changed) if changed else prompt


def _without(prompt: Prompt, gone: Collection[tuple[Kind, int]]) -> Prompt:
    def kept(kind: Kind, texts: list[str]) -> str:
        left = {at for at in range(len(texts)) if (kind, at) not in gone}
        return "".join(texts) if len(left) == len(texts) else _tidy(_joined(texts, left))

    default = Layout()
    reset = {name: getattr(default, name) for i, name in enumerate(LAYOUT) if ("layout", i) in gone}
    return replace(
        prompt,
        instruction=kept("instruction", pieces(prompt.instruction)),
        context=kept("context", _paragraphs(prompt.context)),
        demos=tuple(demo for at, demo in enumerate(prompt.demos) if ("demo", at) not in gone),
        cue="" if ("cue", 0) in gone else prompt.cue,
        layout=replace(prompt.layout, **reset) if reset else prompt.layout,
    )


def pieces(text: str) -> list[str]:
    """Cut a text into sentences, list items, headings and blocks of code; joined they are it."""
    found: list[str] = []
    for block in _blocks(text):
        whole = _ITEM.match(block) or _APART.match(block) or _FENCE.match(block)
        for piece in [block] if whole else _sentences(block):
            if found and not (_WORD.search(found[-1]) and _WORD.search(piece)):
                found[-1] += piece  # Blanks, or signs alone, on one of both sides.
            else:
                found.append(piece)
    return found


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, list items with their further lines, headings, and fenced blocks."""
    block, fence = "", ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence:
            block += line
            if mark and mark[1] == fence:
                yield block
                block, fence = "", ""
            continue
        starts = mark or _ITEM.match(line) or _APART.match(line)
        after = _APART.match(block) or block.endswith("\n\n") or re.search(r"\n[ \t]+\n\Z", block)
        outside = _ITEM.match(block) and not line[:1].isspace()
        if block and line.strip() and (starts or after or outside):
            yield block
            block = ""
        block += line
        fence = mark[1] if mark else ""
    if block:
        yield block


def _sentences(paragraph: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(paragraph):
        following = paragraph[end.end() : end.end() + 1]
        before = paragraph[start : end.start()]
        if not following or following.islower() or _SHORT.search(before):
            continue
        yield paragraph[start : end.end()]
        start = end.end()
    if start < len(paragraph):
        yield paragraph[start:]


def _paragraphs(text: str) -> list[str]:
    return re.findall(r".+?(?:\n[ \t]*\n\s*|\Z)", text, re.DOTALL)


def _joined(texts: list[str], left: Collection[int]) -> str:
    """Join what is left; where a paragraph's end goes, the paragraph still ends."""
    found = ""
    for at, text in enumerate(texts):
        if at in left:
            found += text
        elif found:
            kept, blanks = found.rstrip(), text[len(text.rstrip()) :]
            found = kept + max(found[len(kept) :], blanks, key=lambda end: end.count("\n"))
    return found


def _tidy(text: str) -> str:
    """Take out what a part has left: blank lines, tags around nothing, blanks at the ends."""
    while _EMPTY.search(text):
        text = _EMPTY.sub("", text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+(?=\n)", "", text)).strip()
