"""What was noticed when rows became pools, in words."""

from collections.abc import Mapping

from apo.data.sampling import Kept, Sample
from apo.data.split import POOLS, Home
from apo.reading.answers import quote


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
    """Say which inputs came several times, and which had different targets."""
    notes: list[str] = []
    every = [kept for home in homes.values() for kept in home.values()]
    copies = sum(kept.copies - 1 for kept in every)
    if copies:
        notes.append(
            f"Rows that repeat the input of another row: {copies}; each input is used once."
        )
    conflicts = sorted((kept for kept in every if kept.other), key=lambda kept: kept.key)
    if conflicts:
        first = conflicts[0]
        text = quote(" | ".join(first.example.inputs.values()))
        answers = [quote(e.target) for e in (first.example, first.other) if e is not None]
        notes.append(
            f"Inputs whose rows have different targets: {len(conflicts)}; one row of each is used "
            f"(such as {text}, which is {answers[0]} and {answers[1]}; {answers[0]} is used)."
        )
    return notes


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
