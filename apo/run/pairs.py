"""Two prompts on the test split, example by example, as far as the budget goes."""

from collections.abc import Sequence

from apo.calls.budget import Budget
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.errors import BudgetExhausted
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.evaluation.measure import measure, measure_in_turns
from apo.evaluation.turns import drawn_order
from apo.prompts.prompt import Prompt
from apo.task import Example, Task

AT_ONCE = 25_000
"""Test examples that are measured at once where calls alone are limited, and those are held back;
with both prompts they fit in one batch of a Batch API."""


def part_size(task_model: Endpoint, budget: Budget, max_concurrency: int) -> int:
    """How many examples to measure before the next: few where the budget may end among them."""
    may_end = budget.meters_tokens or budget.max_minutes is not None
    return max(50, max_concurrency) if may_end and not task_model.patient else AT_ONCE


async def measure_both(
    caller: Caller,
    task_model: Endpoint,
    task: Task,
    seed: Prompt,
    best: Prompt,
    *,
    part_size: int,
) -> tuple[Evaluation, Evaluation, bool] | None:
    """Measure both prompts on the test split in turns, by parts, so that pairs stay pairs.

    Args:
        caller: asks.
        task_model: answers the examples.
        task: has the test split.
        seed: the seed prompt.
        best: the best prompt, which may be the same.
        part_size: examples to measure at once.

    Returns:
        Both on the examples that there were means for, and whether these are all; None for none.
    """
    rollouts: dict[Prompt, tuple[Rollout, ...]] = {seed: (), best: ()}
    complete = True
    for start in range(0, len(task.test), part_size):
        part = task.test[start : start + part_size]
        try:
            measured = await measure_in_turns(caller, task_model, task, list(rollouts), part)
        except BudgetExhausted:
            complete, left = False, caller.meter.seconds_left
            in_time = left is None or left > 0
            both = list(rollouts)
            measured = [] if in_time else await _answered(caller, task_model, task, both, part)
        for evaluation in measured:
            rollouts[evaluation.prompt] += evaluation.rollouts
        if not complete:
            break
    if not rollouts[seed]:
        return None
    metric = task.metric
    before = Evaluation(seed, rollouts[seed], metric)
    return before, Evaluation(best, rollouts[best], metric), complete


async def _answered(
    caller: Caller,
    task_model: Endpoint,
    task: Task,
    prompts: Sequence[Prompt],
    part: Sequence[Example],
) -> list[Evaluation]:
    """The examples of a part, up to the first that is not, that all prompts can still have."""
    found: list[Evaluation] = []
    for example in part:
        try:
            found += [
                await measure(caller, task_model, task, prompt, [example])
                for prompt in drawn_order(prompts, example)
            ]
        except BudgetExhausted:
            break
    return found
