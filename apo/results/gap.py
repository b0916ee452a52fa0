"""Why the best prompt scores less on test than on validation: luck in the choice, and the rest."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from apo.evaluation.evaluation import Evaluation
from apo.statistics.bounded import bounded_interval
from apo.statistics.clusters import by_group, group_numbers
from apo.statistics.selection import selected

SMALL = 0.02
"""A gap below two points needs no words."""
HARDLY = 0.005


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The scores of the best prompt on validation and on test, and what lies between.

    Attributes:
        n_candidates: prompts that were measured on the whole validation split.
        n_validation: its examples with a score.
        n_test: test examples with a score.
        validation: the value of the best prompt there; too high, as the highest of several.
        expected: what a choice like this is worth on new examples; None under a metric.
        test: its value on the test split.
        interval: of that, at 95 %; None under a metric.
        chance: by how much the scores of one prompt on two such splits may differ by chance; None
            under a metric.
        seed_fall: how much less the seed prompt, which nobody chose, has on test than on
            validation.
    """

    n_candidates: int
    n_validation: int
    n_test: int
    validation: float
    expected: float | None
    test: float
    interval: tuple[float, float] | None
    chance: float | None
    seed_fall: float

    def to_dict(self) -> dict[str, Any]:
        """Give the figures and the words as JSON values."""
        return {**asdict(self), "text": str(self)}

    def __str__(self) -> str:
        """Tell it in one to three sentences; "" when there is hardly a gap."""
        gap = self.validation - self.test
        if gap < SMALL:
            return ""
        told = f"{100 * self.validation:.1f} % on validation, {100 * self.test:.1f} % on test"
        if self.interval is None or self.expected is None:
            return f"{told}: the best of {self.n_candidates} looks better than it is."
        low, high = self.interval
        luck = self._luck
        choice = f"choosing the best of {self.n_candidates} prompts on {self.n_validation} examples"
        told += f" (95 % interval {100 * low:.1f} to {100 * high:.1f}): of the gap of "
        told += f"{_points(gap)}, "
        if luck < HARDLY:
            told += f"{choice} explains hardly any."
        else:
            told += f"about {_figure(luck)} are what {choice} brings."
        return f"{told} {self._rest(gap - luck)}" if gap - luck >= SMALL else told

    @property
    def _luck(self) -> float:
        """What the choice brings of the gap."""
        brings = 0.0 if self.expected is None else self.validation - self.expected
        return min(self.validation - self.test, brings)

    def _rest(self, rest: float) -> str:
        other = f"The other {_figure(rest)} are" if self._luck >= HARDLY else "It is"
        if self.chance is not None and rest <= self.chance:
            n = f"{self.n_validation} and {self.n_test} examples"
            return f"{other} within what {n} differ by chance."
        if self.seed_fall >= rest / 2:
            return (
                f"The seed prompt, which nobody chose, falls by {_points(self.seed_fall)}, too: "
                "the test examples are harder. Are both drawn from the same data?"
            )
        return (
            f"{other} more than luck explains: the prompt may be fitted to "
            "the validation examples. More of these, or a shorter search, would help."
        )


def explain_gap(archive: Sequence[Evaluation], seed: Evaluation, best: Evaluation) -> Gap | None:
    """Compare what the best prompt promised with what it kept.

    Args:
        archive: the evaluations on the whole validation split, the best first.
        seed: the seed prompt on the test split.
        best: the best prompt on the test split.

    Returns:
        The figures; None when the best prompt is the seed, or nothing has a score.
    """
    before = {evaluation.prompt: evaluation for evaluation in archive}
    chosen, start = before.get(best.prompt), before.get(seed.prompt)
    if best.prompt == seed.prompt or chosen is None or start is None:
        return None
    if not (chosen.scored and best.scored):
        return None
    expected = interval = chance = None
    if best.metric is None:
        table = [[None if r.score is None else r.score.value for r in e.rollouts] for e in archive]
        groups = group_numbers([r.example.group for r in chosen.rollouts])
        expected = min(chosen.value, selected(table, groups).corrected)
        interval, before_low = _interval(best), _interval(chosen)[0]
        # The half widths of two independent means add up as their squares do.
        chance = math.hypot(interval[1] - best.value, chosen.value - before_low)
    return Gap(
        n_candidates=len(archive),
        n_validation=len(chosen.scored),
        n_test=len(best.scored),
        validation=chosen.value,
        expected=expected,
        test=best.value,
        interval=interval,
        chance=chance,
        seed_fall=start.value - seed.value,
    )


def _interval(evaluation: Evaluation) -> tuple[float, float]:
    """Of the mean score, at 95 %."""
    # The statistics are for values from -1 to 1.
    values = [2 * r.score.value - 1 for r in evaluation.scored if r.score]
    low, high = bounded_interval(*by_group(values, [r.example.group for r in evaluation.scored]))
    return (low + 1) / 2, (high + 1) / 2


def _figure(share: float) -> str:
    return f"{100 * share:.0f}"


def _points(share: float) -> str:
    n = _figure(share)
    return f"{n} point" + "s" * (n != "1")
