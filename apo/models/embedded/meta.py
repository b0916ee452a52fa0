"""Reads a meta-prompt: the data that it shows, and the form in which it wants the reply."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from apo.model import Message
from apo.models.embedded.foreign import (
    Shown,
    contrasted,
    shown_examples,
    shown_instructions,
    shown_task,
)
from apo.models.embedded.frames import Frame, framed_values, read_frame
from apo.models.embedded.lists import items
from apo.models.embedded.reading import read
from apo.models.embedded.text import listed, mostly_korean

_DATA = frozenset(listed("task labels example input output answer feedback candidate"))
_BLOCK = re.compile(
    r"<input>\n?(?P<input>(?:(?!<input>).)*?)\n?</input>\s*<output>\n?(?P<output>.*?)\n?</output>"
    r"(?:\s*<answer>\n?(?P<answer>.*?)\n?</answer>)?",
    re.DOTALL,
)
_CANDIDATE = re.compile(
    r"<candidate(?:\s+score=\"?(?P<score>[\d.]+)%?\"?)?[^>\n]*>\n?(?P<text>.*?)\n?</candidate>",
    re.DOTALL,
)
_OWN = re.compile(r"<(?:task|labels|example|candidate|comment|style|input|output|answer)\b")
_SHOWN = re.compile(r"<(task|labels|example|candidate)\b[^>\n]*>.*?</\1>", re.DOTALL)
_ASK = re.compile(r"<(?P<tag>[A-Za-z_]+)>(?P<between>[^<]{0,80})</(?P=tag)>")
_WRITES = re.compile(
    r"\b(?:write|propose|improve|rewrite|revise|generate|provide|create)\b[^.]{0,80}\b(?:instruction|prompt)",
    re.IGNORECASE,
)
_FENCED = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
_INSTRUCTION_NAME = re.compile(r"instruction|prompt", re.IGNORECASE)
_TRIED_NAME = re.compile(r"attempt|previous|tried", re.IGNORECASE)
_NOTES_NAME = re.compile(r"observation|description|feedback|summary", re.IGNORECASE)
_REMARKS = frozenset(listed("observations summary module_advice"))
"""Output fields of other frameworks that ask for remarks on data, not for an instruction."""
_ORIGINAL = re.compile(r"Original Instructions:(.*?)(?:^-{5,}|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Assignment:
    """What a meta-prompt shows and wants.

    Attributes:
        task: the description of the task.
        labels: the allowed answers, if it lists them.
        pairs: (input, right output) of all examples.
        failures: (input, right output, what the model said).
        candidates: (score, text) of instructions; 0 where no score stands.
        tag: the tag for the reply; "" for another form.
        frame: the frame of output fields that the reply is wanted in, if any.
        notes: what stands outside the data: the request, and comments on the instruction.
        korean: whether to write Korean.
        modules: the parts of a program that each want the reply, by name.
    """

    task: str = ""
    labels: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    failures: tuple[tuple[str, str, str], ...] = ()
    candidates: tuple[tuple[float, str], ...] = ()
    tag: str = ""
    frame: Frame | None = None
    notes: str = ""
    korean: bool = False
    modules: tuple[str, ...] = ()

    @property
    def wants_instruction(self) -> bool:
        """Whether the reply is to be an instruction, and not a comment on one."""
        if self.frame:
            return any(map(_INSTRUCTION_NAME.search, self.frame.fields))
        return not self.tag or bool(_INSTRUCTION_NAME.search(self.tag))

    def dress(self, text: str) -> str:
        """Put the reply in the form asked for."""
        if self.frame:
            reply = dict.fromkeys(self.modules, text) or text
            wanted = {
                field: reply
                for field in self.frame.fields
                if field in _REMARKS or _INSTRUCTION_NAME.search(field)
            }
            return self.frame.dress(wanted, "Answer:" if self.wants_instruction else "See below.")
        return f"<{self.tag}>\n{text}\n</{self.tag}>" if self.tag else f"```\n{text}\n```"


@lru_cache(maxsize=256)
def read_assignment(messages: tuple[Message, ...]) -> Assignment | None:
    """Read a meta-prompt; None for a chat whose last user turn asks for no instruction."""
    if not messages:
        return None
    last = next((m.content for m in reversed(messages) if m.role == "user"), "")
    if messages[0].role == "system" and "[[ ## " not in last and read(messages[0].content).names:
        return None  # The system message gives other work; the turn is an input to it.
    if frame := read_frame(messages[0].content, last):
        return _framed(frame, framed_values(last))
    tag = _asked_tag(last)
    if not (tag or ("```" in last and _WRITES.search(last))):
        return None
    whole = "\n".join(m.content for m in messages)
    if not (tag and _OWN.search(whole)):
        return _foreign(last, tag)
    blocks = list(_BLOCK.finditer(whole))
    labels = re.search(r"<labels>(.*?)</labels>", whole, re.DOTALL)
    task = re.search(r"<task>(.*?)</task>", whole, re.DOTALL)
    pairs = tuple((b["input"].strip(), b["output"].strip()) for b in blocks)
    outputs = " ".join(output for _, output in pairs)
    return Assignment(
        task=task[1].strip() if task else "",
        labels=items(labels[1]) if labels else (),
        pairs=pairs,
        failures=tuple(
            (b["input"].strip(), b["output"].strip(), b["answer"]) for b in blocks if b["answer"]
        ),
        candidates=tuple(
            (float(m["score"] or 0), text)
            for m in _CANDIDATE.finditer(whole)
            if (text := m["text"].strip())
        ),
        tag=tag,
        notes=_SHOWN.sub("", whole),
        korean=mostly_korean(re.sub(r"</?\w+[^>]*>", "", whole)) or mostly_korean(outputs),
    )


def _foreign(last: str, tag: str) -> Assignment:
    """Read a request of another framework that wants the reply in a tag, or in ``` fences."""
    texts = shown_instructions(last) if tag else [(0.0, t) for t in _FENCED.findall(last)[:1]]
    candidates = tuple((score, text.strip()) for score, text in texts if text.strip())
    task, labels = shown_task(last)
    examples = shown_examples(last, _labels_in(candidates))
    notes = "" if examples or candidates else last
    return _assign(examples, candidates, tag=tag, task=task, labels=items(labels), notes=notes)


def _framed(frame: Frame, fields: Mapping[str, str]) -> Assignment | None:
    """Read a request in which each field stands under its marker."""
    if any(map(_INSTRUCTION_NAME.search, frame.fields)):
        shown = {name: text for name, text in fields.items() if _INSTRUCTION_NAME.search(name)}
        tried = [text for name, text in shown.items() if _TRIED_NAME.search(name)]
        candidates = tuple(c for text in tried for c in shown_instructions(text))
        candidates = candidates or tuple((0.0, text) for text in list(shown.values())[:1])
        names = _labels_in(candidates)
        other = [text for name, text in fields.items() if name not in shown]
        found = (shown_examples(text, names) for text in other)
        notes = "\n".join(text for name, text in fields.items() if _NOTES_NAME.search(name))
        return _assign(next(filter(None, found), ()), candidates, frame=frame, notes=notes)
    if not _REMARKS.intersection(frame.fields):
        return None
    if "module_advice" in frame.fields:
        originals = _ORIGINAL.findall(fields.get("modules_defn", ""))
        candidates = tuple((0.0, text.strip()) for text in originals[:1])
        modules = re.findall(r"\w+", fields.get("module_names", ""))
        examples = contrasted(fields)
        return _assign(examples, candidates, frame=frame, modules=tuple(modules))
    examples = shown_examples(fields.get("examples", ""), ())
    notes = fields.get("observations", "")
    return _assign(examples, (), frame=frame, notes=notes) if examples or notes else None


def _labels_in(candidates: tuple[tuple[float, str], ...]) -> tuple[str, ...]:
    """The allowed answers that the tried instructions list."""
    found = (read(text) for _, text in candidates)
    return next((rules.names for rules in found if rules.work == "classify"), ())


def _assign(
    examples: tuple[Shown, ...],
    candidates: tuple[tuple[float, str], ...],
    *,
    tag: str = "",
    frame: Frame | None = None,
    task: str = "",
    labels: tuple[str, ...] = (),
    notes: str = "",
    modules: tuple[str, ...] = (),
) -> Assignment:
    """An assignment in which another framework's English stands around the data."""
    outputs = [right for _, right, _ in examples]
    return Assignment(
        task=task,
        labels=labels,
        pairs=tuple((text, right) for text, right, _ in examples),
        failures=tuple(example for example in examples if example[2]),
        candidates=candidates,
        tag=tag,
        frame=frame,
        notes=notes,
        korean=mostly_korean(" ".join([*outputs, *(text for _, text in candidates)])),
        modules=modules,
    )


def _asked_tag(turn: str) -> str:
    """The tag in which the reply is wanted: one around a short text, mentioned, not used."""
    found = [
        m["tag"] for m in _ASK.finditer(turn) if m.start() > 0 and m["tag"].lower() not in _DATA
    ]
    wanted = [tag for tag in found if _INSTRUCTION_NAME.search(tag)]
    shows_data = "<example>" in turn or "<candidate" in turn
    return (wanted or (found if shows_data else []) or [""])[-1]
