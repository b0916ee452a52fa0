"""Calls outside of a run: models opened, and a caller that pays for what they are asked."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from apo.calls.budget import Budget
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.errors import SettingsError
from apo.evaluation.closing import closing
from apo.evaluation.endpoints import (
    MAX_OUTPUT,
    open_judges,
    open_others,
    open_with,
    require_binding,
)
from apo.model import Model
from apo.models.prices import find_price
from apo.programs.program import Program
from apo.storage.journal import Journal


@asynccontextmanager
async def open_caller(
    models: Sequence[Model | str],
    scorer: object,
    *,
    program: Program | None = None,
    judge_model: str = "",
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> AsyncGenerator[tuple[Caller, list[Endpoint]]]:
    """Open models and a scorer's judges; close them at the end, with all paid answers kept.

    Args:
        models: that answer examples, by name or as objects.
        scorer: the task's; its judges are opened, too.
        program: the task's, which may have steps that other models answer.
        judge_model: who judges where neither scorer nor options say; by default the first model.
        budget: what may be spent; by default no limit.
        options: transport, time-out, concurrency, prices and judge.
        journal: keeps the answers, and gives those that it has; by default one in memory.
        progress: filled in for whoever watches.

    Yields:
        The caller, and an endpoint for each of the models.

    Raises:
        SettingsError: a model cannot be opened, or a price is missing under a limit in dollars, or
            all are free under no other limit.
    """
    options, budget = options or Options(), budget or Budget()
    answering, judges, others, used = _open(models, scorer, program, judge_model, budget, options)
    kept = Journal() if journal is None else journal
    caller = Caller(kept, Meter(budget), limits=options.limits, judges=judges, others=others)
    if progress is not None:
        progress.caller, progress.phase = caller, "evaluate"
    try:
        async with closing(caller, lambda: used, scorer):
            yield caller, answering
    finally:
        if journal is None:
            kept.close()


def _open(
    models: Sequence[Model | str],
    scorer: object,
    program: Program | None,
    judge_model: str,
    budget: Budget,
    options: Options,
) -> tuple[list[Endpoint], dict[str, Endpoint], dict[str, Endpoint], list[Model]]:
    """Who answers, who judges, who answers steps, and every model that was opened for it."""

    def opened(model: Model | str) -> Model:
        return open_with(options, model) if isinstance(model, str) else model

    def endpoint(role: str, model: Model) -> Endpoint:
        price = find_price(model.name, options.prices)
        if price is None and budget.max_usd is not None:
            raise SettingsError(f"The price of {model.name} is unknown; state it with --price.")
        return Endpoint(role, model, price, MAX_OUTPUT[role], options.max_thinking)

    answering = [endpoint("task", opened(model)) for model in models]
    referee = opened(judge_model) if judge_model else None
    if referee is None and answering:
        referee = answering[0].model
    judges = open_judges(scorer, referee, options, endpoint)
    others = open_others(program, options, endpoint)
    asked = (*answering, *judges.values(), *others.values())
    require_binding(asked, budget)
    used = [one.model for one in asked]
    return answering, judges, others, used if referee is None else [*used, referee]
