"""Finds out whether the inputs of each row hold options, of which its target is one."""

from collections.abc import Iterator, Sequence
from typing import Any

from apo.data.cells import Row
from apo.data.options import OPTIONS, option_columns
from apo.scorers.multiple_choice import MultipleChoice
from apo.task import Example

LOOKED_AT = 200
"""Rows, the first ones, that show whether the data are multiple choice."""


def options_settings(
    head: Sequence[Row], inputs: Sequence[str], target: str, notes: list[str]
) -> dict[str, Any] | None:
    """Give the settings of the scorer `multiple_choice`; None where the rows hold no options.

    Args:
        head: the first rows.
        inputs: the columns of the inputs, which are the names of the fields.
        target: the column of the answers.
        notes: what was found is added, in words.
    """
    examples = list(_examples(head, inputs, target))
    if not examples:
        return None
    for options in _places(head[0], inputs):
        fitting = [
            first
            for first in (1, 0)
            if all(_is_right(MultipleChoice(options=options, first=first), e) for e in examples)
        ]
        if not fitting:
            continue
        numbers = all(example.target.strip().isdecimal() for example in examples)
        if len(fitting) == 2 and numbers and _differ(examples, options):
            notes.append(
                f"The numbers of {target!r} are taken to count the options from 1; if they count "
                "from 0, say scorer: {name: multiple_choice, first: 0}."
            )
        found: dict[str, Any] = {"options": list(options)} if options else {}
        return {**found, "first": 0} if fitting[0] == 0 else found
    return None


def _examples(head: Sequence[Row], inputs: Sequence[str], target: str) -> Iterator[Example]:
    for row in head[:LOOKED_AT]:
        texts = {name: row.get(name) or "" for name in inputs}
        if row.get(target) and any(texts.values()):
            yield Example(texts, (row[target] or "",))


def _places(first: Row, inputs: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Where options may stand: in columns of their own, in a list, or in a text."""
    columns = option_columns({name: first.get(name) for name in inputs})
    if columns:
        yield columns
    yield from ((name,) for name in inputs if name.lower() in OPTIONS)
    yield ()


def _is_right(scorer: MultipleChoice, example: Example) -> bool:
    return scorer(example.target, example).value == 1


def _differ(examples: Sequence[Example], options: tuple[str, ...]) -> bool:
    """Whether it makes a difference from where numbers count."""
    from_1, from_0 = MultipleChoice(options=options), MultipleChoice(options=options, first=0)
    return any(from_1.places(e) != from_0.places(e) for e in examples)
