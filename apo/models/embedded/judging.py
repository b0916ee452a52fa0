"""Chooses the better of two sets of answers to the same inputs, without knowing the right ones."""

import json
import math
import re
from collections.abc import Sequence
from random import Random
from typing import Any, cast

from apo.models.embedded.classify import evidence
from apo.models.embedded.reading import read
from apo.models.embedded.rules import Rules
from apo.models.embedded.text import mentions, sentences, words
from apo.models.embedded.values import dates, numbers

TAG = "choice"
"""The tag for the reply by which a judge's meta-prompt is known."""
SHARPNESS = 4.0
"""How clearly a better set is seen at temperature 1: the log-odds of choosing a set that is
better on all inputs by a whole point."""
_PART = 0.5
"""What an answer is worth that holds what is asked for among other words."""
_AGREES = 0.5
"""What it adds that an answer is what the words of the input itself speak for."""
_SHOWN = re.compile(
    r"<input>\n?(?P<input>(?:(?!<input>).)*?)\n?</input>\s*"
    r"<answer name=\"(?P<name>[AB])\">\n?(?P<answer>.*?)\n?</answer>",
    re.DOTALL,
)

Pair = tuple[str, str]


def judge(turn: str, task: str, labels: tuple[str, ...], temperature: float, rng: Random) -> str:
    """Choose a set: "A" or "B".

    A set is worth the mean of its answers: those in the form that the task asks for (an allowed
    label, the bare number, JSON with the keys) are worth 1, those that hold it among other words
    half; an answer that the words of its input speak for is worth more. Where two sets are worth
    the same, a coin decides, so that the order of the sets has no say.

    Args:
        turn: the request, which shows inputs with `<answer name="A">` and `<answer name="B">`.
        task: what is required of the answers.
        labels: the allowed answers, if there is a list of them.
        temperature: 0 for the better set, above 0 for a draw by how much better it is.
        rng: where draws come from.
    """
    rules = read(task)
    sets: dict[str, list[Pair]] = {"A": [], "B": []}
    for match in _SHOWN.finditer(turn):
        sets[match["name"]].append((match["input"].strip(), match["answer"].strip()))
    gap = worth(sets["A"], rules, labels) - worth(sets["B"], rules, labels)
    if temperature > 0:
        odds = math.exp(max(-50.0, min(50.0, SHARPNESS * gap / temperature)))
        return "A" if rng.random() < odds / (1 + odds) else "B"
    return rng.choice("AB") if gap == 0 else "A" if gap > 0 else "B"


def worth(pairs: Sequence[Pair], rules: Rules, labels: tuple[str, ...]) -> float:
    """The mean worth of (input, answer) pairs, from 0 to 1.5; 0 without any."""
    labels = labels or (rules.names if rules.work == "classify" else ())
    if not pairs:
        return 0.0
    if labels:
        return sum(_of_label(text, said, rules, labels) for text, said in pairs) / len(pairs)
    of = {"extract": _of_object, "compute": _of_number}.get(rules.work, _of_text)
    return sum(of(said, rules, text) for text, said in pairs) / len(pairs)


def _of_label(text: str, said: str, rules: Rules, labels: tuple[str, ...]) -> float:
    named = [label for label in labels if mentions(said, label)]
    # "change" stands in "account change": the longer label is the one that is meant.
    named = [n for n in named if not any(n != other and n in other for other in named)]
    if len(named) != 1:
        return 0.0
    spoken = evidence(labels, rules, text)
    agrees = spoken[named[0]] > 0 and spoken[named[0]] == max(spoken.values())
    bare = said.lower().strip(" .") == named[0].lower()
    return (1.0 if bare else _PART) + _AGREES * agrees


def _of_object(said: str, rules: Rules, text: str) -> float:
    start, end = said.find("{"), said.rfind("}") + 1
    try:
        value: Any = json.loads(said[start:end]) if start >= 0 else None
    except (ValueError, RecursionError):
        return 0.0
    if not isinstance(value, dict) or not rules.names:
        return 0.0
    found = cast(dict[str, Any], value)
    there = [name for name in rules.names if name in found]
    fit = sum(_fits(found[name], name, rules, text) for name in there) / len(rules.names)
    bare = said.strip() == said[start:end]
    return len(there) / len(rules.names) * (1.0 if bare else _PART) + _AGREES * fit


def _fits(value: Any, name: str, rules: Rules, text: str) -> bool:
    """Whether a value has its key's type; a text that the input does not hold was made up."""
    kind = rules.kinds.get(name, "text")
    if value is None:
        return name in rules.nulls
    if kind == "integer":
        return isinstance(value, int)
    if kind == "date" and rules.iso_dates:
        return isinstance(value, str) and [d.value for d in dates(value)] == [value]
    return isinstance(value, str) and bool(value) and value in text


def _of_number(said: str, rules: Rules, text: str) -> float:
    found = numbers(said)
    if not found:
        return 0.0
    bare = found[0].start == 0 and found[0].end == len(said.rstrip("."))
    # A problem's answer is rarely one of the numbers that it states.
    new = found[-1].value not in [number.value for number in numbers(text)]
    return (1.0 if bare else _PART) + _AGREES * new


def _of_text(said: str, rules: Rules, text: str) -> float:
    """Of free text only that it answers at all, and shares words with the input, can be seen."""
    if not sentences(said):
        return 0.0
    shared = set(map(str.lower, words(said))) & set(map(str.lower, words(text)))
    return _PART + _AGREES * min(1.0, len(shared) / 5)
