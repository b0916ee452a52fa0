"""Is a search worth its money? A look of at most 60 calls, before anything else is paid.

Four prompts answer the same few rows: the seed's instruction and one that the optimizer model
writes, each with and without demos. The seed prompt answers them once more, so that how much
prompts differ stands beside how much answers to one prompt differ. What is left of the calls goes
where less is known: to more second answers where some of these differ, and else to more rows.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from apo.assessment.headroom_verdict import LookVerdict, judge_look
from apo.assessment.look import Look, differ
from apo.calls.budget import Budget, Spent
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.errors import DataError, SettingsError
from apo.evaluation.endpoints import MAX_OUTPUT, require_binding
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.measure import measure_in_turns
from apo.evaluation.outside import open_caller
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.scorers.awaited import try_scorer
from apo.search.search import Search
from apo.select.draw import stratified
from apo.storage.journal import Journal
from apo.task import Example, Task

MAX_CALLS = 60
"""Of a look."""
ASKS = 2
"""Calls that writing an instruction takes at most: a reply that cannot be read is asked for again.
"""
AGAIN = "headroom again"
REWORDED = "reworded"
"""Name of apo's own rewording, which stands in for an instruction that was not written."""
FEW_FLIPS = 1
"""Rows, at most, whose second answer scores differently, for more rows to be asked next."""
N_DEMOS, N_SHOWN = 4, 16
"""Train examples in a prompt, and those that the writer sees."""
FEWEST = 4
"""Rows of a look that says anything."""
_CARE = {
    "en": "Read the input twice, weigh what it asks for, and then give the answer alone, in "
    "exactly the form asked for.",
    "ko": "입력을 두 번 읽고 무엇을 묻는지 따져 본 다음, 요구한 형식 그대로 답만 쓰세요.",
}
_PLAIN = {
    "en": "{description}\nThe possible answers are: {labels}.\nAnswer with one of them, and "
    "nothing else.",
    "ko": "{description}\n가능한 답: {labels}\n이 가운데 하나만 쓰고 다른 말은 하지 마세요.",
}


@dataclass(frozen=True, kw_only=True)
class Headroom:
    """What a look found.

    Attributes:
        verdict: whether a search is worth it, and why.
        prompts: the four, by name, with their mean scores; a row answered twice counts once.
        n: rows that each answered.
        spent: what it took.
    """

    verdict: LookVerdict
    prompts: dict[str, float]
    n: int
    spent: Spent

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        values = {**self.verdict.to_dict(), "prompts": self.prompts, "rows": self.n}
        return {**values, "spent": self.spent.to_dict()}


def rows_of_look(task: Task, max_calls: int = MAX_CALLS) -> int:
    """How many rows a look begins with; it takes 7 answers a row in all.

    Raises:
        SettingsError: an answer takes so many calls that too few rows are left.
        DataError: there are no demos, or too few rows, to look with.
    """
    if not task.seed_prompts or not task.train or len(task.validation) < FEWEST:
        raise DataError(
            f"A look takes a seed prompt, train examples and {FEWEST} validation examples or more; "
            f"{task.name!r} has {len(task.train)} and {len(task.validation)}."
        )
    n = (max_calls - ASKS) // (7 * task.calls_per_example)
    if n < FEWEST:
        raise SettingsError(
            f"An answer takes {task.calls_per_example} calls here, with what judges it, so "
            f"{max_calls} calls reach for {n} rows, which say nothing."
        )
    return min(n, len(task.validation))


def reworded(task: Task) -> str:
    """Another wording of the seed's instruction, for where the writer writes nothing of use."""
    korean = "ko" if task.language.split("-")[0] == "ko" else "en"
    first = task.seed_prompts[0].instruction
    if not task.labels:
        return f"{first}\n{_CARE[korean]}".strip()
    return _PLAIN[korean].format(
        description=task.description or first, labels=", ".join(task.labels)
    )


async def variants(
    task: Task, caller: Caller, answers: Endpoint, writes: Endpoint, options: Options
) -> dict[str, Prompt]:
    """Four prompts of a task by name: two instructions, each with and without demos."""
    search = Search(
        replace(task, test=()),
        caller=caller,
        task_model=answers,
        optimizer_model=writes,
        options=options,
    )
    first = task.seed_prompts[0]
    shown = search.draw(task.train, N_SHOWN)
    meta = search.meta_prompt(__file__, "headroom", parents=[first], examples=shown)
    written = await search.propose([meta])
    other = written[0] if written else first.with_instruction(reworded(task))
    demos = tuple(first.demo(e.inputs, e.target) for e in shown[:N_DEMOS])
    name = "written" if written else REWORDED
    return {
        "seed": first,
        name: other,
        "seed, demos": first.with_demos((*first.demos, *demos)),
        f"{name}, demos": other.with_demos((*first.demos, *demos)),
    }


async def aheadroom(
    task: Task,
    *,
    model: Model | str = "embedded",
    optimizer_model: Model | str | None = None,
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Headroom:
    """Look at a task with a model, and say whether a search is worth it.

    Args:
        task: the task; its train examples become demos, its validation examples are answered.
        model: name of the model that answers, or one of your own.
        optimizer_model: writes the other instruction; by default the same model.
        budget: what it may spend; at most `MAX_CALLS` in any case.
        options: transport, time-out, concurrency and prices.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        SettingsError: an answer takes too many calls, a price is missing, or a limit in dollars
            never binds.
        DataError: there are too few rows.
        Stopped, ModelError: as for `aoptimize`.
    """
    options = options or Options()
    n = rows_of_look(task)
    given = budget or Budget()
    rows = _drawn(task.validation, n + n // 2, options.seed)
    async with open_caller(
        [model] if optimizer_model is None else [model, optimizer_model],
        task.scorer,
        budget=replace(given, max_calls=MAX_CALLS),
        options=options,
        journal=journal,
        progress=progress,
    ) as (caller, [answers, *others]):
        require_binding((answers, *others, *caller.judges.values()), given)
        await try_scorer(task, rows)
        writer = (others or [answers])[0]
        writes = replace(writer, role="optimizer", max_output=MAX_OUTPUT["optimizer"])
        named = await variants(task, caller, answers, writes, options)
        found, again = await _asked(caller, answers, task, list(named.values()), rows, n)
    look = look_of(task, found, again, written=REWORDED not in named)
    return Headroom(
        verdict=judge_look(look),
        prompts=dict(zip(named, look.means, strict=True)),
        n=len(found[0].rollouts),
        spent=replace(caller.meter.spent),
    )


async def _asked(
    caller: Caller,
    answers: Endpoint,
    task: Task,
    prompts: Sequence[Prompt],
    rows: Sequence[Example],
    n: int,
) -> tuple[list[Evaluation], list[Evaluation]]:
    """Ask about n rows, and then more second answers, or the other rows.

    Returns:
        The prompts on the rows, and the first of them, once more, on n of them.
    """
    measured = partial(measure_in_turns, caller, answers, task)
    found = await measured(prompts, rows[:n])
    again = await measured(prompts[:1], rows[:n], place=AGAIN)
    pairs = zip(_scores(found[0]), _scores(again[0]), strict=True)
    if sum(differ(a, b) for a, b in pairs) > FEW_FLIPS:
        again += await measured(prompts[1:3], rows[:n], place=AGAIN)
    elif rows[n:]:
        found = await measured(prompts, rows)
    return found, again


def _drawn(examples: Sequence[Example], n: int, seed: int) -> list[Example]:
    order = stratified([example.target for example in examples], random.Random(seed))
    return [examples[i] for i in order[:n]]


def look_of(
    task: Task, found: Sequence[Evaluation], again: Sequence[Evaluation], *, written: bool
) -> Look:
    """The figures of a look.

    Args:
        task: the task.
        found: the prompts on the same rows, the seed first.
        again: the first of them once more.
        written: whether a model wrote the other instruction, and not apo.
    """
    targets = [e.target for e in (*task.train, *task.validation)]
    most = max(map(targets.count, set(targets)), default=0) / max(1, len(targets))
    return Look(
        scores=tuple(map(_scores, found)),
        again=tuple(map(_scores, again)),
        malformed=tuple(
            sum(r.outcome == "malformed" for r in e.rollouts) / len(e.rollouts)
            for e in (*found, *again)
        ),
        constant=most if len(set(targets)) <= len(targets) / 2 else 0.0,
        n_test=len(task.test),
        written=written,
    )


def _scores(evaluation: Evaluation) -> tuple[float, ...]:
    return tuple(r.score.value if r.score else 0.0 for r in evaluation.rollouts)
