"""Why the best prompt scores less on test than on validation: luck in the choice, and the rest."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from apo.evaluation.evaluation import Evaluation
from apo.language.catalogue import message
from apo.statistics.bounded import bounded_interval
from apo.statistics.clusters import by_group, group_numbers
from apo.statistics.selection import luck_of_best, selected

SMALL = 0.02
"""A gap below two points needs no words."""
HARDLY = 0.005
LUCK = 0.1
"""A choice that stands looks this good by luck in fewer resamples."""


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
        luck: how often the best of so many prompts would look this good on the validation examples
            if none were better than the seed, as a share of resamples; None under a metric, and
            where the test split has proven the gain.
        n_raced: prompts that fell out on parts of the validation split.
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
    luck: float | None = None
    n_raced: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give the figures and the words as JSON values."""
        return {**asdict(self), "text": str(self)}

    def __str__(self) -> str:
        """Tell it in one to five sentences; "" when there is hardly a gap, and no luck to tell."""
        told = [self._gap()] if self.validation - self.test >= SMALL else []
        if self.luck is not None and self.luck >= LUCK:
            best = f"Of {self.n_candidates} prompts of which none is better than the seed, the best"
            share = f"{100 * self.luck:.0f} %"
            told += [message(f"{best} would look this good on validation in {share} of resamples.")]
        if told and self.n_raced:
            n = self.n_raced
            told += [
                message(f"{n} more fell out on parts of these examples; that luck is not counted.")
            ]
        return " ".join(told)

    def _gap(self) -> str:
        gap = self.validation - self.test
        told = f"{100 * self.validation:.1f} % on validation, {100 * self.test:.1f} % on test"
        if self.interval is None or self.expected is None:
            return f"{told}: the best of {self.n_candidates} looks better than it is."
        low, high = self.interval
        brings = self._brings
        choice = f"choosing the best of {self.n_candidates} prompts on {self.n_validation} examples"
        told = message(f"{told} (95 % interval {100 * low:.1f} to {100 * high:.1f})")
        if brings < HARDLY:
            told = f"{told}: of the gap of {_points(gap)}, {choice} explains hardly any."
        else:
            share = _figure(brings)
            told = f"{told}: of the gap of {_points(gap)}, about {share} are what {choice} brings."
        return f"{told} {self._rest(gap - brings)}" if gap - brings >= SMALL else told

    @property
    def _brings(self) -> float:
        """What the choice brings of the gap."""
        brings = 0.0 if self.expected is None else self.validation - self.expected
        return min(self.validation - self.test, brings)

    def _rest(self, rest: float) -> str:
        other = message("It is")
        if self._brings >= HARDLY:
            other = f"The other {_figure(rest)} are"
        if self.chance is not None and rest <= self.chance:
            n, n_test = self.n_validation, self.n_test
            return f"{other} within what {n} and {n_test} examples differ by chance."
        if self.seed_fall >= rest / 2:
            return (
                f"The seed prompt, which nobody chose, falls by {_points(self.seed_fall)}, too: "
                "the test examples are harder. Are both drawn from the same data?"
            )
        return (
            f"{other} more than luck explains: the prompt may be fitted to "
            "the validation examples. More of these, or a shorter search, would help."
        )


def explain_gap(
    archive: Sequence[Evaluation],
    seed: Evaluation,
    best: Evaluation,
    *,
    proven: bool = False,
    n_raced: int = 0,
) -> Gap | None:
    """Compare what the best prompt promised with what it kept.

    Args:
        archive: the evaluations on the whole validation split, the best first.
        seed: the seed prompt on the test split.
        best: the best prompt on the test split.
        proven: whether the test split shows that it is better than the seed.
        n_raced: prompts that were measured on parts of the validation split alone.

    Returns:
        The figures; None when the best prompt is the seed, or nothing has a score.
    """
    before = {evaluation.prompt: evaluation for evaluation in archive}
    chosen, start = before.get(best.prompt), before.get(seed.prompt)
    if best.prompt == seed.prompt or chosen is None or start is None:
        return None
    if not (chosen.scored and best.scored):
        return None
    expected = interval = chance = luck = None
    if best.metric is None:
        table = [_scores(evaluation) for evaluation in archive]
        groups = group_numbers([r.example.group for r in chosen.rollouts])
        expected = min(chosen.value, selected(table, groups).corrected)
        luck = (
            None if proven else luck_of_best([_less(row, _scores(start)) for row in table], groups)
        )
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
        luck=luck,
        n_raced=n_raced,
    )


def _scores(evaluation: Evaluation) -> list[float | None]:
    return [None if r.score is None else r.score.value for r in evaluation.rollouts]


def _less(scores: Sequence[float | None], others: Sequence[float | None]) -> list[float | None]:
    """The differences; None where one of the two is missing."""
    pairs = zip(scores, others, strict=True)
    return [None if a is None or b is None else a - b for a, b in pairs]


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
    return message(f"{n} point{'s' * (n != '1')}")
