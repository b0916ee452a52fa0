"""Prompts that people suggest: measured on equal terms with the search's own candidates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apo.calls.meter import Meter
from apo.errors import BudgetExhausted
from apo.prompts.prompt import Prompt
from apo.storage.suggestions import OPERATOR

if TYPE_CHECKING:
    from apo.search.search import Search


async def measure_suggested(
    search: "Search", meter: Meter, prompts: Sequence[Prompt]
) -> tuple[str, ...]:
    """Measure prompts on the whole validation split, by the contract that holds for candidates.

    Their calls come on top of the limit in calls, so that the search before makes the same calls
    with and without them; the limits of tokens, money and time hold.

    Args:
        search: has ended; its archive ranks them with its own.
        meter: pays for them.
        prompts: what was suggested.

    Returns:
        What is told of them; nothing where there are none.
    """
    notes: list[str] = []
    for prompt in prompts:
        search.accept([prompt], operator=OPERATOR)
        if reason := search.refusal(prompt):
            notes.append(f"The suggested prompt {prompt.id} was refused: {reason}.")
            continue
        try:
            meter.allow(len(search.task.validation) * search.task.calls_per_example)
            found = await search.evaluate(prompt)
        except BudgetExhausted as end:
            notes.append(f"The suggested prompt {prompt.id} was not measured: {end}")
            continue
        best = max((e.at_least for e in search.archive if e.prompt != prompt), default=0.0)
        place = ", the best" if found.at_least > best else ""
        place = ", as good as the best" if found.at_least == best else place
        told = f"{100 * found.value:.1f} % on validation{place}"
        notes.append(f"The suggested prompt {prompt.id} was measured with the others: {told}.")
    return tuple(notes)
