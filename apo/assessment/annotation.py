"""Which unlabelled inputs are worth a label: those that good prompts disagree about.

Active-Prompt (Diao et al., 2023, arXiv:2302.12246) has annotated what a model is least sure of: k
answers are drawn, and their disagreement, the share of different ones, or their entropy ranks the
inputs. Here the k answers are those of the k best prompts that a search has found: a committee
(Seung, Opper and Sompolinsky, "Query by Committee", 1992), whose members all did well on
validation.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apo.calls.budget import Budget, Spent
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.errors import SettingsError, TaskError
from apo.evaluation.measure import measure_in_turns
from apo.evaluation.outside import open_caller
from apo.model import Model
from apo.prompts.folding import rough
from apo.prompts.prompt import Prompt
from apo.scorers.awaited import AwaitedScorer
from apo.storage.journal import Journal
from apo.task import Example, Score, Task

REFUSED = "(refused)"
NO_LABEL = "(no label)"


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """An input with what the prompts answered.

    Attributes:
        number: its place in what was given, from 0.
        inputs: the text of each input field.
        votes: by answer, as the scorer reads it, how many prompts gave it; the most frequent first.
    """

    number: int
    inputs: Mapping[str, str]
    votes: Mapping[str, int]

    @property
    def disagreement(self) -> float:
        """The share of different answers, in (0, 1]."""
        return len(self.votes) / sum(self.votes.values())

    @property
    def entropy(self) -> float:
        """Of the votes, in bits; 0 where all agree."""
        n = sum(self.votes.values())
        return -sum(k / n * math.log2(k / n) for k in self.votes.values()) + 0.0

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        figures = {"disagreement": self.disagreement, "entropy": self.entropy}
        return {"inputs": dict(self.inputs), "votes": dict(self.votes), **figures}


def calls_each(task: Task) -> int:
    """The most calls that one prompt takes for one input; nothing is scored."""
    return replace(task, scorer=_unscored).calls_per_example


def affordable(inputs: int, prompts: int, each: int, max_calls: int | None) -> int:
    """How many of the inputs all prompts can be asked about.

    Args:
        inputs: how many there are.
        prompts: how many prompts.
        each: calls that a prompt takes for an input.
        max_calls: the most calls; None for no limit.

    Raises:
        SettingsError: fewer than two prompts, or not a single input can be paid for.
    """
    if prompts < 2:
        raise SettingsError(
            "Two prompts at least are needed to disagree: run `apo optimize` first, or give two by "
            "--prompt."
        )
    n = inputs if max_calls is None else min(inputs, max_calls // (prompts * each))
    if n < 1:
        raise SettingsError(
            f"--max-calls {max_calls} is too few: {prompts} prompts on one input take "
            f"{prompts * each} calls."
        )
    return n


async def arank(
    task: Task,
    prompts: Sequence[Prompt],
    inputs: Sequence[Example],
    *,
    model: Model | str = "embedded",
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> tuple[list[Ranked], Spent]:
    """Ask prompts about inputs, and rank these by disagreement, the most first.

    Args:
        task: whose scorer reads the answers.
        prompts: two at least, each once.
        inputs: the inputs; their targets are not looked at.
        model: name of the model that answers, or one of your own.
        budget: what it may spend; by default no limit but the number of inputs.
        options: transport, time-out, concurrency and prices.
        journal: keeps the answers, and gives those that it has.
        progress: filled in for whoever watches.

    Raises:
        SettingsError, Stopped, ModelError: as for `aoptimize`.
    """
    unscored = replace(task, scorer=_unscored, metric=None)
    async with open_caller(
        [model], _unscored, budget=budget, options=options, journal=journal, progress=progress
    ) as (caller, [answers]):
        found = await measure_in_turns(caller, answers, unscored, prompts, inputs)
    ranked: list[Ranked] = []
    for number, example in enumerate(inputs):
        rollouts = [one.rollouts[number] for one in found]
        outputs = [REFUSED if rollout.refused else rollout.output for rollout in rollouts]
        ranked.append(
            Ranked(number=number, inputs=example.inputs, votes=votes_of(task, example, outputs))
        )
    order = sorted(ranked, key=lambda one: (-one.entropy, -one.disagreement, one.number))
    return order, replace(caller.meter.spent)


def _unscored(output: str, example: Example) -> Score:
    return Score(0.0)


def votes_of(task: Task, example: Example, outputs: Sequence[str]) -> dict[str, int]:
    """Count answers that say the same, the most frequent first."""
    votes: Counter[str] = Counter()
    for output in outputs:
        votes[_read(task, example, output, [*votes])] += 1
    return dict(votes.most_common())


def _read(task: Task, example: Example, output: str, known: Sequence[str]) -> str:
    """What an answer says: its label, or the answer before it that says the same."""
    if output == REFUSED:
        return REFUSED
    if task.labels:
        found = {label: _judged(task, output, example, label) for label in task.labels}
        said = [label for label, score in found.items() if score and score.value >= 1]
        if len(said) == 1:
            return said[0]
        if all(score is None or not score.well_formed for score in found.values()):
            return NO_LABEL
    for before in known:
        pairs = ((output, before), (before, output))
        if rough(before) == rough(output) or any(_accepts(task, a, example, b) for a, b in pairs):
            return before
    return output.strip()


def _accepts(task: Task, output: str, example: Example, target: str) -> bool:
    """Whether the task's scorer takes an answer for right where the target is another one's."""
    score = _judged(task, output, example, target)
    return score is not None and score.value >= 1


def _judged(task: Task, output: str, example: Example, target: str) -> Score | None:
    if isinstance(task.scorer, AwaitedScorer) or not target.strip():
        return None
    try:
        return task.judge(output, replace(example, targets=(target,)))
    except TaskError:  # A scorer may refuse a target that no answer can be compared with.
        return None
