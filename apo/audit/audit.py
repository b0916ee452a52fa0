"""An audit from its names: opens the model, tries the suite on the prompts, counts."""

from collections.abc import Mapping
from dataclasses import replace

from apo.audit.measuring import attack
from apo.audit.outcomes import folded
from apo.audit.report import Audit
from apo.audit.trials import Trial, plan
from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.concurrency import wait
from apo.data.split import examples_of
from apo.errors import PromptError, SettingsError
from apo.evaluation.outside import open_caller
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.storage.journal import Journal
from apo.task import Task


async def aaudit(
    task: Task,
    prompts: Prompt | Mapping[str, Prompt],
    *,
    model: Model | str = "embedded",
    split: str = "test",
    max_calls: int | None = None,
    seed: int = 0,
    canary: str = "",
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Try the suite on one prompt, or on two that are then compared.

    Args:
        task: the task; its examples carry the attacks.
        prompts: what to audit; two by name, such as {"seed": …, "best": …}.
        model: name of the model that answers, or one of your own.
        split: "test", "validation" or "train".
        max_calls: draw so many of the trials that this is enough; None for the whole suite.
        seed: of the draw.
        canary: a text of the prompt that no answer may hold.
        budget: what it may spend beside that.
        options: transport, time-out, concurrency and prices.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        SettingsError: there is no such split, or a price is missing under a limit in dollars.
        DataError: the split is empty.
        PromptError: the canary is in none of the prompts.
        Stopped, ModelError: as for `aoptimize`.
    """
    prompts = {"prompt": prompts} if isinstance(prompts, Prompt) else prompts
    options = options or Options()
    trials = trials_of(task, split, seed=seed, max_calls=max_calls, n_prompts=len(prompts))
    _check_canary(canary, prompts)
    async with open_caller(
        [model],
        task.scorer,
        program=task.program,
        budget=budget,
        options=options,
        journal=journal,
        progress=progress,
    ) as (caller, [answers]):
        outcomes = {
            name: await attack(caller, answers, task, prompt, trials, canary=canary)
            for name, prompt in prompts.items()
        }
    return Audit(
        task=task.name,
        model=answers.model.name,
        split=split,
        prompts=prompts,
        outcomes=outcomes,
        spent=replace(caller.meter.spent),
    )


def trials_of(
    task: Task, split: str, *, seed: int, max_calls: int | None, n_prompts: int
) -> tuple[Trial, ...]:
    """List the trials on a split, as `plan` does.

    Raises:
        SettingsError: there is no such split, or the calls are too few for any trial.
        DataError: the split is empty.
    """
    examples = examples_of(task, split, " Take others with --split.")
    trials = plan(task, examples, seed=seed, max_calls=max_calls, n_prompts=n_prompts)
    if not trials:
        raise SettingsError(
            f"{max_calls} call{'s' * (max_calls != 1)} {'is' if max_calls == 1 else 'are'} too "
            "few: a trial takes 2 for each prompt, and rates from fewer "
            "than 100 trials say little. Give more with --max-calls, or leave it out."
        )
    return trials


def _check_canary(canary: str, prompts: Mapping[str, Prompt]) -> None:
    if not canary:
        return
    if not folded(canary):
        raise PromptError(f"The canary {canary!r} has no letter or digit; give a word.")
    if not any(folded(canary) in folded(prompt.text()) for prompt in prompts.values()):
        raise PromptError(
            f"The canary {canary!r} is in none of the prompts, so that no answer could leak it. "
            "Write it into the instruction, or give a text that stands there."
        )


def audit(
    task: Task,
    prompts: Prompt | Mapping[str, Prompt],
    *,
    model: Model | str = "embedded",
    split: str = "test",
    max_calls: int | None = None,
    seed: int = 0,
    canary: str = "",
) -> Audit:
    """Do what `aaudit` does, and wait for it, also in a notebook."""
    return wait(
        aaudit(
            task, prompts, model=model, split=split, max_calls=max_calls, seed=seed, canary=canary
        )
    )
