"""Induces rules from examples: which words tell the labels, the fields or the operations apart."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from apo.models.embedded.arithmetic import solve
from apo.models.embedded.extract import Candidate, beside, candidates, in_order
from apo.models.embedded.operations import learn_operations
from apo.models.embedded.rules import Kind, Rules
from apo.models.embedded.telling import surfaces, telling
from apo.models.embedded.text import is_function_word, stem, words
from apo.models.embedded.values import dates

Pair = tuple[str, str]


@lru_cache(maxsize=256)
def learn(examples: tuple[Pair, ...], labels: tuple[str, ...]) -> Rules:
    """Induce the rules that examples follow.

    Args:
        examples: (input, answer) pairs; may be few.
        labels: the allowed answers if they are known, else ().

    Returns:
        Rules of the work "classify", "extract" or "compute"; "chat" when there is no pattern.
    """
    answers = [answer.strip() for _, answer in examples]
    objects = [_object(answer) for answer in answers]
    if examples and not labels and all(o is not None for o in objects):
        return _learn_fields([text for text, _ in examples], [o or {} for o in objects])
    if answers and not labels and all(_is_number(answer) for answer in answers):
        rules = learn_operations(examples)
        right = sum(solve(rules, text) == answer for text, answer in examples)
        if right * 2 >= len(answers) or len(set(answers)) * 2 > len(answers):
            return rules
    names = labels or tuple(dict.fromkeys(answers))
    if names and all(len(name.split()) <= 5 for name in names):
        return _learn_labels(examples, names)
    return Rules()


def _object(answer: str) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def _is_number(answer: str) -> bool:
    return re.fullmatch(r"-?\d{1,15}(?:\.\d{1,15})?", answer) is not None


def _learn_labels(examples: Sequence[Pair], names: tuple[str, ...]) -> Rules:
    own = {stem(word) for name in names for word in words(name)}
    tally: dict[str, Counter[str]] = {name: Counter() for name in names}
    size = Counter(answer.strip() for _, answer in examples)
    for text, answer in examples:
        if answer.strip() in tally:
            found = {stem(word) for word in words(text) if not is_function_word(word)}
            tally[answer.strip()].update(found - own)
    show = surfaces(text for text, _ in examples)
    return Rules(work="classify", names=names, cues=telling(tally, size, show))


def _learn_fields(texts: Sequence[str], objects: Sequence[Mapping[str, Any]]) -> Rules:
    names = tuple(dict.fromkeys(key for value in objects for key in value))
    show = surfaces(texts)
    cues: dict[str, tuple[str, ...]] = {}
    against: dict[str, tuple[str, ...]] = {}
    gold: list[dict[str, list[Candidate]]] = [{} for _ in texts]
    kinds: dict[str, Kind] = {
        name: _kind_of([v[name] for v in objects if v.get(name) is not None]) for name in names
    }
    for name in in_order(Rules(names=names, kinds=kinds)):
        right: list[Candidate] = []
        wrong: list[Candidate] = []
        for text, value, known in zip(texts, objects, gold, strict=True):
            found = candidates(text, kinds[name])
            found = beside(found, known, text) if kinds[name] == "text" else found
            known[name] = [candidate for candidate in found if candidate.value == value.get(name)]
            right += known[name]
            wrong += [candidate for candidate in found if candidate.value != value.get(name)]
        tally = {
            "right": _around(right),
            "wrong": {p: n for p, n in _around(wrong).items() if n >= 1.5},
        }
        ranked = telling(tally, {"right": len(right), "wrong": len(wrong)}, show)
        cues[name], against[name] = ranked["right"], ranked["wrong"]
    flat = [value for row in objects for value in row.values()]
    isos = any(isinstance(v, str) and [d.value for d in dates(v)] == [v] for v in flat)
    return Rules(
        work="extract",
        names=names,
        cues=cues,
        against=against,
        kinds=kinds,
        iso_dates=isos,
        nulls=frozenset(n for n in names if any(value.get(n) is None for value in objects)),
    )


def _around(found: Sequence[Candidate]) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for candidate in found:
        for part, near in candidate.near.items():
            total[part] += near
    return total


def _kind_of(values: Sequence[Any]) -> Kind:
    if values and all(isinstance(value, int) for value in values):
        return "integer"
    if values and all(isinstance(value, str) and dates(value) for value in values):
        return "date"
    capital = [value for value in values if isinstance(value, str) and value[:1].isupper()]
    return "name" if values and len(capital) >= 0.8 * len(values) else "text"
