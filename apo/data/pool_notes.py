"""What was noticed when rows became pools, in words."""

from collections.abc import Mapping
from typing import NamedTuple

from apo.data.sampling import Kept, Sample
from apo.data.split import POOLS, Home
from apo.reading.answers import quote

MANY = 0.05
"""Share of the inputs with different targets from which scores rest on which row was taken."""


def sample_notes(samples: Mapping[tuple[str, str], Sample], homes: Mapping[str, Home]) -> list[str]:
    """Say what was not looked at in every row."""
    if not any(sample.dropped for sample in samples.values()):
        return []
    drawn = sum(len(home) for home in homes.values())
    return [
        f"The pools come out of {drawn} inputs drawn by content; repeats and different targets "
        "were looked for among these, missing values and labels in every row."
    ]


def duplicate_notes(homes: Mapping[str, Home]) -> list[str]:
    """Say which inputs came several times."""
    copies = sum(kept.copies - 1 for home in homes.values() for kept in home.values())
    if not copies:
        return []
    return [f"Rows that repeat the input of another row: {copies}; each input is used once."]


class ConflictNotes(NamedTuple):
    """What is said of inputs that had different targets.

    Attributes:
        notes: that, or nothing.
        warnings: the same where there are so many that results suffer.
    """

    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def conflict_notes(homes: Mapping[str, Home]) -> ConflictNotes:
    """Say which inputs had different targets."""
    every = [kept for home in homes.values() for kept in home.values()]
    conflicts = sorted((kept for kept in every if kept.other), key=lambda kept: kept.key)
    if not conflicts:
        return ConflictNotes()
    first = conflicts[0]
    text = quote(" | ".join(first.example.inputs.values()))
    answers = [quote(e.target) for e in (first.example, first.other) if e is not None]
    told = (
        f"Inputs whose rows have different targets: {len(conflicts)} of {len(every)}; one row "
        f"of each is used (such as {text}, which is {answers[0]} and {answers[1]}; {answers[0]} is "
        "used)."
    )
    if len(conflicts) < MANY * len(every):
        return ConflictNotes((told,))
    more = "Scores rest on which row that is: mend the targets, or let a row accept several."
    return ConflictNotes((f"{told} {more}",), (f"{told} {more}",))


def usable_note(
    samples: Mapping[tuple[str, str], Sample], homes: Mapping[str, Home], pools: str
) -> str:
    """Say how many rows can be used, and of how many different inputs, where these are fewer.

    Args:
        samples: what was drawn of all rows.
        homes: the different inputs of that.
        pools: the sizes of the pools, in words.
    """
    rows, inputs = sum(sample.seen for sample in samples.values()), sum(map(len, homes.values()))
    if inputs < rows and not any(sample.dropped for sample in samples.values()):
        return f"{rows} usable rows with {inputs} different inputs; the pools: {pools}."
    return f"{rows} usable row{'s' * (rows != 1)}; the pools: {pools}."


def must_pass_note(pools: Mapping[str, list[Kept]]) -> str:
    """Say where the examples that must pass have come to lie: those of train veto nobody."""
    found = {name: sum(kept.example.must_pass for kept in pools[name]) for name in POOLS}
    told = ", ".join(f"{name} {found[name]}" for name in POOLS)
    if not any(found.values()):
        return "No example of the pools is marked as one that must pass."
    return (
        f"Examples that must pass: {told}. Those of validation can veto a candidate, those of test "
        "the verdict; give them these pools with split: {column: …}."
    )
