"""What a run will take, from a few calls of its own; and one prompt measured on one split."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.options import Options
from apo.evaluation.closing import closing
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.measure import measure
from apo.evaluation.room import answer_room
from apo.run.expected import Part, parts, told
from apo.run.models import RunModels
from apo.run.optimize import DEFAULT_BUDGET
from apo.run.pacing import pace
from apo.run.prepare import Setup
from apo.run.session import Session
from apo.storage.folder import HOME
from apo.task import Task

FEWEST, MOST = 4, 16
"""Probes: as many as calls may be under way at once, within these."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """About what a run will take until a limit ends it.

    The task model's calls are taken to be like the probes, with prompts that have grown, and some
    to be proposals of the optimizer model: see `apo.run.expected`.

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
        assumed: what is taken for granted of calls that were not tried, in words.
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
    assumed: str = ""

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
            probes = await measure(caller, session.models.task, session.task, seed, examples)
        at_once = session.models.task.at_once(options.max_concurrency)
        rate = pace(journal.times(), at_once)
    folder.set_state("estimated")
    return _project(session, meter, probes, rate)


def _project(session: Session, meter: Meter, probes: Evaluation, rate: float) -> Estimate:
    spent, budget, models = meter.spent, session.budget, session.models
    kinds = parts(session.task, models.optimizer, probes, spent)
    tokens_in = sum(kind.share * kind.input_tokens for kind in kinds)
    tokens_out = sum(kind.share * kind.output_tokens for kind in kinds)
    usd = _dollars(models, kinds)
    minutes = sum(kind.share * kind.seconds for kind in kinds) / rate / 60
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
        assumed=told(kinds),
    )


def _dollars(models: RunModels, kinds: Sequence[Part]) -> float | None:
    """Of a call, on average; None where a price is not known."""
    prices = {"task": models.task.price, "optimizer": models.optimizer.price}
    total = 0.0
    for kind in kinds:
        price = prices[kind.role]
        if price is None:
            return None
        took = price.input * kind.input_tokens + price.output * kind.output_tokens
        total += kind.share * took / 1e6
    return total
