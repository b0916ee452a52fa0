"""What the loopback server answers: a function of the request, with no model behind it.

A task request holds a mark `[[EX:17]]` in its last text. It is answered rightly with a chance that
is drawn from everything before the mark, so that prompts differ in quality and searches have
something to find. All others are meta requests, and get a new instruction in the form that they
ask for; those of apo, DSPy, gepa and promptolution are understood. A repeated meta request gets
another variant, as a model would sample one; a request's seed chooses it, too.
"""

import json
import re
from collections import Counter
from hashlib import blake2b
from typing import Any
from zlib import crc32

LABELS = ("billing", "technical", "account", "shipping")
TEST = 1_000_000
"""Examples from this number on belong to a test split; the trace calls them so."""
QUALITY = (0.55, 0.95)
"""Chance of a right answer, of the worst and of the best prompt."""
ADVICE = (
    "Read all of the message first.",
    "Ask who can solve this.",
    "Look past greetings.",
    "Weigh each hint.",
    "Choose what fits best.",
    "Take the main complaint.",
    "Be exact.",
    "Think of what the sender wants.",
)
REMARK = "Short messages of customers, each about one matter that one team takes care of."

_MARK = re.compile(r"\[\[EX:(\d+)\]\]")
_DSPY = re.compile(r"Respond with (?:the corresponding output fields|a JSON object in the)")
_DSPY_FIELD = re.compile(r"\[\[ ## (\w+) ## \]\]|`(\w+)`")
_APO = re.compile(r"between <(\w+)> and </\1> tags")


def draw(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest()) / 2**32


def label_of(number: int) -> str:
    """The right label of an example."""
    return LABELS[int(len(LABELS) * draw(f"label {number}"))]


class Answers:
    """Answers requests; knows which meta requests it has seen.

    Args:
        seed: of the quality of prompts.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seen: Counter[int] = Counter()

    def kind(self, request: dict[str, Any]) -> str:
        """Whether it is a "task" request, one on a "test" example, or a "meta" request."""
        last = _texts(request)[-1]
        found = [] if _asks_for(last) else _MARK.findall(last)
        if not found:
            return "meta"
        return "test" if int(found[-1]) >= TEST else "task"

    def completion(self, request: dict[str, Any]) -> dict[str, Any]:
        """The whole response to a request."""
        texts = _texts(request)
        key = crc32("\0".join(texts).encode("utf-8", "replace"), self._seed)
        contents = [self._content(texts, request.get("seed"), key) for _ in range(_n(request))]
        asked, said = sum(map(len, texts)) // 4 + 1, sum(map(len, contents)) // 4 + 1
        return {
            "id": f"chatcmpl-{key:08x}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": request.get("model", "mock"),
            "choices": [
                {
                    "index": i,
                    "message": {"role": "assistant", "content": content},
                    "finish_reason": "stop",
                }
                for i, content in enumerate(contents)
            ],
            "usage": {
                "prompt_tokens": asked,
                "completion_tokens": said,
                "total_tokens": asked + said,
            },
        }

    def _content(self, texts: list[str], seed: object, key: int) -> str:
        last = texts[-1]
        asked = _asks_for(last)
        if asked is None and _MARK.search(last):
            label = self._label(texts)
            if fields := _dspy_fields(last):
                return _fill(last, fields, label, key)
            return f"This is about one matter.\n<final_answer>{label}</final_answer>"
        key = crc32(f"{seed}".encode(), key)
        self._seen[key] += 1
        key = crc32(b"variant %d" % self._seen[key], key)
        text = _instruction(key)
        if asked == "dspy":
            return _fill(last, _dspy_fields(last), text, key)
        if asked == "gepa":
            return f"The mistakes have something in common.\n```\n{text}\n```"
        if asked == "promptolution":
            return f"<prompt>{text}</prompt>"
        if asked in (None, "instruction"):
            prefix = "<prefix>Label:</prefix>" if "<prefix> and </prefix>" in last else ""
            return f"<instruction>{text}{prefix}</instruction>"
        return f"<{asked}>{REMARK} ({key:08x})</{asked}>"

    def _label(self, texts: list[str]) -> str:
        """The answer to a task request: right or wrong, by its prompt's quality."""
        mark = [*_MARK.finditer(texts[-1])][-1]
        prompt = crc32(b"%d" % self._seed)
        for text in (*texts[:-1], texts[-1][: mark.start()]):
            prompt = crc32(text.encode("utf-8", "replace"), prompt)
        low, high = QUALITY
        chance = low + (high - low) * draw(f"quality {prompt}")
        number = int(mark[1])
        right = label_of(number)
        if draw(f"answer {number} {prompt}") < chance:
            return right
        return LABELS[(LABELS.index(right) + 1) % len(LABELS)]


def _texts(request: dict[str, Any]) -> list[str]:
    """The text of each message; parts of a message are joined."""
    found: list[str] = []
    for message in request["messages"]:
        content = message.get("content") or ""
        if not isinstance(content, str):
            content = "".join(part.get("text", "") for part in content)
        found.append(content)
    return found


def _n(request: dict[str, Any]) -> int:
    return int(request.get("n") or 1)


def _asks_for(last: str) -> str | None:
    """What a meta request asks for: the tag of apo's, or whose it is; None for a task request."""
    if fields := _dspy_fields(last):
        return None if "label" in fields else "dspy"
    if "``` blocks" in last:
        return "gepa"
    if "<prompt>" in last:
        return "promptolution"
    tags = _APO.findall(last)
    return str(tags[0]) if tags else None


def _instruction(key: int) -> str:
    first, second = ADVICE[key % 8], ADVICE[key // 8 % 8]
    return (
        f"{first} {second} Classify the support ticket as one of {', '.join(LABELS)}. "
        f"Give the label in <final_answer> tags. Version {key:08x}."
    )


def _dspy_fields(last: str) -> list[str]:
    """The output fields that an adapter of DSPy's asks for; none for a request of others."""
    asked = [*_DSPY.finditer(last)]
    if not asked:
        return []
    found = _DSPY_FIELD.findall(last, asked[-1].end())
    return [name for name in dict.fromkeys(a or b for a, b in found) if name != "completed"]


def _fill(last: str, fields: list[str], value: str, key: int) -> str:
    """Fill the output fields in the form that the adapter asks for."""
    values: dict[str, str] = {}
    for name in fields:
        if name == "label" or "instruction" in name:
            values[name] = value
        else:
            values[name] = "Label:" if "prefix" in name else f"{REMARK} ({key:08x})"
    if "Respond with a JSON object" in last:
        return json.dumps(values)
    text = "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in values.items())
    return f"{text}[[ ## completed ## ]]"
