"""Reads a meta-prompt: the data that it shows, and the form in which it wants the reply."""

import re
from dataclasses import dataclass
from functools import lru_cache

from apo.model import Message
from apo.models.embedded.lists import labels as labels_in
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
_SHOWN = re.compile(r"<(task|labels|example|candidate)\b[^>\n]*>.*?</\1>", re.DOTALL)
_ASK = re.compile(r"<(?P<tag>[A-Za-z_]+)>(?P<between>[^<]{0,80})</(?P=tag)>")
_INSTRUCTION_NAME = re.compile(r"instruction|prompt", re.IGNORECASE)


@dataclass(frozen=True)
class Assignment:
    """What a meta-prompt shows and wants.

    Attributes:
        task: the description of the task.
        labels: the allowed answers, if it lists them.
        pairs: (input, right output) of all examples.
        failures: (input, right output, what the model said).
        candidates: (score, text) of instructions; 0 where no score stands.
        tag: the tag for the reply.
        notes: what stands outside the data: the request, and comments on the instruction.
        korean: whether to write Korean.
    """

    task: str = ""
    labels: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    failures: tuple[tuple[str, str, str], ...] = ()
    candidates: tuple[tuple[float, str], ...] = ()
    tag: str = ""
    notes: str = ""
    korean: bool = False

    @property
    def wants_instruction(self) -> bool:
        """Whether the reply is to be an instruction, and not a comment on one."""
        return bool(_INSTRUCTION_NAME.search(self.tag))

    def dress(self, text: str) -> str:
        """Put the reply in the form asked for."""
        return f"<{self.tag}>\n{text}\n</{self.tag}>"


@lru_cache(maxsize=256)
def read_assignment(messages: tuple[Message, ...]) -> Assignment | None:
    """Read a meta-prompt; None for a chat whose last user turn asks for no instruction."""
    if not messages:
        return None
    last = next((m.content for m in reversed(messages) if m.role == "user"), "")
    if messages[0].role == "system" and read(messages[0].content).names:
        return None  # The system message gives other work; the turn is an input to it.
    tag = asked_tag(last)
    if not tag:
        return None
    whole = "\n".join(m.content for m in messages)
    blocks = list(_BLOCK.finditer(whole))
    labels = re.search(r"<labels>(.*?)</labels>", whole, re.DOTALL)
    task = re.search(r"<task>(.*?)</task>", whole, re.DOTALL)
    pairs = tuple((b["input"].strip(), b["output"].strip()) for b in blocks)
    outputs = " ".join(output for _, output in pairs)
    return Assignment(
        task=task[1].strip() if task else "",
        labels=labels_in(labels[1]) if labels else (),
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


def asked_tag(turn: str) -> str:
    """The tag in which the reply is wanted: one around a short text, mentioned, not used; or ""."""
    found = [
        m["tag"] for m in _ASK.finditer(turn) if m.start() > 0 and m["tag"].lower() not in _DATA
    ]
    wanted = [tag for tag in found if _INSTRUCTION_NAME.search(tag)]
    shows_data = "<example>" in turn or "<candidate" in turn
    return (wanted or (found if shows_data else []) or [""])[-1]
