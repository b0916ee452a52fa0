"""Writes an instruction when a meta-prompt asks for one; or reasons, or a judgement."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from apo.model import Message
from apo.models.embedded.cues import tied_words
from apo.models.embedded.judging import TAG, judge
from apo.models.embedded.learn import learn
from apo.models.embedded.lists import entries, items
from apo.models.embedded.merging import merge, thin, without
from apo.models.embedded.meta import Assignment, read_assignment
from apo.models.embedded.phrasing import render
from apo.models.embedded.reading import read
from apo.models.embedded.rules import Rules
from apo.models.embedded.text import mentions, sentences, stem, words

MALFORMED = 0.03
"""How often a drawn reply lacks the form asked for, as happens with real models."""
BARE = 0.85
"""How often a drawn instruction asks for the bare answer of its own accord."""
MAX_LENGTH = 1900
"""Longest instruction with cues that is written, in characters; the last cues go first."""
_LATER = 0.7
"""How much the cues of all but the best candidate count, and those of examples beside it."""
_PARENTS = (1, 2, 4, 8)
_REASONS = 8
_SIZES = (8, 12, 16, 24, 32, 40)
_PLAIN_SIZE = 24


def asks_for_writing(messages: Sequence[Message]) -> bool:
    """Whether the last user turn asks for an instruction, and so is a meta-prompt."""
    return read_assignment(tuple(messages)) is not None


def write(messages: Sequence[Message], temperature: float, rng: Random) -> str:
    """Write the instruction that a meta-prompt asks for, in the form that it asks for.

    Args:
        messages: a chat for which `asks_for_writing` holds.
        temperature: 0 writes the one best instruction; above 0 the number of cues, their choice,
            the wording and the rules on form are drawn.
        rng: where draws come from.
    """
    job = read_assignment(tuple(messages)) or Assignment()
    draw = rng if temperature > 0 else None
    if draw and draw.random() < MALFORMED:
        return (
            "제안: 지시문을 더 자세히 쓰세요." if job.korean else "I would add more detail to it."
        )
    if job.tag == TAG:
        last = next(m.content for m in reversed(messages) if m.role == "user")
        return job.dress(judge(last, job.task, job.labels, temperature, rng))
    if not job.wants_instruction:
        return job.dress(_reasons(job))
    return job.dress(compose(job, draw))


def compose(job: Assignment, rng: Random | None) -> str:
    """Put together the text of an instruction from candidates, examples, failures and comments."""
    shown = learn(job.pairs, job.labels) if job.pairs else Rules()
    parents = [rules for rules in map(read, _best(job, rng)) if rules.work != "chat"]
    parents = [rules for rules in parents if shown.work in {"chat", rules.work}]
    known = [*parents, *([shown] if shown.work != "chat" else [])]
    if not known:
        return _reword(job, rng)
    if not job.pairs:  # What the task's description requires is all there is to go by.
        known.append(read(job.task))
    named = tuple(dict.fromkeys(name for rules in known for name in rules.names))
    advice, _ = tied_words(job.notes, "chat", entries(job.notes), named)
    known.append(replace(known[0], cues=advice))
    rules = merge(known, [1.0, *(_LATER for _ in known[1:])])
    if rules.work == "classify":
        rules = without(rules, _misled(job, named))
    size = _PLAIN_SIZE
    if rng:
        size = rng.choice(_SIZES) * (2 if parents else 1)
        rules = thin(rules, size, rng.choice((0.0, 0.1, 0.2)), rng)
    bare = not rng or rules.form.bare or rng.random() < BARE
    rules = replace(rules, form=replace(rules.form, bare=bare))
    style = rng.getrandbits(32) if rng else 0
    while True:
        rules = thin(rules, size)
        text = render(rules, korean=job.korean, rng=Random(style) if rng else None)
        if len(text) <= MAX_LENGTH or size <= 1:
            return text
        size -= 1


def _best(job: Assignment, rng: Random | None) -> list[str]:
    ranked = sorted(job.candidates, key=lambda candidate: -candidate[0])
    return [text for _, text in ranked[: rng.choice(_PARENTS) if rng else 2]]


def _misled(job: Assignment, names: Sequence[str]) -> dict[str, frozenset[str]]:
    """Per wrong answer, the stems of the inputs that got it and that no right example of it has."""
    right: defaultdict[str, set[str]] = defaultdict(set)
    for text, output in job.pairs:
        right[output].update(map(stem, words(text)))
    misled: defaultdict[str, set[str]] = defaultdict(set)
    for text, output, said in job.failures:
        for label in names:
            if label != output and mentions(said, label):
                misled[label].update(set(map(stem, words(text))) - right[label])
    return {label: frozenset(found) for label, found in misled.items()}


def _reasons(job: Assignment) -> str:
    """Say which cues of the examples the best candidate lacks, in lines that a writer can read.

    Without examples, the cues are those that notes on the data name most often.
    """
    cues = learn(job.pairs, job.labels).cues if job.pairs else _noted(job.notes)
    known = [stem(word) for text in _best(job, None)[:1] for word in words(text)]
    if job.candidates:
        first = "지시문에 없는 단서:" if job.korean else "Cues that the instruction does not name:"
    else:
        first = "답마다 자주 나오는 단서:" if job.korean else "Cues that stand with each answer:"
    lines = [first]
    for name, listed in cues.items():
        missing = [cue for cue in listed if stem(cue) not in known][:_REASONS]
        lines += [f"- {name}: {', '.join(missing)}"] if missing else []
    return "\n".join(lines)


def _noted(notes: str) -> dict[str, list[str]]:
    """The cues of "- name: words" lines: those listed most often first."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries(notes):
        found[entry.head].update(items(entry.rest))
    return {name: [cue for cue, _ in counts.most_common()] for name, counts in found.items()}


def _reword(job: Assignment, rng: Random | None) -> str:
    """Say an instruction that holds no rules again, or a generic one when there is none."""
    texts = [text for _, text in job.candidates] or ([job.task] if job.task else [])
    openers = (
        ("글을 주의 깊게 읽으세요.", "차례대로 살펴보세요.")
        if job.korean
        else ("Read the text with care.", "Take it step by step.")
    )
    said = (
        sentences(texts[0])
        if texts
        else ["글을 읽고 답하세요." if job.korean else "Read the text and answer."]
    )
    if not rng:
        return " ".join(said)
    kept = [s for s in said if s not in openers]
    return " ".join([rng.choice(openers), *kept])
