"""What the guards have to say about a task before a run; part of `apo check`."""

from collections.abc import Iterator

from apo.data.near import MAX_COMPARED, Named, nearly_same, pair_notes, same_but_signs
from apo.guards.contract import plain, turns
from apo.guards.copies import Copies
from apo.guards.labels import MAX_ROWS, label_hints
from apo.reading.answers import quote
from apo.task import Example, Task

MOST_LABELS = 50
"""Different targets up to which a task without labels counts as one of labels."""


def near_lines(pools: Named) -> Iterator[tuple[bool, str]]:
    """Tell inputs that are nearly the same.

    Yields:
        Whether it is sure, as they differ in signs alone; and the text.
    """
    for pair, text in (*pair_notes(same_but_signs(pools)), *pair_notes(nearly_same(pools))):
        yield pair.only_signs, text
    total = sum(map(len, pools.values()))
    if total > MAX_COMPARED:
        yield (
            False,
            f"Of {total} inputs, the first {MAX_COMPARED} were compared letter by letter; those "
            "that differ in case, blanks and punctuation alone were looked for in all.",
        )


def hint_lines(task: Task) -> Iterator[str]:
    """Tell rows whose label may be wrong."""
    rows = [*task.train, *task.validation, *task.test]
    if not task.labels and len({example.target for example in rows}) > MOST_LABELS:
        return
    hints = label_hints(rows)
    for hint in hints:
        yield (
            f"Hint: {quote(hint.example.target)} is the label of {_show(hint.example)}; inputs "
            f"with such words are mostly {quote(hint.label)}, like {_show(hint.neighbour)}. Is its "
            "label right?"
        )
    if hints and len(rows) > MAX_ROWS:
        yield f"Of {len(rows)} rows, the first {MAX_ROWS} were looked at for hints."


def seed_lines(task: Task) -> Iterator[str]:
    """Tell what of validation and test the seed prompts show already."""
    for name, pool in (("validation", task.validation), ("test", task.test)):
        shown = turns(pool, {prompt.template for prompt in task.seed_prompts})
        copies = Copies(pool, [task.description, *task.labels])
        effect = f"so its score on {name} is too good. Take it out of the prompt, or of {name}"
        for prompt in task.seed_prompts:
            for demo in prompt.demos:
                if plain(demo.user) in shown:
                    yield f"A demo of the seed prompt is a row of {name}, {effect}: " + quote(
                        demo.user
                    )
            copied = copies.find(f"{prompt.instruction}\n{prompt.context}")
            if copied:
                yield f"The seed prompt holds a row of {name}, {effect}: {quote(copied)}"


def _show(example: Example) -> str:
    return quote(" | ".join(example.inputs.values()))
