"""The test rows of a run that were won or lost, as its page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apo.report.allowance import Allowance

MAX_ROWS = 200


@dataclass(frozen=True)
class Shown:
    """The rows of one kind that a page has room for.

    Attributes:
        rows: with the texts cut where they are long.
        n: how many there are in all.
    """

    rows: tuple[Mapping[str, Any], ...]
    n: int


def shown_rows(pairs: Sequence[Mapping[str, Any]], allowance: Allowance) -> Shown:
    """Take as many rows as there is room for.

    Args:
        pairs: as `apo.results.flips.Flips` has them.
        allowance: of all texts.
    """
    rows: list[Mapping[str, Any]] = []
    for pair in pairs[:MAX_ROWS]:
        if allowance.spent:
            break
        rows.append(_row(pair, allowance))
    return Shown(tuple(rows), len(pairs))


def _row(pair: Mapping[str, Any], allowance: Allowance) -> Mapping[str, Any]:
    marks = [f"{column} {value}" for column, value in pair["slices"].items() if value]
    marks += ["must pass"] if pair["must_pass"] else []
    texts = {
        "input": "\n".join(map(str, pair["inputs"].values())),
        "target": " | ".join(map(str, pair["targets"])),
        "seed": pair["seed_output"],
        "best": pair["best_output"],
        "feedback": pair["best_feedback"],
    }
    return {
        "id": pair["id"],
        "marks": marks,
        **{f"{side}_{what}": pair[f"{side}_{what}"] for side in ("seed", "best")
           for what in ("score", "outcome")},
        **{name: allowance.take(str(text)) for name, text in texts.items()},
    }  # fmt: skip
