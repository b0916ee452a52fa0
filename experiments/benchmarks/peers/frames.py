"""The embedded model to other frameworks: their requests in its words, its answers in their form.

DSPy writes `[[ ## field ## ]]` markers or asks for JSON, gepa and MLflow fence with ```, and
promptolution puts instruction and input into one turn. The embedded model knows none of it.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from apo.model import Completion, Message, Model, Request
from apo.models.embedded import Embedded
from apo.models.embedded.meta import asked_tag
from apo.models.embedded.reading import read
from experiments.benchmarks.peers.foreign import (
    Shown,
    contrasted,
    shown_examples,
    shown_instructions,
    shown_task,
)

Pair = tuple[str, str]

MARKER = re.compile(r"\[\[ ## (\w+) ## \]\]")
_LISTED = re.compile(r"^\s*\d+\.\s*`(\w+)`", re.MULTILINE)
_NOTES = re.compile(r"(?:one of|Literal\[)[^\n\]]+")
_RESPOND = re.compile(r"Respond with (?:the corresponding output fields|a JSON object)")
_WRITES = re.compile(
    r"\b(?:write|propose|improve|rewrite|revise|generate|provide|create)\b[^.]{0,80}\b(?:instruction|prompt)",
    re.IGNORECASE,
)
_FENCED = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
_INSTRUCTION_NAME = re.compile(r"instruction|prompt", re.IGNORECASE)
_TRIED_NAME = re.compile(r"attempt|previous|tried", re.IGNORECASE)
_NOTES_NAME = re.compile(r"observation|description|feedback|summary", re.IGNORECASE)
_REMARKS = frozenset(("observations", "summary", "module_advice"))
"""Output fields that ask for remarks on data, not for an instruction."""
_ORIGINAL = re.compile(r"Original Instructions:(.*?)(?:^-{5,}|\Z)", re.MULTILINE | re.DOTALL)
_OWN = re.compile(r"<(?:task|labels|example|candidate|comment|style|input|output|answer)\b")
_GREETING = re.compile(r"You are a helpful assistant\.?")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s")
_RULE = re.compile(
    r"(?:answer|reply|respond|return|output|put|give|when unsure|if none|if unsure|otherwise|"
    r"multiply|a negation|write the|these words|look for|typical words|extract|classify)\b"
    r".*[.:>]$|.*(?:세요|단어입니다)[.:]?$",
    re.IGNORECASE,
)
_ASK = "Write one instruction. Reply between <instruction> and </instruction> tags."
_ASK_REMARKS = "Give remarks. Reply between <remarks> and </remarks> tags."
_REPLY = re.compile(r"<(instruction|remarks)>\n(.*)\n</\1>", re.DOTALL)


@dataclass(frozen=True)
class Turned:
    """A request in apo's own words.

    Attributes:
        messages: the chat.
        dress: puts the answer in the form that the framework asked for.
    """

    messages: tuple[Message, ...]
    dress: Callable[[str], str]


class Framed:
    """The embedded model, to whom each request comes in apo's own words."""

    name = "embedded"

    def __init__(self, model: Model | None = None) -> None:
        self._model = model or Embedded()

    async def complete(self, request: Request) -> Completion:
        """Answer the request in the form of its framework."""
        turned = in_own_words(request.messages)
        if turned is None:
            return await self._model.complete(request)
        answer = await self._model.complete(request._replace(messages=turned.messages))
        return answer._replace(text=turned.dress(answer.text))

    async def aclose(self) -> None:
        """Nothing to close."""


def in_own_words(messages: Sequence[Message]) -> Turned | None:
    """Read a request of another framework; None for one that apo could have written."""
    opening = "\n\n".join(m.content for m in messages if m.role == "system")
    users = [m.content for m in messages if m.role == "user"] or [""]
    if frame := read_frame(opening, users[-1]):
        return _writing(frame, framed_values(users[-1])) or _answering(opening, frame, messages)
    if opening and read(opening).names:
        return None
    tag = asked_tag(users[-1])
    if not _OWN.search(users[-1]) and (tag or ("```" in users[-1] and _WRITES.search(users[-1]))):
        if tag and not _INSTRUCTION_NAME.search(tag):
            return None
        return _tagged(users[-1], tag)
    if len(messages) == 2 and _GREETING.fullmatch(opening):
        instruction, text = _split_lines(users[0])
        return Turned((Message("system", instruction), Message("user", text)), str)
    return None


def _tagged(last: str, tag: str) -> Turned:
    """Read a request that wants an instruction in a tag, or in ``` fences."""
    texts = shown_instructions(last) if tag else [(0.0, t) for t in _FENCED.findall(last)[:1]]
    candidates = tuple((score, text.strip()) for score, text in texts if text.strip())
    task, labels = shown_task(last)
    examples = shown_examples(last, _labels_in(candidates))
    notes = "" if examples or candidates else last
    form = f"<{tag}>\n%s\n</{tag}>" if tag else "```\n%s\n```"
    return _ask(examples, candidates, lambda text: form % text, task, labels, notes)


def _writing(frame: "Frame", fields: Mapping[str, str]) -> Turned | None:
    """Read a framed request for an instruction, or for remarks; None for other work."""
    if any(map(_INSTRUCTION_NAME.search, frame.fields)):
        shown = {name: text for name, text in fields.items() if _INSTRUCTION_NAME.search(name)}
        tried = [text for name, text in shown.items() if _TRIED_NAME.search(name)]
        candidates = tuple(c for text in tried for c in shown_instructions(text))
        candidates = candidates or tuple((0.0, text) for text in list(shown.values())[:1])
        names = _labels_in(candidates)
        other = [text for name, text in fields.items() if name not in shown]
        found = next(filter(None, (shown_examples(text, names) for text in other)), ())
        notes = "\n".join(text for name, text in fields.items() if _NOTES_NAME.search(name))
        return _ask(found, candidates, lambda text: frame.filled(text, "Answer:"), notes=notes)
    if not _REMARKS.intersection(frame.fields):
        return None
    modules = re.findall(r"\w+", fields.get("module_names", ""))

    def remark(text: str) -> str:
        told = f"{text}\nOther words say little."  # The remarks are joined without a line break.
        return frame.filled(dict.fromkeys(modules, told) or told, "See below.")

    originals = _ORIGINAL.findall(fields.get("modules_defn", ""))
    candidates = tuple((0.0, text.strip()) for text in originals[:1])
    examples = contrasted(fields) if modules else shown_examples(fields.get("examples", ""), ())
    notes = fields.get("observations", "")
    if not (modules or examples or notes):
        return None
    return _ask(examples, candidates, remark, notes=notes, ask=_ASK_REMARKS)


def _labels_in(candidates: Sequence[tuple[float, str]]) -> tuple[str, ...]:
    """The allowed answers that the tried instructions list."""
    found = (read(text) for _, text in candidates)
    return next((rules.names for rules in found if rules.work == "classify"), ())


def _ask(
    examples: Sequence[Shown],
    candidates: Sequence[tuple[float, str]],
    dress: Callable[[str], str],
    task: str = "",
    labels: str = "",
    notes: str = "",
    *,
    ask: str = _ASK,
) -> Turned:
    """Ask as apo's meta-prompts do; a reply that lacks its form is handed on as it is."""
    parts = [
        *([f"<task>\n{task}\n</task>"] if task else []),
        *([f"<labels>\n{labels}\n</labels>"] if labels else []),
        *(
            f'<candidate score="{score:g}">\n{text}\n</candidate>'
            for score, text in candidates or [(0.0, "")]
        ),
        *(
            f"<example>\n<input>\n{text}\n</input>\n<output>\n{right}\n</output>\n"
            + (f"<answer>\n{said}\n</answer>\n" if said else "")
            + "</example>"
            for text, right, said in examples
        ),
        *([notes] if notes else []),
        ask,
    ]

    def dressed(text: str) -> str:
        reply = _REPLY.fullmatch(text)
        return dress(reply[2]) if reply else text

    return Turned((Message("user", "\n".join(parts)),), dressed)


def _answering(opening: str, frame: "Frame", messages: Sequence[Message]) -> Turned:
    """Read a framed request of a task; the last field holds the answer."""
    target = frame.fields[-1] if frame.fields else ""
    turns = [m for m in messages if m.role != "system"]
    chat = [Message("system", f"{framed_instruction(opening)}\nNothing else.")]
    for user, answer in zip(turns[:-1:2], turns[1::2], strict=False):
        if shown := framed_values(answer.content).get(target):
            text = "\n".join(framed_values(user.content).values())
            chat += [Message("user", text), Message("assistant", shown)]
    chat.append(Message("user", "\n".join(framed_values(turns[-1].content).values())))
    thought = "I looked at the words of the text."
    return Turned(tuple(chat), lambda text: frame.dress({target: text} if target else {}, thought))


def _split_lines(turn: str) -> Pair:
    """Split a turn in which the input starts on the line after the instruction.

    The instruction is the first line and those after it that list bullets or state a rule, but
    not the last line; where worked examples stand between the two, all before the last "Input:".
    """
    before, shown, text = turn.rpartition("\nInput:\n")
    if shown:
        return before, text
    lines = turn.split("\n")
    count = 1
    while count < len(lines) - 1 and (_BULLET.match(lines[count]) or _RULE.match(lines[count])):
        count += 1
    return "\n".join(lines[:count]), "\n".join(lines[count:])


@dataclass(frozen=True)
class Frame:
    """The output side of a frame.

    Attributes:
        fields: names of the output fields, in order.
        as_json: the fields are wanted as one JSON object.
    """

    fields: tuple[str, ...]
    as_json: bool = False

    def dress(self, values: Mapping[str, str | Mapping[str, str]], default: str) -> str:
        """Write the fields, objects as JSON; those without a value get the default."""
        filled = {field: values.get(field, default) for field in self.fields}
        if self.as_json:
            return json.dumps(filled, ensure_ascii=False)
        parts = [
            f"[[ ## {field} ## ]]\n"
            + (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for field, value in filled.items()
        ]
        return "\n\n".join([*parts, "[[ ## completed ## ]]"])

    def filled(self, reply: str | Mapping[str, str], default: str) -> str:
        """Write the reply into the fields that are for it."""
        wanted = {
            field: reply
            for field in self.fields
            if field in _REMARKS or _INSTRUCTION_NAME.search(field)
        }
        return self.dress(wanted, default)


def read_frame(opening: str, last: str) -> Frame | None:
    """Read the output fields that a system message declares; None when there is no frame."""
    if not (MARKER.search(opening) and MARKER.search(last)):
        return None
    listed = opening.partition("output fields are:")[2].partition("[[ ##")[0]
    request = _RESPOND.split(last)[-1] if _RESPOND.search(last) else ""
    as_json = "Respond with a JSON object" in last and not MARKER.search(request)
    return Frame(tuple(_LISTED.findall(listed)), as_json)


def framed_instruction(opening: str) -> str:
    """The task description inside a frame, with the allowed answers that the frame lists."""
    before, _, objective = opening.partition("objective is:")
    lines = [line.strip() for line in (objective or opening).strip().splitlines()]
    if notes := _NOTES.findall(before):
        lines.append(notes[-1].replace("one of:", "Answer with one of:"))
    return "\n".join(lines)


def framed_values(text: str) -> dict[str, str]:
    """Read the fields of a turn."""
    parts = MARKER.split(_RESPOND.split(text)[0])
    return {
        name: value.strip()
        for name, value in zip(parts[1::2], parts[2::2], strict=True)
        if name != "completed"
    }
