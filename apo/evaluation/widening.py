"""More room for answers, where many that the seed prompt gets are cut and would have an end."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.errors import BudgetExhausted
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.measure import measure
from apo.evaluation.room import answer_room
from apo.storage.journal import Journal
from apo.task import Task

FEW, SHARE = 3, 0.1
"""From so many cut answers, and such a share of all, on more room is tried."""
TRIED, WIDER = 3, 4
"""Cut answers that are asked for again to see, and how many times the room they then have."""
WIDENING, WIDENED = "widening", "widened"
"""Kinds of events in the journal: what is tried, and what came of it."""


async def widened(
    caller: Caller, endpoint: Endpoint, task: Task, evaluation: Evaluation
) -> Task | None:
    """Give answers more room where many of a prompt's are cut, and most of a few tried then end.

    Whether it is tried is decided once in a journal, by all answers to the prompt. An answer that
    is asked for again counts as one call, and what was cut as lost.

    Args:
        caller: asks.
        endpoint: the task model.
        task: the task.
        evaluation: of the prompt.

    Returns:
        The task, with more room or as it was, by which the prompt is to be measured again; None
        where nothing was tried, as few answers were cut, or the prompt states a limit.
    """
    prompt = evaluation.prompt
    if prompt.decoding.max_tokens is not None:
        return None
    events = [b for b in caller.journal.told(WIDENING) if b.get("prompt") == prompt.id]
    plan = events[0] if events else _plan(task, evaluation)
    if plan is None:
        return None
    caller.journal.note(WIDENING, prompt.id, plan)
    known = [b for b in caller.journal.told(WIDENED) if b.get("prompt") == prompt.id]
    wide = replace(task, answer_tokens=int(plan["to"]))
    if known:  # An earlier session has seen it.
        return wide if known[0]["enough"] else task
    examples = [r.example for r in evaluation.rollouts if r.example.id in plan["tried"]]
    try:
        found = await measure(caller, endpoint, wide, prompt, examples)
    except BudgetExhausted:
        return None
    ended = sum(not rollout.cut for rollout in found.rollouts)
    enough = 2 * ended >= len(found.rollouts)
    caller.journal.note(WIDENED, prompt.id, {**plan, "ended": ended, "enough": enough})
    return wide if enough else task


def _plan(task: Task, evaluation: Evaluation) -> dict[str, Any] | None:
    """What is tried; None where few answers are cut that are not right as they are."""
    cut = [r for r in evaluation.rollouts if r.cut and r.outcome != "right"]
    if len(cut) < max(FEW, SHARE * len(evaluation.rollouts)):
        return None
    room = answer_room(task, evaluation.prompt)
    return {
        "prompt": evaluation.prompt.id,
        "cut": len(cut),
        "of": len(evaluation.rollouts),
        "from": room,
        "to": WIDER * room,
        "tried": sorted({r.example.id for r in cut})[:TRIED],
    }


def widening_notes(journal: Journal) -> Iterator[str]:
    """Say where answers got more room, and where that would not have helped."""
    for body in journal.told(WIDENED):
        tried = len(body["tried"])
        if body["enough"]:
            yield (
                f"{body['cut']:,} of {body['of']:,} answers to the seed prompt were cut at "
                f"{body['from']:,} tokens, and {body['ended']} of {tried} tried came to an end "
                "with more room: the cut ones were asked for again, and answers of this run may "
                f"take {body['to']:,} tokens (--max-answer sets another)."
            )
        else:
            yield (
                f"{body['cut']:,} of {body['of']:,} answers to the seed prompt have no end, with "
                f"room for {body['from']:,} tokens; of {tried} asked for again with "
                f"{body['to']:,}, {body['ended']} came to an end. Where the model runs on, let the "
                "prompt ask for the answer alone, or give --max-answer; where the server ends "
                "them, see below."
            )
