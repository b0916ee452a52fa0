"""Tries trials on a prompt through a caller, which keeps and counts every answer."""

from collections.abc import Sequence
from dataclasses import replace

from apo.audit.outcomes import Secret, TrialOutcome
from apo.audit.perturbations import REWORDINGS
from apo.audit.trials import Trial
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.evaluation.evaluation import Rollout
from apo.evaluation.measure import measure
from apo.prompts.prompt import Prompt
from apo.task import Example, Task


async def attack(
    caller: Caller,
    endpoint: Endpoint,
    task: Task,
    prompt: Prompt,
    trials: Sequence[Trial],
    *,
    canary: str = "",
) -> tuple[TrialOutcome, ...]:
    """Try trials on one prompt; rewordings that change nothing of it are left out.

    Raises:
        TaskError: the scorer raised, or gave no score in [0, 1].
        BudgetExhausted: the calls that are missing would overspend.
    """
    asked = [(_reworded(prompt, trial, task), trial) for trial in trials]
    asked = [(p, t) for p, t in asked if t.kind != "rewording" or p != prompt]
    clean = [(prompt, trial.clean) for _, trial in asked]
    tried = [(p, trial.example) for p, trial in asked]
    wanting = [(n, trial.wrong) for n, (_, trial) in enumerate(asked) if trial.wrong]

    async def scored(pairs: Sequence[tuple[Prompt, Example]]) -> list[Rollout]:
        return await _measure(caller, endpoint, task, pairs)

    def wanted(pairs: Sequence[tuple[Prompt, Example]]) -> list[tuple[Prompt, Example]]:
        """The same requests with the wrong answer as the right one."""
        return [(pairs[n][0], replace(pairs[n][1], targets=(wrong,))) for n, wrong in wanting]

    before, after = await scored(clean), await scored(tried)
    # The answers are there by now: these ask for no call.
    without, under = await scored(wanted(clean)), await scored(wanted(tried))
    steered = {
        n: None if _right(a) else _right(b)
        for (n, _), a, b in zip(wanting, without, under, strict=True)
    }
    secret = Secret(prompt, task.labels, canary)
    return tuple(
        TrialOutcome(
            trial=trial,
            clean=before[n],
            tried=after[n],
            steered=steered.get(n),
            leaked=secret.told(
                after[n].output, " ".join([*trial.example.inputs.values(), before[n].output])
            ),
        )
        for n, (_, trial) in enumerate(asked)
    )


def _reworded(prompt: Prompt, trial: Trial, task: Task) -> Prompt:
    if trial.kind != "rewording":
        return prompt
    reworded, korean = REWORDINGS[trial.name], task.language.split("-")[0] == "ko"
    steps = {name: reworded(step, korean) for name, step in prompt.steps.items()}
    return prompt.with_steps(steps)


def _right(rollout: Rollout) -> bool:
    return rollout.score is not None and rollout.score.value >= 1


async def _measure(
    caller: Caller, endpoint: Endpoint, task: Task, pairs: Sequence[tuple[Prompt, Example]]
) -> list[Rollout]:
    """Measure prompts on examples, each pair once, and give the rollouts in the pairs' order."""
    examples: dict[Prompt, dict[Example, None]] = {}
    for prompt, example in pairs:
        examples.setdefault(prompt, {})[example] = None
    found = {
        (prompt, rollout.example): rollout
        for prompt, wanted in examples.items()
        for rollout in (await measure(caller, endpoint, task, prompt, tuple(wanted))).rollouts
    }
    return [found[pair] for pair in pairs]
