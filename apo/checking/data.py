"""Looks the inputs of a task over: repeats, conflicts, lengths, orders to a model."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice

from apo.audit.detector import detect
from apo.checking.finding import Finding, Named, all_examples
from apo.data.sampling import composed_targets, input_id
from apo.guards.checking import hint_lines, near_lines
from apo.media import turns_before
from apo.reading.answers import quote
from apo.task import Example, Task

LONG_INPUT = 20_000  # characters
MAX_DETECTED = 5_000  # examples of a pool that are searched for orders, at some 0.3 ms each


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


def injection_findings(pools: Named, history: str = "") -> Iterator[Finding]:
    """Inputs that read like orders to the model; of the history's, what is said counts."""
    found = {
        name: [e for e in islice(pool, MAX_DETECTED) if detect(_said(e, history)).injected]
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
    signs = detect(_said(rows[0], history)).signs
    yield Finding(
        "warning",
        f"Inputs that read like orders to the model: {counts} (such as {_show(rows[0])}: "
        f"{', '.join(signs)}). An optimizer model is shown them in fences, as data; the task model "
        "reads them as they are. Look at them: take out what is not meant to be there, and leave "
        "what your users will send (apo audit tells how a prompt stands it).",
    )


def _said(example: Example, history: str) -> str:
    """The texts of an example's inputs, without the roles of a conversation."""
    turns = turns_before(example.inputs[history]) if history else []
    texts = [text for name, text in example.inputs.items() if name != history]
    return "\n".join([*(said for _, said in turns), *texts])


def _show(example: Example) -> str:
    return quote(" | ".join(example.inputs.values()))
