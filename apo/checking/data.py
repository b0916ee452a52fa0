"""Looks the examples of a task over: labels, repeats, conflicts, lengths, orders to a model."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from apo.audit.detector import detect
from apo.data.columns import is_number
from apo.data.sampling import composed_targets, input_id
from apo.guards.checking import hint_lines, near_lines
from apo.reading.answers import plain, quote
from apo.reading.characters import alike, composed, differ_in, shown, untypeset
from apo.reading.lists import parted
from apo.scorers.label_set import LabelSet
from apo.scorers.text import Contains, Exact
from apo.task import Example, Task

LONG_INPUT = 20_000  # characters
MAX_DETECTED = 5_000  # examples of a pool that are searched for orders, at some 0.3 ms each


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: "error" (the task cannot be used), "warning" (results suffer), "note"
            (what loading did), "ok", or "ping" (what the model answered).
        text: what was found and, where it is bad, what to do.
    """

    level: Literal["error", "warning", "note", "ok", "ping"]
    text: str


Named = Mapping[str, Sequence[Example]]
"""Pools by name."""


def all_examples(pools: Named) -> Iterator[tuple[str, Example]]:
    """Give every example with the name of its pool."""
    for name, pool in pools.items():
        for example in pool:
            yield name, example


def variety_findings(pools: Named) -> Iterator[Finding]:
    """Whether there is anything to learn from the targets."""
    targets = {example.target for _, example in all_examples(pools)}
    if len(targets) == 1:
        same = quote(targets.pop())
        yield Finding("warning", f"All targets are {same}: there is nothing to optimize.")


def label_findings(task: Task, pools: Named) -> Iterator[Finding]:
    """Which labels are missing, and how even they are."""
    if not task.labels:
        return
    for name, pool in pools.items():
        counts = Counter(label for example in pool for label in _labels_of(task, example))
        absent = [label for label in task.labels if pool and not counts[label]]
        if absent:
            yield Finding("warning", f"{name} has no example of {', '.join(map(quote, absent))}.")
    counts = Counter(
        label for _, example in all_examples(pools) for label in _labels_of(task, example)
    )
    if not counts:
        return
    (most, high), (least, low) = counts.most_common()[0], counts.most_common()[-1]
    shares = ", ".join(f"{label} {count}" for label, count in counts.most_common(30))
    if high > 5 * low:
        text = f"Labels are unbalanced: {quote(most)} {high} times, {quote(least)} {low} times."
        if task.metric is None:
            text += " The mean score mostly shows the frequent ones; metric: macro_f1 would not."
        yield Finding("warning" if task.metric is None else "note", text)
    else:
        yield Finding("ok", f"Labels: {shares}.")


def same_label_findings(task: Task) -> Iterator[Finding]:
    """Labels that a person takes for one, and what they differ in."""
    for labels in alike(task.labels):
        named = ", ".join(quote(shown(label)) for label in labels)
        yield Finding(
            "warning",
            f"Labels that differ only in {differ_in(*labels[:2])}: {named}. An answer scores with "
            "one of them alone; make them one in the data.",
        )


def typography_findings(task: Task, pools: Named) -> Iterator[Finding]:
    """Targets in signs that a model may type another way, where the scorer tells them apart."""
    scorer = task.scorer
    if not isinstance(scorer, Exact) or scorer.ignore_typography:
        return
    texts = [target for _, example in all_examples(pools) for target in example.targets]
    set_apart = [text for text in texts if untypeset(text) != composed(text)]
    if not set_apart or len(set_apart) == len(texts):
        return
    ways = differ_in(set_apart[0], untypeset(set_apart[0]))
    name = "contains" if isinstance(scorer, Contains) else "exact"
    yield Finding(
        "warning",
        f"Targets are set in two ways: {len(set_apart)} of {len(texts)} differ from what is typed "
        f"in {ways} (such as {quote(shown(set_apart[0]))}, which is typed "
        f"{quote(untypeset(set_apart[0]))}). An answer that is typed the other way scores 0; say "
        f"scorer: {{name: {name}, ignore_typography: true}} where that means nothing.",
    )


def open_answer_findings(task: Task, pools: Named) -> Iterator[Finding]:
    """Few targets that come again and again, none of which a model can know of."""
    if task.labels or not isinstance(task.scorer, Exact):
        return
    counts = Counter(example.target for _, example in all_examples(pools))
    if len(counts) < 2 or counts.total() < 20 or len(counts) > counts.total() / 2:
        return
    texts = [plain(prompt.text()) for prompt in task.seed_prompts]
    unnamed = [t for t in counts if not is_number(t) and any(plain(t) not in x for x in texts)]
    if len(unnamed) > len(counts) / 2:
        yield Finding(
            "warning",
            f"The seed prompt does not name the answers that are allowed: {len(counts)} different "
            f"targets come again and again (such as {', '.join(map(quote, unnamed[:3]))}), and a "
            "model must guess how they are worded. Name them in the prompt, and under labels.",
        )


def _labels_of(task: Task, example: Example) -> tuple[str, ...]:
    if isinstance(task.scorer, LabelSet):
        return task.scorer.find(example.target) or ()
    return (example.target,)


def list_findings(task: Task, pools: Named) -> Iterator[Finding]:
    """Which of several items in a target is right: any, or all of them together."""
    examples = [example for _, example in all_examples(pools)]
    if isinstance(task.scorer, LabelSet):
        some = sum(len(_labels_of(task, example)) > 1 for example in examples)
        yield Finding(
            "ok",
            f"A target is a set of labels, all right together: {some} of {len(examples)} have "
            f"several; the score is {task.scorer.score}.",
        )
        return
    several = [example for example in examples if len(example.targets) > 1]
    if several:
        shown = ", ".join(map(quote, several[0].targets[:5]))
        yield Finding(
            "note",
            f"Examples with several right answers: {len(several)} (such as {shown}); any one of "
            "them scores 1. Where all must be given, say scorer: label_set (with labels) or set.",
        )
    known = {plain(label) for label in task.labels}
    joined = [
        label
        for label in task.labels
        if any({*map(plain, parts)} <= known for parts in parted(label))
    ]
    if joined:
        yield Finding(
            "warning",
            f"Labels that are made of other labels: {', '.join(map(quote, joined[:5]))}. If each "
            "is a set of labels, say scorer: label_set and list the single ones.",
        )


def overlap_findings(pools: Named) -> Iterator[Finding]:
    """Inputs in two pools: the same ones are errors, those that differ in signs warnings."""
    same = _shared(pools, input_id)
    for (a, b), found in same.items():
        text = f"Inputs of {b} that are also in {a}: {len(found)} (such as {_show(found[0])})"
        yield Finding("error", f"{text}; scores on them say nothing about new inputs.")
    near = list(near_lines(pools))
    for sure, text in near:
        yield Finding("warning" if sure else "note", text)
    if not same and not any(sure for sure, _ in near):
        yield Finding("ok", "No input stands in two pools, not even with other signs or blanks.")


def hint_findings(task: Task) -> Iterator[Finding]:
    """Rows whose label may be wrong."""
    for text in hint_lines(task):
        yield Finding("note", text)


def _shared(pools: Named, key: Callable[[Example], str]) -> dict[tuple[str, str], list[Example]]:
    """The examples whose key was met in an earlier pool, by the two pools."""
    first: dict[str, str] = {}
    shared: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for name, example in all_examples(pools):
        earlier = first.setdefault(key(example), name)
        if earlier != name:
            shared[earlier, name].append(example)
    return shared


def conflict_findings(pools: Named) -> Iterator[Finding]:
    """The same input with different targets."""
    targets: dict[str, set[tuple[str, ...]]] = {}
    shown: dict[str, Example] = {}
    for _, example in all_examples(pools):
        identity = input_id(example)
        targets.setdefault(identity, set()).add(composed_targets(example))
        shown[identity] = example
    bad = [identity for identity, found in targets.items() if len(found) > 1]
    if bad:
        yield Finding(
            "warning",
            f"Inputs with different targets: {len(bad)} (such as {_show(shown[bad[0]])}); "
            "no prompt can be right about both.",
        )


def input_findings(pools: Named) -> Iterator[Finding]:
    """Blank and very long inputs."""
    texts = [example.inputs.values() for _, example in all_examples(pools)]
    blank = sum(not any(map(str.strip, text)) for text in texts)
    if blank:
        yield Finding("error", f"Examples with a blank input: {blank}.")
    sizes = [sum(map(len, text)) for text in texts]
    long = sum(size > LONG_INPUT for size in sizes)
    if long:
        yield Finding(
            "warning",
            f"Inputs of more than {LONG_INPUT} characters: {long} (the longest {max(sizes)}); "
            "they cost much, and may not fit the model.",
        )
    elif sizes:
        mean = sum(sizes) / len(sizes)
        yield Finding("ok", f"Inputs have {mean:.0f} characters on average, {max(sizes)} at most.")


def injection_findings(pools: Named) -> Iterator[Finding]:
    """Inputs that read like orders to the model."""
    found = {
        name: [
            e for e in islice(pool, MAX_DETECTED) if detect("\n".join(e.inputs.values())).injected
        ]
        for name, pool in pools.items()
    }
    counts = ", ".join(f"{name} {len(rows)}" for name, rows in found.items() if rows)
    for name, pool in pools.items():
        if len(pool) > MAX_DETECTED:
            text = (
                f"Of {name}, the first {MAX_DETECTED} inputs were searched for orders to a model."
            )
            yield Finding("note", text)
    if not counts:
        return
    rows = [example for pool in found.values() for example in pool]
    signs = detect("\n".join(rows[0].inputs.values())).signs
    yield Finding(
        "warning",
        f"Inputs that read like orders to the model: {counts} (such as {_show(rows[0])}: "
        f"{', '.join(signs)}). An optimizer model is shown them in fences, as data; the task model "
        "reads them as they are. Look at them: take out what is not meant to be there, and leave "
        "what your users will send (apo audit tells how a prompt stands it).",
    )


def _show(example: Example) -> str:
    return quote(" | ".join(example.inputs.values()))
