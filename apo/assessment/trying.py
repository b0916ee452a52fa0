"""Inputs of a person, answered by several prompts side by side; nothing is scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apo.calls.budget import Budget, Spent
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.evaluation.measure import measure_in_turns
from apo.evaluation.outside import open_caller
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.storage.journal import Journal
from apo.task import Example, Score, Task


@dataclass(frozen=True)
class Tried:
    """An input, and what each prompt answered.

    Attributes:
        inputs: the text of each field.
        answers: by the prompts' names; "" where the provider refused.
        refusals: why, by the prompts' names, where it did.
    """

    inputs: Mapping[str, str]
    answers: Mapping[str, str]
    refusals: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        parts = (self.inputs, self.answers, self.refusals)
        return dict(zip(("inputs", "answers", "refusals"), map(dict, parts), strict=True))


@dataclass(frozen=True)
class _Unscored:
    """Scores nothing, as nobody has said what would be right."""

    def __call__(self, output: str, example: Example) -> Score:
        return Score(1.0)


async def atry(
    task: Task,
    prompts: Mapping[str, Prompt],
    inputs: Sequence[Mapping[str, str]],
    *,
    model: Model | str = "embedded",
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> tuple[list[Tried], Spent]:
    """Answer inputs with each of some prompts, or with a program and each of some sets of them.

    Args:
        task: the task; its scorer and its rows are not used.
        prompts: by what they are called.
        inputs: the text of each of the task's input fields.
        model: name of the model that answers, or one of your own.
        budget: what it may spend; by default no limit.
        options: transport, time-out, concurrency and prices.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        PromptError: an input lacks a field of the prompts.
        SettingsError: a price is missing under a limit in dollars.
        Stopped, ModelError: as for `aoptimize`.
    """
    unscored = replace(task, scorer=_Unscored(), metric=None)
    examples = [Example(dict(one), ("",)) for one in inputs]
    async with open_caller(
        [model],
        unscored.scorer,
        program=task.program,
        budget=budget,
        options=options or Options(),
        journal=journal,
        progress=progress,
    ) as (caller, [endpoint]):
        measured = await measure_in_turns(
            caller, endpoint, unscored, list(prompts.values()), examples
        )
    found: list[Tried] = []
    for place, example in enumerate(examples):
        rollouts = {name: e.rollouts[place] for name, e in zip(prompts, measured, strict=True)}
        answers = {name: rollout.output for name, rollout in rollouts.items()}
        refusals = {name: rollout.error for name, rollout in rollouts.items() if rollout.error}
        found.append(Tried(example.inputs, answers, refusals))
    return found, replace(caller.meter.spent)
