"""Is a changed prompt better than the deployed one, or no worse? Asked no longer than needed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from apo.assessment.looks import Looks, in_order, rows_to_look_at
from apo.calls.budget import Budget, Spent
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.data.split import examples_of
from apo.errors import BudgetExhausted, DataError, SettingsError
from apo.evaluation.evaluation import Rollout
from apo.evaluation.measure import measure_in_turns
from apo.evaluation.outside import open_caller
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.results.paired import tested
from apo.statistics.clusters import n_groups
from apo.statistics.means import CONFIDENCE
from apo.storage.journal import Journal
from apo.task import Example, Task


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What was found of a new prompt against an old one.

    Attributes:
        decision: "better", "worse", or "open": the rows or the budget ended before it was clear.
            With a margin "no worse" stands in the place of "better".
        n: rows with a score under both prompts; a refused request scores 0.
        rows: rows of the split.
        old_score: mean score of the old prompt on them, in [0, 1].
        new_score: mean score of the new prompt on them.
        interval: of new_score - old_score, at 95 % for all looks together; with a margin, where
            all rows were seen, for this one test.
        ungraded: rows that nobody could grade under the one or the other prompt: they are left out
            of the scores, and the decision and the interval hold whatever their grades had been.
        looks: how often was looked.
        refused: of the rows, those on which the old and the new prompt's requests were refused.
        groups: independent groups that the n rows come in; 0 where the task has no groups.
        spent: what it took; kept answers are counted at their price.
        margin: the loss that counts as none, in score; None where a gain is asked for.
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
    margin: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            **{
                name: getattr(self, name)
                for name in ("decision", "n", "rows", "looks", "ungraded", "groups", "margin")
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
    margin: float | None = None,
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Gate:
    """Measure both prompts on more and more rows, until it is clear which one is better.

    The chance that a prompt that is no better is ever called better is at most 2.5 %, however often
    one looks (`apo.assessment.looks`). With a margin all rows are seen, unless the new prompt is
    clearly worse before, and the chance that one which loses more than the margin is called no
    worse is at most 2.5 %.

    Args:
        task: the task. A metric is not looked at: the scores of single rows are.
        old: the prompt in use.
        new: the prompt that is to take its place.
        model: name of the model that answers, or one of your own.
        split: "train", "validation" or "test".
        margin: the loss that counts as none, in score, such as 0.03: is the new prompt no worse?
            None asks whether it is better.
        budget: what it may spend; by default no limit but the split's size.
        options: transport, time-out, concurrency, prices and judge.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        SettingsError: there is no such split, both prompts are the same, or the margin is none.
        DataError: the split is empty.
        Stopped, ModelError: as for `aoptimize`, but not that the budget is over.
    """
    examples = in_order(examples_of(task, split))
    if old == new:
        raise SettingsError("Both prompts are the same; there is nothing to compare.")
    async with open_caller(
        [model],
        task.scorer,
        program=task.program,
        budget=budget,
        options=options,
        journal=journal,
        progress=progress,
    ) as (caller, [answers]):
        return await gated(caller, answers, task, old, new, examples, margin=margin)


async def gated(
    caller: Caller,
    answers: Endpoint,
    task: Task,
    old: Prompt,
    new: Prompt,
    examples: Sequence[Example],
    *,
    margin: float | None = None,
) -> Gate:
    """Do what `agate` does, through a caller that is there.

    Args:
        caller: makes the calls, and keeps to the budget.
        answers: who answers.
        task: the task.
        old: the prompt in use.
        new: the prompt that is to take its place.
        examples: to measure on, at least one, as `in_order` gives them.
        margin: the loss that counts as none; None asks for a gain.

    Raises:
        SettingsError: the margin is not between 0 and 1.
        DataError: no row has a score under both prompts.
    """
    if margin is not None and not 0 < margin < 1:
        raise SettingsError(f"The margin is {margin:g}; as a score it is between 0 and 1.")
    looks, decision = Looks.at(examples), "open"
    for part in rows_to_look_at(examples):
        try:
            before, after = await measure_in_turns(caller, answers, task, [old, new], part)
        except BudgetExhausted:
            break
        looks.add(before, after)
        decision = _decision(looks, margin)
        if decision != "open":
            break
    pairs, interval = looks.pairs, looks.interval
    if not pairs.graded:
        raise DataError("No row has a score under both prompts; there is nothing to compare.")
    if margin is not None and decision == "open" and len(pairs.lowest) == len(examples):
        ends = [tested(found, pairs.groups)[0] for found in (pairs.lowest, pairs.highest)]
        interval = ends[0][0], ends[1][1]
        decision = "no worse" if interval[0] > -margin else "open"
    return Gate(
        decision=decision,
        n=len(pairs.graded),
        rows=len(examples),
        old_score=_mean([a for a, _ in pairs.graded]),
        new_score=_mean([b for _, b in pairs.graded]),
        interval=interval,
        looks=looks.n,
        spent=replace(caller.meter.spent),
        ungraded=pairs.ungraded,
        refused=pairs.refused,
        groups=n_groups(pairs.groups_graded),
        margin=margin,
    )


def _mean(rollouts: Sequence[Rollout]) -> float:
    return sum(r.score.value for r in rollouts if r.score) / len(rollouts)


def _decision(looks: Looks, margin: float | None) -> str:
    alpha = (1 - CONFIDENCE) / 2
    if margin is None and looks.better_p <= alpha:
        return "better"
    return "worse" if looks.worse_p <= alpha else "open"
