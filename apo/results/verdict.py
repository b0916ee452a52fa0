"""Is the best prompt better than the seed? Answered once, on the untouched test split.

Both prompts are measured on the same examples. The difference of their means comes with an
interval and a p-value that agree: Gaffke's, for a mean of bounded values, which is McNemar's exact
test where every score is 0 or 1 (`apo.statistics.bounded`; docs/decisions/0020-intervals.md).
Where a metric of all answers is compared, they are a bootstrap interval and a permutation test.
Where examples belong together in groups, groups are counted, drawn and swapped, and not examples
(`apo.statistics.clusters`; docs/decisions/0025-groups.md).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apo.errors import ApoError
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.evaluation.must_pass import broken
from apo.results.constants import Constant, best_constant, shares
from apo.results.paired import Pairs, tested
from apo.results.words import in_groups, missing, sentence
from apo.scorers.metrics.metric import over_rows
from apo.statistics.bounded import bounded_interval
from apo.statistics.clusters import LEAST_GROUPS, group_numbers, n_groups
from apo.statistics.counts import mcnemar_p
from apo.statistics.means import CONFIDENCE
from apo.statistics.planning import rows_needed, visible_gain
from apo.statistics.resampling import bootstrap_of, swap_p
from apo.task import Metric, Task

SEEN = 1 + 0.8416 / 1.96
"""A gain of so many times what the interval reaches down is proven 8 times of 10."""
MAX_CLASSES = 20
"""Targets for which a row that was not seen is made up, to bound the measurements."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Seed against best on the test split.

    Attributes:
        n: examples with a score under both prompts; a refused request scores 0.
        seed_score: mean score of the seed prompt on them, in [0, 1].
        best_score: mean score of the best prompt on them, in [0, 1].
        interval: of best_score - seed_score, at 95 %.
        p_value: of "there is no difference", two-sided.
        wins: examples on which the best prompt scored higher.
        losses: examples on which the seed prompt scored higher.
        seed_counts: right, wrong, malformed and errors of the seed prompt; and, where there are
            any, its requests that were refused, and its answers that were cut, which count among
            the others.
        best_counts: the same for the best prompt.
        complete: whether all the test examples that were set aside were measured.
        visible_gain: the smallest gain that so many examples show with 80 % power, as far apart
            as these two prompts are; None where not even a gain of 1 would be.
        rows_needed: how many examples would show this gain; None where there is no gain, or it
            takes more than a million.
        broken: ids of the test examples that must pass, and that the seed prompt alone gets right.
        constant: the best constant answer; None where no answer fits several examples, or scoring
            it takes calls.
        form_wins: wins on examples that the seed prompt answered in a form that could not be read:
            a gain in form, where the others are one in content.
        shares: by answer its share of the targets, of the seed prompt's answers and of the best
            one's; empty where targets are no classes.
        ungraded: examples that nobody could grade under the one or the other prompt. They are left
            out of the scores; the interval and the p-value hold whatever their grades had been.
        groups: independent groups that the examples come in, those that stand alone included; 0
            where the task has no groups.
    """

    n: int
    seed_score: float
    best_score: float
    interval: tuple[float, float]
    p_value: float
    wins: int
    losses: int
    seed_counts: dict[str, int]
    best_counts: dict[str, int]
    complete: bool = True
    visible_gain: float | None = None
    rows_needed: int | None = None
    broken: tuple[str, ...] = ()
    constant: Constant | None = None
    form_wins: int = 0
    shares: Mapping[str, Sequence[float]] = field(default_factory=dict[str, Sequence[float]])
    ungraded: int = 0
    groups: int = 0

    @property
    def difference(self) -> float:
        """How much the best prompt scored above the seed prompt."""
        return self.best_score - self.seed_score

    @property
    def favourable(self) -> bool:
        """Whether the best prompt is the one to use.

        The gain is beyond noise, no example that must pass is lost, and a constant answer is
        beaten as well.
        """
        return self.proven and not self.broken and (self.constant is None or self.constant.beaten)

    @property
    def proven(self) -> bool:
        """Whether the gain is beyond noise: the interval is above 0, and so says the test."""
        return self.interval[0] > 0 and self.p_value <= 1 - CONFIDENCE

    def __str__(self) -> str:
        """Tell the verdict in a sentence or two."""
        told = sentence(self.to_dict())
        told += f" {missing(self.ungraded)}" if self.ungraded else ""
        return told if self.favourable else f"{told} {self.advice}"

    @property
    def advice(self) -> str:
        """What gain so many test examples can show, and how many this one would take."""
        rows = f"{self.n} test example" + "s" * (self.n != 1) + in_groups(self.groups)
        if self.visible_gain is None:
            told = f"With {rows} no gain can be seen"
            told += f"; it takes {LEAST_GROUPS} groups at least" * (0 < self.groups < LEAST_GROUPS)
        else:
            told = f"With {rows} a gain under about {100 * self.visible_gain:.0f} points may well "
            told += "stay unseen"
        if self.rows_needed is None or self.rows_needed <= self.n:
            return f"{told}."
        points = f"{100 * self.difference:.1f} points"
        alike = " in groups like these" if self.groups else ""
        return f"{told}; to see {points} takes about {_round(self.rows_needed):,}{alike}."

    def to_dict(self) -> dict[str, Any]:
        """Give the verdict as JSON values."""
        return {
            "favourable": self.favourable,
            "proven": self.proven,
            "n": self.n,
            "seed_score": self.seed_score,
            "best_score": self.best_score,
            "difference": self.difference,
            "interval": list(self.interval),
            "confidence": CONFIDENCE,
            "p_value": self.p_value,
            "wins": self.wins,
            "losses": self.losses,
            "seed_counts": self.seed_counts,
            "best_counts": self.best_counts,
            "complete": self.complete,
            "visible_gain": self.visible_gain,
            "rows_needed": self.rows_needed,
            "broken": list(self.broken),
            "constant": None if self.constant is None else self.constant.to_dict(),
            "form_wins": self.form_wins,
            "shares": {answer: list(found) for answer, found in self.shares.items()},
            "ungraded": self.ungraded,
            "groups": self.groups,
            "advice": "" if self.favourable else self.advice,
        }


def judge(
    seed: Evaluation, best: Evaluation, *, complete: bool = True, task: Task | None = None
) -> Verdict:
    """Compare two evaluations of the same examples, pair by pair.

    A refused request scores 0. Where an answer has no grade, what is proven holds for any grade.

    Args:
        seed: the seed prompt.
        best: the best prompt, on the same examples.
        complete: whether all test examples were measured.
        task: scores constant answers, to compare with; without it none are.

    Raises:
        ApoError: no example has a score under both prompts.
    """
    metric = best.metric
    pairs = Pairs().add(seed, best)
    if not pairs.graded:
        raise ApoError("No test example has a score under both prompts; there is no verdict.")
    if metric is None:
        sides = zip(*pairs.graded, strict=True)
        before, after = (Evaluation(e.prompt, r) for e, r in zip((seed, best), sides, strict=True))
    else:  # It reads the answers, graded or not.
        before, after = seed, best
    third = None if task is None else best_constant(after, task)
    return Verdict(
        n=len(before.rollouts),
        seed_score=before.value,
        best_score=after.value,
        wins=sum(d > 0 for d in pairs.differences),
        losses=sum(d < 0 for d in pairs.differences),
        seed_counts={**seed.counts(), **seed.cuts()},
        best_counts={**best.counts(), **best.cuts()},
        complete=complete,
        broken=tuple(example.id for example in broken(seed, best)),
        constant=None if third is None else _against(third, after),
        form_wins=sum(
            a.outcome == "malformed"
            for (a, _), gain in zip(pairs.graded, pairs.differences, strict=True)
            if gain > 0
        ),
        shares=shares(before, after),
        ungraded=0 if metric else pairs.ungraded,
        groups=n_groups([r.example.group for r in before.rollouts]),
        **_found(seed, best),
    )


def _against(third: Evaluation, best: Evaluation) -> Constant:
    found = _found(third, best)
    return Constant(
        answer=third.rollouts[0].output,
        score=third.value,
        interval=found["interval"],
        p_value=found["p_value"],
    )


def _found(before: Evaluation, after: Evaluation) -> dict[str, Any]:
    """Interval, p-value and plan."""
    if after.metric is not None:
        return _of_metric(after.metric, list(zip(before.rollouts, after.rollouts, strict=True)))
    pairs = Pairs().add(before, after)
    return _of_ungraded(pairs) if pairs.ungraded else _of_scores(pairs.differences, pairs.groups)


def _of_scores(differences: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    """Interval, p-value and plan for a mean of scores."""
    n, gain = len(differences), sum(differences) / len(differences)
    interval, p_value = _tested(differences, groups)
    if any(groups) or not {*differences} <= {-1.0, 0.0, 1.0}:
        return {"p_value": p_value, **_planned(n, gain, interval, n_groups(groups))}
    different = (differences.count(1.0) + differences.count(-1.0)) / n
    return {
        "interval": interval,
        "p_value": p_value,
        "visible_gain": visible_gain(n, different),
        "rows_needed": rows_needed(gain, different) if gain > 0 else None,
    }


def _of_ungraded(pairs: Pairs) -> dict[str, Any]:
    """The same where grades are missing: what holds whatever they would have been."""
    ends = [_tested(found, pairs.groups) for found in (pairs.lowest, pairs.highest)]
    ends.append(_tested(pairs.differences, pairs.groups_graded))
    interval = min(low for (low, _), _ in ends), max(high for (_, high), _ in ends)
    # Where the missing grades decide which prompt is ahead, some of them would make both alike.
    decided = sum(pairs.lowest) > 0 or sum(pairs.highest) < 0
    p_value = max(p for _, p in ends) if decided else 1.0
    n, gain = len(pairs.differences), sum(pairs.differences) / len(pairs.differences)
    # More examples would not bring the grades that are missing.
    planned = _planned(n, gain, interval, n_groups(pairs.groups_graded))
    return {**planned, "p_value": p_value, "rows_needed": None}


def _tested(
    differences: Sequence[float], groups: Sequence[str]
) -> tuple[tuple[float, float], float]:
    if any(groups) or not {*differences} <= {-1.0, 0.0, 1.0}:
        return tested(differences, groups)
    p_value = mcnemar_p(differences.count(1.0), differences.count(-1.0))
    return bounded_interval(differences), p_value


def _of_metric(metric: Metric, pairs: Sequence[tuple[Rollout, Rollout]]) -> dict[str, Any]:
    """Interval, p-value and plan for a figure of all answers together.

    A row that was not seen is, at its worst, one that the seed prompt gets right and the best one
    wrong, of the class where that costs most; and a group that was not seen is as many such rows as
    a group has on average.
    """
    import numpy as np

    n, groups = len(pairs), [a.example.group for a, _ in pairs]
    unseen = list({a.example.target: a.example for a, _ in pairs}.values())[:MAX_CLASSES]
    examples = [a.example for a, _ in pairs] + 2 * unseen
    targets, none = [example.target for example in unseen], [""] * len(unseen)
    before = [a.output for a, _ in pairs] + targets + none
    after = [b.output for _, b in pairs] + none + targets
    # Row i is the seed prompt's answer to an example, row i + size the best one's to the same.
    figure, size = over_rows(metric, before + after, 2 * examples), len(examples)
    rows, numbers = np.arange(n), np.array(group_numbers(groups))
    units: list[Any] = [np.flatnonzero(numbers == number) for number in range(max(numbers) + 1)]
    k = len(units)
    units += [np.full(math.ceil(n / k), row) for row in range(n, n + 2 * len(unseen))]

    def swapped(swap: Any) -> float:
        there = size * np.asarray(swap, dtype=int)[numbers]
        return figure(rows + size - there) - figure(rows + there)

    def drawn_gain(drawn: Any) -> float:
        found: Any = np.concatenate([units[unit] for unit in drawn])
        return figure(found + size) - figure(found)

    interval = bootstrap_of(
        drawn_gain,
        k,
        worst=range(k, k + len(unseen)),
        best=range(k + len(unseen), k + 2 * len(unseen)),
    )
    gain = figure(rows + size) - figure(rows)
    return {"p_value": swap_p(swapped, k), **_planned(n, gain, interval, n_groups(groups))}


def _planned(n: int, gain: float, interval: tuple[float, float], groups: int = 0) -> dict[str, Any]:
    """The interval, the smallest gain that can be seen, and the rows that this gain would take.

    The rows are in groups like these, where there are any.
    """
    visible = SEEN * (gain - interval[0])
    # What the interval reaches down shrinks with the root of the rows, or faster.
    needed = math.ceil(n * (visible / gain) ** 2) if gain > 0.001 else None
    return {
        "interval": interval,
        "visible_gain": None if visible > 1 or 0 < groups < LEAST_GROUPS else visible,
        "rows_needed": needed,
    }


def _round(n: int) -> int:
    """To two digits: it rests on a gain that is itself uncertain."""
    return round(n, 2 - len(str(n)))
