"""Takes values out of a text: candidates by type, chosen by the cue words around them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from apo.models.embedded.rules import Kind, Rules
from apo.models.embedded.text import WORD, is_function_word, stem, words
from apo.models.embedded.values import Found, dates, numbers

_TOKEN = re.compile(rf"{WORD.pattern}|[€$£¥₩%]")
_LABELLED = re.compile(
    r"^[ \t>*•·|-]*(?P<label>[^\n:→=|–—?!]{1,40}?)\s*\.*\s*"
    r"(?::|→|=>?|\s[–—-])[ \t]+(?P<value>\S.*)$",
    re.MULTILINE,
)
_CAPITALS = re.compile(r"(?<![\w'’])[^\W\d_a-z가-힣][\w'’-]+(?: [^\W\d_a-z가-힣][\w'’-]+)*")
_AFTER_NUMBER = re.compile(r"[ \t]+(?:[x×][ \t]+)?")
_BEFORE_WEIGHTS = (1.0, 0.8, 0.6, 0.4)
_AFTER_WEIGHTS = (0.6, 0.4)


@dataclass(frozen=True)
class Candidate:
    """A value that could be meant, with the words around it.

    Attributes:
        value: the value as it is to be answered (dates as YYYY-MM-DD).
        written: the value as it stands in the text.
        start: offset of its first character.
        end: offset after its last character.
        near: weight of each stem around it: those of a line's label, the words before, and after.
    """

    value: int | str
    written: str
    start: int
    end: int
    near: Mapping[str, float]


def extract(rules: Rules, text: str) -> str:
    """Give the values of all keys as a JSON object, in the order of the keys.

    A value is the candidate of the key's type whose surroundings hold the most cues. When none
    holds a cue, it is null if the prompt says so of the key, else the first candidate; "" when
    there is no candidate at all. Keys of free text come last, because their cues may name another
    key in brackets: "[quantity]" stands for the value of quantity.
    """
    answer: dict[str, int | str | None] = dict.fromkeys(rules.names)
    chosen: dict[str, tuple[Candidate, ...]] = {}
    for key in in_order(rules):
        kind = rules.kinds.get(key, "text")
        weights = cue_weights(rules, key)
        found = (
            beside(candidates(text, kind), chosen, text)
            if kind == "text"
            else candidates(text, kind)
        )
        best = max(found, key=lambda c: score(weights, c), default=None)
        missing = best is None or score(weights, best) <= 0
        if best is None or (missing and key in rules.nulls):
            answer[key] = None if key in rules.nulls else ""
            continue
        chosen[key] = (best,)
        answer[key] = best.written if kind == "date" and not rules.iso_dates else best.value
    return json.dumps(answer, ensure_ascii=False)


def in_order(rules: Rules) -> list[str]:
    """The keys, those of free text last."""
    return sorted(rules.names, key=lambda key: rules.kinds.get(key, "text") == "text")


def beside(
    found: Sequence[Candidate], chosen: Mapping[str, Sequence[Candidate]], text: str
) -> tuple[Candidate, ...]:
    """Let "[key]" count as a word near every candidate that follows the value of that key."""
    marked: list[Candidate] = []
    for candidate in found:
        near = dict(candidate.near)
        for key, values in chosen.items():
            gaps = (text[value.end : candidate.start] for value in values)
            if any(gap and len(gap) < 25 and not re.search(r"[.,;:!?\n]", gap) for gap in gaps):
                near[f"[{key}]"] = 1.0
        marked.append(replace(candidate, near=near))
    return tuple(marked)


@lru_cache(maxsize=4096)
def cue_weights(rules: Rules, key: str) -> Mapping[str, float]:
    """Weight of each stem for a key, below 0 for those against; without cues, those of its name."""
    cues = rules.cues.get(key) or (key.replace("_", " "),)
    weights: dict[str, float] = {}
    for sign, listed in ((1.0, cues), (-1.0, rules.against.get(key, ()))):
        for rank, cue in enumerate(listed):
            parts = [cue] if cue.startswith("[") else map(stem, _TOKEN.findall(cue))
            for part in parts:
                weights.setdefault(part, sign * (1 - 0.5 * rank / len(listed)))
    return weights


def score(weights: Mapping[str, float], candidate: Candidate) -> float:
    """How strongly the words around a candidate speak for it."""
    return sum(weights.get(part, 0.0) * near for part, near in candidate.near.items())


@lru_cache(maxsize=2048)
def candidates(text: str, kind: Kind) -> tuple[Candidate, ...]:
    """All values of a type in a text, in order."""
    found = numbers(text)
    spans: Sequence[Found]
    if kind == "integer":
        spans = [number for number in found if isinstance(number.value, int)]
    elif kind == "date":
        spans = dates(text)
    elif kind == "name":
        spans = [Found(m.start(), m.end(), m[0]) for m in _CAPITALS.finditer(text)]
        spans = [s for s in spans if not any(a <= s.start < b for a, b in _label_spans(text))]
    else:
        spans = _phrases(text, found)
    marked = _mark_numbers(text, found)
    labels = [(m.start("value"), m.end("value"), m["label"]) for m in _LABELLED.finditer(text)]
    return tuple(
        Candidate(
            span.value,
            text[span.start : span.end],
            span.start,
            span.end,
            _near(marked, labels, span),
        )
        for span in spans
        if not isinstance(span.value, float) and (kind != "text" or not _is_value(span, text))
    )


def _mark_numbers(text: str, found: Sequence[Found]) -> str:
    """Write every number as digits of the same length, so that "two boxes" is "### boxes"."""
    for number in found:
        length = number.end - number.start
        text = text[: number.start] + "0" * length + text[number.end :]
    return text


def _is_value(span: Found, text: str) -> bool:
    """Whether a phrase is nothing but a number or a date."""
    written = text[span.start : span.end].strip()
    return any(f.end - f.start == len(written) for f in (*dates(written), *numbers(written)))


def _label_spans(text: str) -> list[tuple[int, int]]:
    return [match.span("label") for match in _LABELLED.finditer(text)]


def _phrases(text: str, found: Sequence[Found]) -> list[Found]:
    """Values of labelled lines, and the content words that follow a number or its "… of"."""
    spans = [
        Found(m.start("value"), m.start("value") + len(value), value)
        for m in _LABELLED.finditer(text)
        if (value := re.split(r"\s*[,;(|/]|\.\s|\.$| [–—-] ", m["value"])[0].strip())
    ]
    for number in found:
        start = _AFTER_NUMBER.match(text, number.end)
        end = _run(text, start.end()) if start else number.end
        if start and end > start.end():
            spans.append(Found(start.end(), end, text[start.end() : end]))
            if of := re.compile(r" of (?:the |our |your )?").match(text, end):
                stop = _run(text, of.end())
                spans += [Found(of.end(), stop, text[of.end() : stop])] if stop > of.end() else []
    return sorted(spans, key=lambda span: span.start)


def _run(text: str, start: int) -> int:
    """End of the run of up to five content words that starts here, parted by single spaces."""
    end = start
    for _ in range(5):
        match = re.compile(r"(?<!\s) ?[\w'’-]+|[\w'’-]+").match(text, end)
        if not match or is_function_word(match[0].strip()) or match[0].strip().isdigit():
            break
        end = match.end()
    return end


def _near(text: str, labels: Sequence[tuple[int, int, str]], span: Found) -> dict[str, float]:
    near: dict[str, float] = {}
    label = next((name for start, end, name in labels if start <= span.start < end), "")
    for word in words(label):
        near[stem(word)] = 1.0
    start = max(text.rfind("\n", 0, span.start) + 1, span.start - 60)
    before = [stem(word) for word in _TOKEN.findall(text[start : span.start])][::-1]
    after = [stem(word) for word in _TOKEN.findall(text[span.end : span.end + 40].split("\n")[0])]
    for parts, weights in ((before, _BEFORE_WEIGHTS), (after, _AFTER_WEIGHTS)):
        for part, weight in zip(parts, weights, strict=False):
            near[part] = max(near.get(part, 0.0), weight)
    return near
