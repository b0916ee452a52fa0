"""Is a changed prompt better than the deployed one? Asked row by row, and no longer than needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apo.calls.budget import Budget, Spent
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.data.split import examples_of
from apo.errors import BudgetExhausted, DataError, SettingsError
from apo.evaluation.evaluation import Rollout
from apo.evaluation.measure import measure_in_turns
from apo.evaluation.outside import open_caller
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.results.paired import Pairs
from apo.statistics.clusters import by_group, full_bet, group_numbers, n_groups
from apo.statistics.means import CONFIDENCE
from apo.statistics.sequential import anytime_interval, anytime_p
from apo.storage.journal import Journal
from apo.task import Example, Task, text_hash

FIRST = 20
"""Rows of the first look; each next look adds half of what was seen."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What was found of a new prompt against an old one.

    Attributes:
        decision: "better", "worse", or "open": the rows or the budget ended before it was clear.
        n: rows with a score under both prompts; a refused request scores 0.
        rows: rows of the split.
        old_score: mean score of the old prompt on them, in [0, 1].
        new_score: mean score of the new prompt on them.
        interval: of new_score - old_score, at 95 % for all looks together.
        ungraded: rows that nobody could grade under the one or the other prompt: they are left out
            of the scores, and the decision and the interval hold whatever their grades had been.
        looks: how often was looked.
        refused: of the rows, those on which the old and the new prompt's requests were refused.
        groups: independent groups that the n rows come in; 0 where the task has no groups.
        spent: what it took; kept answers are counted at their price.
    """

    decision: str
    n: int
    rows: int
    old_score: float
    new_score: float
    interval: tuple[float, float]
    looks: int
    spent: Spent
    ungraded: int = 0
    refused: tuple[int, int] = (0, 0)
    groups: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            **{
                name: getattr(self, name)
                for name in ("decision", "n", "rows", "looks", "ungraded", "groups")
            },
            "old_score": self.old_score,
            "new_score": self.new_score,
            "difference": self.new_score - self.old_score,
            "interval": list(self.interval),
            "refused": list(self.refused),
            "confidence": CONFIDENCE,
            "spent": self.spent.to_dict(),
        }


async def agate(
    task: Task,
    old: Prompt,
    new: Prompt,
    *,
    model: Model | str = "embedded",
    split: str = "test",
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Gate:
    """Measure both prompts on more and more rows, until it is clear which one is better.

    Looking again and again would make an ordinary test err far more often than it says. This one
    bets (Waudby-Smith and Ramdas, 2024): the chance that a prompt that is no better is ever called
    better is at most 2.5 %, however often one looks. Where rows come in groups, a look takes whole
    groups, and the bets are on the means of groups.

    Args:
        task: the task. A metric is not looked at: the scores of single rows are.
        old: the prompt in use.
        new: the prompt that is to take its place.
        model: name of the model that answers, or one of your own.
        split: "train", "validation" or "test".
        budget: what it may spend; by default no limit but the split's size.
        options: transport, time-out, concurrency, prices and judge.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        SettingsError: there is no such split, or both prompts are the same.
        DataError: the split is empty.
        Stopped, ModelError: as for `aoptimize`, but not that the budget is over.
    """
    examples = _rows(task, split, old, new)
    size = full_bet([example.group for example in examples])
    pairs, looks = Pairs(), 0
    async with open_caller(
        [model],
        task.scorer,
        program=task.program,
        budget=budget,
        options=options,
        journal=journal,
        progress=progress,
    ) as (caller, [answers]):
        for part in _parts(examples):
            if _decision(pairs, size) != "open":
                break
            try:
                before, after = await measure_in_turns(caller, answers, task, [old, new], part)
            except BudgetExhausted:
                break
            pairs.add(before, after)
            looks += 1
    if not pairs.graded:
        raise DataError("No row has a score under both prompts; there is nothing to compare.")
    return _found(pairs, size, rows=len(examples), looks=looks, spent=replace(caller.meter.spent))


def _found(pairs: Pairs, size: float, *, rows: int, looks: int, spent: Spent) -> Gate:
    low, high, weights = _by_group(pairs, size)
    return Gate(
        decision=_decision(pairs, size),
        n=len(pairs.graded),
        rows=rows,
        old_score=_mean([a for a, _ in pairs.graded]),
        new_score=_mean([b for _, b in pairs.graded]),
        interval=(anytime_interval(low, weights)[0], anytime_interval(high, weights)[1]),
        looks=looks,
        spent=spent,
        ungraded=pairs.ungraded,
        refused=pairs.refused,
        groups=n_groups(pairs.groups_graded),
    )


def _rows(task: Task, split: str, old: Prompt, new: Prompt) -> Sequence[Example]:
    examples = examples_of(task, split)
    if old == new:
        raise SettingsError("Both prompts are the same; there is nothing to compare.")
    # By content, which is as good as by chance, and the same whatever order the file has.
    found = sorted(examples, key=lambda example: example.id)
    return sorted(found, key=lambda e: (text_hash([e.group]) if e.group else e.id, e.group))


def _parts(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    """What is measured before each look; no group is divided."""
    numbers = group_numbers([example.group for example in examples])
    pairs = zip(numbers, [*numbers[1:], -1], strict=True)
    ends = [place for place, (one, next_) in enumerate(pairs, 1) if one != next_]
    seen = 0
    while seen < len(examples):
        wanted = max(FIRST, seen + seen // 2)
        end = next((end for end in ends if end >= wanted), len(examples))
        yield examples[seen:end]
        seen = end


def _by_group(pairs: Pairs, size: float) -> tuple[list[float], list[float], list[float]]:
    """What is bet on: each group's lowest and highest mean, and its weight."""
    lowest, sizes = by_group(pairs.lowest, pairs.groups)
    highest, _ = by_group(pairs.highest, pairs.groups)
    low, high = (
        [total / n for total, n in zip(sums, sizes, strict=True)] for sums in (lowest, highest)
    )
    return low, high, [n / size for n in sizes]


def _mean(rollouts: Sequence[Rollout]) -> float:
    return sum(r.score.value for r in rollouts if r.score) / len(rollouts)


def _decision(pairs: Pairs, size: float) -> str:
    alpha = (1 - CONFIDENCE) / 2
    low, high, weights = _by_group(pairs, size)
    if anytime_p(low, weights) <= alpha:
        return "better"
    return "worse" if anytime_p([-value for value in high], weights) <= alpha else "open"
