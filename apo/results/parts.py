"""What the two parts of a winner gave: its instruction and its demos, each beside the seed's."""

from dataclasses import asdict, dataclass
from typing import Any

MOST = 0.8
"""Share of the resamples in which an instruction must do better than the seed's, to be kept."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Four prompts on the same validation examples: two instructions by two sets of demos.

    Attributes:
        n: examples.
        seed: score of the seed prompt, in [0, 1].
        words: of the winner's instruction with the seed's demos; None where it was not measured.
        demos: of the seed's instruction with the winner's demos.
        both: of the winner as the search found it.
        wins: share of the resamples of these examples in which the winner's instruction does
            better than the seed's, both with the winner's demos.
        replaced: whether the seed's instruction took its place.
    """

    n: int
    seed: float
    words: float | None
    demos: float
    both: float
    wins: float
    replaced: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give the figures and the words as JSON values."""
        return {**asdict(self), "text": str(self)}

    def __str__(self) -> str:
        """Tell it in two sentences."""
        words = "" if self.words is None else f"its instruction alone {_percent(self.words)}, "
        told = (
            f"What the parts of the winner gave, on {self.n} validation examples: the seed prompt "
            f"{_percent(self.seed)}, {words}its demos with the seed's instruction "
            f"{_percent(self.demos)}, both {_percent(self.both)}."
        )
        share = f"it does better in {100 * self.wins:.0f} % of resamples"
        if self.replaced:
            return (
                f"{told} These examples do not show that the new instruction adds anything "
                f"({share}, {100 * MOST:.0f} % would do): the seed's takes its place."
            )
        return f"{told} Beside these demos the new instruction counts for that: {share}."


def _percent(score: float) -> str:
    return f"{100 * score:.1f} %"
