"""What a run will take, from a few calls of its own; and one prompt measured on one split."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.options import Options
from apo.evaluation.closing import closing
from apo.evaluation.measure import measure
from apo.evaluation.room import answer_room
from apo.run.optimize import DEFAULT_BUDGET
from apo.run.pacing import pace
from apo.run.prepare import Setup
from apo.run.session import Session
from apo.storage.folder import HOME
from apo.task import Task

FEWEST, MOST = 4, 16
"""Probes: as many as calls may be under way at once, within these."""
OPTIMIZER_SHARE = 0.05
OPTIMIZER_INPUT, OPTIMIZER_OUTPUT = 3000, 400
GROWTH = 250


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """About what a run will take until a limit ends it.

    Calls are taken to be like the probes, with prompts that have grown by 250 tokens; of all
    calls 5 % are taken to be the optimizer model's, of 3,000 tokens in and 400 out.

    Attributes:
        run_id: the run that was prepared; `apo resume` starts it and uses the probes' answers.
        probes: calls made to find out.
        calls: calls until the first limit of the budget; None when none of them bounds it.
        input_tokens: tokens of the requests.
        output_tokens: tokens of the answers.
        usd: US dollars; None when a price is unknown.
        minutes: at the speed of the probes, which go out together like the run's calls; None where
            all of them were answers of earlier runs.
        limit: the limit that ends the run first.
        answer_tokens: tokens that an answer to the seed prompt may take, thinking apart.
        validation: examples that every serious candidate is measured on.
        test: examples of the verdict.
    """

    run_id: str
    probes: int
    calls: int | None
    input_tokens: int | None
    output_tokens: int | None
    usd: float | None
    minutes: float | None
    limit: str
    validation: int
    test: int
    answer_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give the estimate as JSON values."""
        return asdict(self)


async def aestimate(
    task: Task | str | Path, optimizer: str = "auto", *, home: Path = HOME, **given: Any
) -> Estimate:
    """Prepare a run, make a few of its calls, and say what the whole will take.

    Args:
        task: as for `aoptimize`.
        optimizer: as for `aoptimize`.
        home: folder that holds `runs/`.
        **given: the rest, as for `aoptimize`.

    Raises:
        The same as `aoptimize`.
    """
    options: Options = given.pop("options", None) or Options()
    defaults: dict[str, Any] = {
        "settings": {},
        "model": "embedded",
        "optimizer_model": None,
        "prompt": None,
        "budget": DEFAULT_BUDGET,
    }
    given = {**defaults, **{name: value for name, value in given.items() if value is not None}}
    setup = Setup(task, optimizer, options=options, **given)
    folder, session = setup.prepare(None, home)
    with folder.open_journal(reuse=options.reuse) as journal:
        meter = Meter(session.budget)
        limits, n = options.limits, min(max(FEWEST, options.max_concurrency), MOST)
        judges, others = session.models.judges, session.models.others
        caller = Caller(journal, meter, limits=limits, judges=judges, others=others)
        examples = session.task.validation[:n]
        seed = session.task.seed_prompts[0]
        async with closing(caller, session.models.opened, session.task.scorer):
            await measure(caller, session.models.task, session.task, seed, examples)
        at_once = session.models.task.at_once(options.max_concurrency)
        rate = pace(journal.times(), at_once)
    folder.set_state("estimated")
    return _project(session, meter, rate)


def _project(session: Session, meter: Meter, rate: float) -> Estimate:
    spent, n, budget = meter.spent, max(1, meter.spent.calls), session.budget
    asks = (spent.input_tokens / n + GROWTH, spent.output_tokens / n)
    writes = (OPTIMIZER_INPUT, OPTIMIZER_OUTPUT)
    tokens_in, tokens_out = (_mix(ask, write) for ask, write in zip(asks, writes, strict=True))
    asking = _dollars(session.models.task, *asks)
    writing = _dollars(session.models.optimizer, *writes)
    usd = None if asking is None or writing is None else _mix(asking, writing)
    minutes = 1 / rate / 60
    per_call = {
        "max_calls": 1.0,
        "max_tokens": tokens_in + tokens_out,
        "max_usd": usd or 0.0,
        "max_minutes": minutes,
    }
    bounds = {
        name: limit / per_call[name]
        for name, limit in asdict(budget).items()
        if limit is not None and per_call[name]
    }
    limit = min(bounds, key=lambda name: bounds[name]) if bounds else ""
    calls = int(bounds[limit]) if bounds else None
    return Estimate(
        run_id=session.folder.id,
        probes=spent.calls,
        calls=calls,
        input_tokens=None if calls is None else round(calls * tokens_in),
        output_tokens=None if calls is None else round(calls * tokens_out),
        usd=None if calls is None or usd is None else calls * usd,
        minutes=calls * minutes if calls is not None and minutes else None,
        limit=limit,
        validation=len(session.task.validation),
        test=len(session.task.test),
        answer_tokens=answer_room(session.task, session.task.seed_prompts[0]),
    )


def _mix(asking: float, writing: float) -> float:
    """Mean over the calls of both models."""
    return (1 - OPTIMIZER_SHARE) * asking + OPTIMIZER_SHARE * writing


def _dollars(endpoint: Endpoint, tokens_in: float, tokens_out: float) -> float | None:
    price = endpoint.price
    if price is None:
        return None
    return (price.input * tokens_in + price.output * tokens_out) / 1e6
