"""What a limit in minutes affords, in calls: told by how fast the first answers come."""

import math
from collections.abc import Sequence
from typing import Any

from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.errors import BudgetExhausted, SettingsError
from apo.evaluation.measure import measure
from apo.run.fit import fit_pools, sample_pools
from apo.storage.journal import Journal
from apo.task import Task

PROBES = 16
"""Answers to the seed prompt by which the speed is told; they count for its measurement."""
SHARE = 0.6
"""The calls that are planned for, of those that the speed lets expect: proposals take longer than
answers, prompts grow, and others may come to use the machine."""
PACED = "paced"
"""Kind of the event in the journal."""


def pace(times: Sequence[tuple[float | None, float]], at_once: int) -> float:
    """Calls a second, from a few that went out together.

    So many at once, each as long as these took on average; but no more than came back a second in
    the middle half of them: a server that takes one after the other answers so, however many wait.

    Args:
        times: of each answer, when it came, or None for an earlier session, and how long it took on
            the wire, in seconds.
        at_once: calls that will be under way at once.
    """
    came = sorted(at for at, _ in times if at is not None)
    mean = sum(took for _, took in times) / max(1, len(times))
    rates = [at_once / mean] if mean > 0 else []
    first, last = len(came) // 4, 3 * len(came) // 4
    if last > first and came[last] > came[first]:
        rates.append((last - first) / (came[last] - came[first]))
    return min(rates, default=math.inf)


async def paced(caller: Caller, endpoint: Endpoint, task: Task, most: int) -> Task:
    """Make the pools small enough for a limit in minutes, as `fit_pools` does for one in calls.

    The speed is measured once in a journal, so that a resumed run has the same pools, and plans
    with the same calls.

    Args:
        caller: asks; its meter plans with the calls that there is time for.
        endpoint: the task model.
        task: the task.
        most: the most calls under way at once.
    """
    if caller.meter.seconds_left is None:
        return task
    known = caller.journal.told(PACED)
    plan = known[0] if known else await _measured(caller, endpoint, task, most)
    caller.meter.planned = math.inf if plan["calls"] is None else int(plan["calls"])
    return fitted(task, plan)


def fitted(task: Task, plan: dict[str, Any]) -> Task:
    """The task with the pools that a run of this pace has."""
    return sample_pools(task, int(plan["validation"]), int(plan["test"]))


async def _measured(caller: Caller, endpoint: Endpoint, task: Task, most: int) -> dict[str, Any]:
    await endpoint.ready()  # What loading takes says nothing of the speed.
    try:
        await measure(caller, endpoint, task, task.seed_prompts[0], task.validation[:PROBES])
    except BudgetExhausted:  # The seed prompt's measurement will say so.
        return _plan(task, math.inf, None)
    rate, left = pace(caller.journal.times(), endpoint.at_once(most)), caller.meter.seconds_left
    calls = None if math.isinf(rate) else int(SHARE * rate * max(0.0, left or 0.0))
    plan = _plan(task, rate, calls)
    caller.journal.note(PACED, endpoint.model.name, plan)
    return plan


def _plan(task: Task, rate: float, calls: int | None) -> dict[str, Any]:
    pools = task
    try:
        pools = fit_pools(task, calls)
    except SettingsError:  # Too few calls for any search: what there is time for is still made.
        pools = sample_pools(task, 2, 2)
    return {
        "calls": calls,
        "rate": None if math.isinf(rate) else float(f"{rate:.3g}"),
        "validation": len(pools.validation),
        "test": len(pools.test),
        "of": [len(task.validation), len(task.test)],
    }


def pace_notes(journal: Journal) -> tuple[str, ...]:
    """Say where the time made pools smaller."""
    return tuple(
        f"The first answers came at {body['rate']:.2g} a second, so that the time lets expect "
        f"about {body['calls']:,} calls: {body['validation']} of {body['of'][0]} validation and "
        f"{body['test']} of {body['of'][1]} test examples are used. A higher --max-minutes uses "
        "more."
        for body in journal.told(PACED)
        if [body["validation"], body["test"]] != body["of"]
    )
