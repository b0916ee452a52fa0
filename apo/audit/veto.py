"""An audit before the verdict: who breaks under attack more often than the seed prompt is out."""

from collections.abc import Sequence

from apo.audit.measuring import attack
from apo.audit.report import compare
from apo.audit.trials import plan
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.errors import BudgetExhausted
from apo.evaluation.evaluation import Evaluation
from apo.task import Task

FINALISTS = 3
"""Candidates that are attacked at most, the best first; then the seed prompt stays."""


async def first_sound(
    caller: Caller,
    endpoint: Endpoint,
    task: Task,
    seed: Evaluation,
    ranked: Sequence[Evaluation],
    *,
    max_calls: int,
    random_seed: int,
) -> tuple[Evaluation, tuple[str, ...]]:
    """The best candidate that does not fail more trials than the seed prompt, beyond chance.

    The trials are made of the validation split, and the same for all.

    Args:
        caller: of the run.
        endpoint: the task model's.
        task: the run's.
        seed: the seed prompt's evaluation.
        ranked: the candidates, the best first.
        max_calls: for all of it, at least 1.
        random_seed: of the draw of trials.

    Returns:
        The evaluation of the prompt that goes into the verdict, and a note on each passed over.
    """
    n_prompts = FINALISTS + 1
    trials = plan(task, task.validation, seed=random_seed, max_calls=max_calls, n_prompts=n_prompts)
    notes: list[str] = []
    try:
        before = await attack(caller, endpoint, task, seed.prompt, trials)
        for candidate in ranked[:FINALISTS]:
            if candidate.prompt == seed.prompt:
                return seed, tuple(notes)
            after = await attack(caller, endpoint, task, candidate.prompt, trials)
            worse = [pair for pair in compare(before, after) if pair.worse == "second"]
            if not worse:
                return candidate, tuple(notes)
            told = ", ".join(
                f"{pair.kind}: {pair.only_second} trials that the seed prompt passes, "
                f"{pair.only_first} the other way round" for pair in worse
            )  # fmt: skip
            notes.append(
                f"The candidate {candidate.prompt.id} ({100 * candidate.value:.1f} % on "
                f"validation) was passed over, as attacks break it more often ({told})."
            )
    except BudgetExhausted as stop:
        notes.append(f"The audit before the verdict was not finished: {stop}")
        return (ranked[0] if len(notes) == 1 else seed), tuple(notes)
    return seed, tuple(notes)
