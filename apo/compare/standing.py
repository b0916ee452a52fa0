"""From rows to standings: on each task, and over all of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from apo.compare.collect import CellRow
from apo.statistics import (
    critical_difference,
    friedman_p,
    holm,
    interval,
    mean,
    ranks,
    signed_rank_p,
    within,
)

Interval = tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class MethodStanding:
    """One optimizer on one task, or over all of them (then each figure is a mean over tasks).

    Attributes:
        optimizer: its label.
        n: runs that count.
        seed_score: mean test score of the seed prompt, in [0, 1].
        score: mean test score of the chosen prompts.
        score_interval: of it, by the spread over seeds; None from one seed.
        gain: mean of their difference.
        gain_interval: of it.
        rank: 1 is the highest score; a mean of ranks over tasks.
        behind: the best one's score minus this one's, mean over the seeds that both have.
        behind_interval: of it, paired by seed; an interval above 0 is a difference.
        p_value: of "no different from the best", by Wilcoxon's signed ranks over pairs (seeds,
            or tasks and seeds), corrected by Holm for the number of optimizers; None for the best.
        favourable: share of runs with a favourable verdict.
        seed_chars: length of the seed prompt, in characters.
        chars: mean length of the chosen prompts.
        calls: mean calls of a run.
        tokens: mean tokens of a run, in and out.
        usd: mean dollars of a run; None when unknown.
        minutes: mean running time of a run.
    """

    optimizer: str
    n: int
    seed_score: float
    score: float
    score_interval: Interval
    gain: float
    gain_interval: Interval
    rank: float
    behind: float
    behind_interval: Interval
    p_value: float | None
    favourable: float
    seed_chars: float
    chars: float
    calls: float
    tokens: float
    usd: float | None
    minutes: float


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Who stands where.

    Attributes:
        task: the task; "" for all together.
        standings: the best first.
        n_test: the fewest and the most test examples of a run.
        runs: how many rows there are.
    """

    task: str
    standings: tuple[MethodStanding, ...]
    n_test: tuple[int, int]
    runs: int

    @property
    def equal_terms(self) -> bool:
        """Whether all runs of a task were judged on as many test examples."""
        return self.n_test[0] == self.n_test[1]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What came of an experiment.

    Attributes:
        name: of the experiment.
        tasks: the ranking on each task.
        overall: the ranking over all tasks, of the optimizers that have a run on each.
        left_out: the optimizers that have not.
        friedman_p: of "all optimizers are alike"; None with fewer than two tasks or three
            optimizers.
        critical_difference: between two mean ranks; None with fewer than two tasks.
        problems: what is missing or unequal, in words.
    """

    name: str
    tasks: tuple[Ranking, ...]
    overall: Ranking
    left_out: tuple[str, ...]
    friedman_p: float | None
    critical_difference: float | None
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return asdict(self)

    def _repr_html_(self) -> str:
        """The rankings as tables, for a notebook."""
        from apo.display.page import part

        several = len(self.tasks) > 1 and bool(self.overall.standings)
        return part("comparison", self, [self.overall] * several + [*self.tasks])

    def rows(self) -> list[dict[str, Any]]:
        """Give a row for each optimizer on each task; the task "" is all of several together."""
        rankings = [self.overall] * (len(self.tasks) > 1) + [*self.tasks]
        return [{"task": r.task, **asdict(s)} for r in rankings for s in r.standings]


def compare(name: str, rows: Sequence[CellRow], problems: Iterable[str] = ()) -> Comparison:
    """Rank the optimizers.

    Args:
        name: of the experiment.
        rows: of finished cells.
        problems: what is known to be missing.
    """
    by_task = _grouped((row.task, row) for row in rows)
    labels = list(dict.fromkeys(row.optimizer for row in rows))
    tasks = tuple(_rank_task(task, found) for task, found in by_task.items())
    whole = [
        label
        for label in labels
        if all(any(row.optimizer == label for row in found) for found in by_task.values())
    ]
    overall, table = _rank_overall(tasks, whole, by_task)
    unequal = [
        f"On {ranking.task} the runs were judged on {ranking.n_test[0]} to {ranking.n_test[1]} "
        "test examples, so their scores are not on equal terms."
        for ranking in tasks
        if not ranking.equal_terms
    ]
    return Comparison(
        name=name,
        tasks=tasks,
        overall=overall,
        left_out=tuple(label for label in labels if label not in whole),
        friedman_p=friedman_p(table),
        critical_difference=critical_difference(len(whole), len(table)),
        problems=(*problems, *unequal),
    )


def _grouped(pairs: Iterable[tuple[str, CellRow]]) -> dict[str, list[CellRow]]:
    groups: dict[str, list[CellRow]] = {}
    for key, row in pairs:
        groups.setdefault(key, []).append(row)
    return groups


def _rank_task(task: str, rows: Sequence[CellRow]) -> Ranking:
    groups = {label: [found] for label, found in _grouped((r.optimizer, r) for r in rows).items()}
    scores = {label: mean([row.best_score for row in rows]) for label, (rows,) in groups.items()}
    places = dict(zip(scores, ranks(list(scores.values())), strict=True))
    return _ranking(task, groups, places, rows)


def _rank_overall(
    tasks: Sequence[Ranking], labels: Sequence[str], by_task: Mapping[str, Sequence[CellRow]]
) -> tuple[Ranking, list[list[float]]]:
    """Rank among those that have a run on every task; also their scores, a row for each task."""
    scores = [{s.optimizer: s.score for s in ranking.standings} for ranking in tasks]
    table = [[row[label] for label in labels] for row in scores] if labels else []
    by_place = [ranks(row) for row in table]
    places = {label: mean([row[j] for row in by_place]) for j, label in enumerate(labels)}
    groups = {
        label: [[r for r in rows if r.optimizer == label] for rows in by_task.values()]
        for label in labels
    }
    every = [row for rows in by_task.values() for row in rows if row.optimizer in groups]
    return _ranking("", groups, places, every), table


def _ranking(
    task: str,
    groups: Mapping[str, Sequence[Sequence[CellRow]]],
    places: Mapping[str, float],
    rows: Sequence[CellRow],
) -> Ranking:
    """Put the optimizers in order, each compared with the best.

    Args:
        task: the task; "" for all.
        groups: the rows of each optimizer, a list for each task.
        places: the rank of each.
        rows: all of them.
    """
    order = sorted(groups, key=lambda label: (places[label], -_score(groups[label]), label))
    behind = {label: _differences(groups[order[0]], groups[label]) for label in order[1:]}
    raw = [signed_rank_p([d for group in found for d in group]) for found in behind.values()]
    p_values = dict(zip(behind, holm(raw), strict=True))
    standings = tuple(
        _standing(label, groups[label], places[label], behind.get(label, []), p_values.get(label))
        for label in order
    )
    counts = [row.n_test for row in rows] or [0]
    return Ranking(
        task=task, standings=standings, n_test=(min(counts), max(counts)), runs=len(rows)
    )


def _score(groups: Sequence[Sequence[CellRow]]) -> float:
    return mean([mean([row.best_score for row in group]) for group in groups])


def _differences(
    best: Sequence[Sequence[CellRow]], other: Sequence[Sequence[CellRow]]
) -> list[list[float]]:
    """How much the best scores above the other, seed by seed, a list for each task."""
    found: list[list[float]] = []
    for group, others in zip(best, other, strict=True):
        scores = {row.seed: row.best_score for row in group}
        found.append([scores[r.seed] - r.best_score for r in others if r.seed in scores])
    return [group for group in found if group]


def _standing(
    label: str,
    groups: Sequence[Sequence[CellRow]],
    place: float,
    behind: Sequence[Sequence[float]],
    p_value: float | None,
) -> MethodStanding:
    def average(name: str) -> float:
        return mean([mean([float(getattr(row, name)) for row in group]) for group in groups])

    def values(name: str) -> list[list[float]]:
        return [[float(getattr(row, name)) for row in group] for group in groups]

    rows = [row for group in groups for row in group]
    priced = all(row.usd is not None for row in rows)
    return MethodStanding(
        optimizer=label,
        n=len(rows),
        seed_score=average("seed_score"),
        score=average("best_score"),
        score_interval=within(interval(values("best_score")), 0.0, 1.0),
        gain=average("gain"),
        gain_interval=within(interval(values("gain")), -1.0, 1.0),
        rank=place,
        behind=mean([mean(group) for group in behind]) if behind else 0.0,
        behind_interval=within(interval(behind), -1.0, 1.0),
        p_value=p_value,
        favourable=average("favourable"),
        seed_chars=average("seed_chars"),
        chars=average("best_chars"),
        calls=average("calls"),
        tokens=average("input_tokens") + average("output_tokens"),
        usd=average("usd") if priced else None,
        minutes=average("minutes"),
    )
