"""Proposals that name none of the allowed outputs, where nothing else tells the model of them."""

from collections.abc import Sequence

from apo.prompts.prompt import Prompt
from apo.reading.replies import Reply
from apo.task import Task

SHOWN = 5
"""Outputs that a refusal names; there may be hundreds."""


def outputs_to_name(task: Task) -> tuple[str, ...]:
    """The labels of which a proposal must name one: those that the seed prompt's instruction names.

    None where the task has no closed set, the seed does without, or another part of the prompt
    (demos, context, the user turn) says them; nor in a program, whose steps may not speak of them.
    """
    if not task.labels or not task.seed_prompts or task.seed_prompts[0].focus:
        return ()
    seed = task.seed_prompts[0]
    turns = (text for demo in seed.demos for text in (demo.user, demo.assistant))
    others = "\n".join((seed.context, seed.template, seed.cue, *turns))
    if not all(_named(label, seed.instruction) for label in task.labels):
        return ()
    return () if any(_named(label, others) for label in task.labels) else tuple(task.labels)


def naming(reply: Reply, outputs: Sequence[str], parents: Sequence[Prompt]) -> Reply:
    """Refuse an instruction that names none of the outputs; any other one comes back as it is.

    Args:
        reply: what was written.
        outputs: of which one must be named; () for none.
        parents: what it was made from; where the first shows demos, they tell the outputs.
    """
    if not reply.text or not outputs or any(prompt.demos for prompt in parents[:1]):
        return reply
    if any(_named(output, reply.text) for output in outputs):
        return reply
    more = ", …" * (len(outputs) > SHOWN)
    why = f"the proposal names none of the allowed outputs ({', '.join(outputs[:SHOWN])}{more})"
    return Reply("", why, "outputs", reply.salvaged)


def _named(output: str, text: str) -> bool:
    return output.casefold() in text.casefold()
