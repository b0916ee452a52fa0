"""A prompt without the parts that earn nothing: found on train and validation, proven on test."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from apo.assessment.ablation import LEAST, Elimination
from apo.assessment.ablation_found import Ablation
from apo.assessment.gate import Gate, gated
from apo.assessment.looks import in_order
from apo.calls.budget import Budget, Spent
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.errors import SettingsError
from apo.evaluation.outside import open_caller
from apo.guards.contract import turns
from apo.model import Model
from apo.prompts.folding import rough
from apo.prompts.parts import parts_of
from apo.prompts.prompt import Prompt
from apo.scorers.awaited import try_scorer
from apo.storage.journal import Journal
from apo.task import Example, Task

MOST_ROWS = 400
"""Rows to leave parts out on: more would show losses that are hardly worth their calls."""
A_PART = 150
"""Calls that are planned for a part, as many as there are rows where these are more; and for all
parts together thrice the rows."""


class Plan(NamedTuple):
    """What an ablation will take at most.

    Attributes:
        rows: the examples to leave parts out on.
        test: those on which what is left is compared with the whole prompt; none for no test.
        calls: the most calls.
    """

    rows: Sequence[Example]
    test: Sequence[Example]
    calls: int


def plan(task: Task, prompt: Prompt, max_calls: int | None, *, test: bool = True) -> Plan:
    """Choose rows, and say what they will take.

    Rows of train and of validation, but none that a demo of the prompt shows: it would know them.

    Args:
        task: the task.
        prompt: whose parts are to be left out.
        max_calls: the most calls; None for as many as `MOST_ROWS` rows are likely to take.
        test: whether what is left is to be proven on the test split, whose calls are kept for it.

    Raises:
        SettingsError: the prompt has one part, or the calls do not reach for a first look.
    """
    parts, each = len(parts_of(prompt)), task.calls_per_example
    if parts < 2:
        raise SettingsError("The prompt is one sentence; there is nothing to leave out.")
    proving = in_order(task.test) if test else []
    known = {rough(demo.user) for step in prompt.steps.values() for demo in step.demos}
    rows = [e for e in (*task.train, *task.validation) if not known & shown(e, prompt)]
    rows = in_order(rows)[:MOST_ROWS]
    proof = 2 * len(proving)
    needed = (3 * len(rows) + parts * max(A_PART, len(rows)) + proof) * each
    if max_calls is None or max_calls >= needed:
        return Plan(rows, proving, max_calls or needed)
    least = (LEAST * (parts + 3) + proof) * each
    if max_calls < least:
        kept = f", {proof:,} of them for the test split" if proving else ""
        raise SettingsError(
            f"{max_calls:,} calls are too few for {parts} parts: it takes {least:,} at least{kept},"
            f" and {needed:,} may be needed. Give more by --max-calls."
            f"{' Or leave the test split out: --no-test.' if proving else ''}"
        )
    left = max_calls // each - proof
    size = left // (3 + parts)
    size = size if size >= A_PART else (left - parts * A_PART) // 3
    return Plan(rows[: max(2 * LEAST, size)], proving, max_calls)


def shown(example: Example, prompt: Prompt) -> set[str]:
    """The user turns in which a prompt shows an example."""
    return {
        rough(turn) for turn in turns([example], [step.template for step in prompt.steps.values()])
    }


class Ablated(NamedTuple):
    """What came of it.

    Attributes:
        found: what each part is worth.
        proof: the prompt without the idle parts beside the whole one, on the test split; None
            where no part goes, or no proof was wanted.
        spent: what it took; kept answers are counted at their price.
    """

    found: Ablation
    proof: Gate | None
    spent: Spent


async def aablate(
    task: Task,
    prompt: Prompt,
    *,
    model: Model | str = "embedded",
    margin: float = 0.03,
    test: bool = True,
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Ablated:
    """Leave parts of a prompt out, and say which of them earn their tokens.

    Args:
        task: the task. A metric is not looked at: the scores of single rows are.
        prompt: the prompt.
        model: name of the model that answers, or one of your own.
        margin: the loss that counts as none, in score, between 0 and 1.
        test: prove on the test split that what is left is no worse by more than the margin.
        budget: what it may spend; as many calls as it is likely to take where none are said.
        options: transport, time-out, concurrency, prices and judge.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        SettingsError: too few calls, a prompt of one part, or a margin that is none.
        Stopped, ModelError: as for `aoptimize`, but not that the budget is over.
    """
    budget = budget or Budget()
    rows, proving, calls = plan(task, prompt, budget.max_calls, test=test)
    if not 0 < margin < 1:
        raise SettingsError(f"The margin is {margin:g}; as a score it is between 0 and 1.")
    async with open_caller(
        [model],
        task.scorer,
        budget=replace(budget, max_calls=calls),
        options=options,
        journal=journal,
        progress=progress,
    ) as (caller, [answers]):
        await try_scorer(task, rows)
        meter, n = caller.meter, 2 * len(proving) * task.calls_per_example
        meter.hold_back("proof", max_calls=n)
        found = await Elimination(caller, answers, task, prompt, rows, margin).run()
        meter.hold_back("proof")
        proof = None
        if proving and found.shorter != prompt:
            proof = await gated(
                caller, answers, task, prompt, found.shorter, proving, margin=margin
            )
    return Ablated(found, proof, replace(meter.spent))
