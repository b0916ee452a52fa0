"""Looks the targets of a task over: labels, their balance and spelling, lists of items."""

from collections import Counter
from collections.abc import Iterator

from apo.checking.finding import Finding, Named, all_examples
from apo.data.amounts import is_number
from apo.reading.answers import plain, quote
from apo.reading.characters import alike, composed, differ_in, shown, untypeset
from apo.reading.lists import parted
from apo.scorers.label_set import LabelSet
from apo.scorers.text import Contains, Exact
from apo.task import Example, Task


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
            f"Labels that differ only in {differ_in(*labels)}: {named}. An answer scores with "
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
