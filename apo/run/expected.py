"""What the calls of a run are like, from a few answers to its seed prompt."""

from collections.abc import Sequence
from typing import NamedTuple

from apo.calls.budget import Spent
from apo.calls.call import Endpoint
from apo.evaluation.evaluation import Evaluation
from apo.models.local.weights import PREFIX
from apo.task import Task

WRITES, SHARE, GROWTH = (3000, 400), 0.05, 250
"""Tokens of a proposal, in and out; the share of all calls; tokens by which prompts grow."""
SMALL_WRITES, SMALL_SHARE, DEMOS = (320, 110), 0.08, 4
"""The same of a small writer, which is asked in brief; its prompts grow by so many examples."""
FORMLESS, SEED_SHARE = 1 / 3, 0.25
"""The share of malformed answers to the seed prompt above which those to other prompts are as long
as the targets; and the share of the task model's calls that the seed prompt itself has."""
MARKUP = 10
"""Tokens around an example."""
READING, LOCAL_READING = 0.02, 1 / 3
"""What a token that is read takes of the time of one that is written: afar, and on CPUs."""


class Part(NamedTuple):
    """Calls of one kind.

    Attributes:
        role: "task" or "optimizer".
        share: of all calls.
        input_tokens: of a call, on average.
        output_tokens: of a call, on average.
        seconds: of a call, when one to the seed prompt takes 1.
    """

    role: str
    share: float
    input_tokens: float
    output_tokens: float
    seconds: float


def parts(
    task: Task, optimizer_model: Endpoint, probes: Evaluation, spent: Spent
) -> tuple[Part, ...]:
    """Say what kinds of calls a run has, after the probes of its seed prompt.

    Args:
        task: the task.
        optimizer_model: who writes.
        probes: the answers to the seed prompt.
        spent: what they took.
    """
    n, small = max(1, spent.calls), bool(getattr(optimizer_model.model, "begins", False))
    asked, said = spent.input_tokens / n, spent.output_tokens / n
    new = asked - spent.cached_tokens / n  # What was not read before.
    reading = LOCAL_READING if optimizer_model.model.name.startswith(PREFIX) else READING
    unit = max(1e-9, reading * new + said)
    writes, w = (SMALL_WRITES, SMALL_SHARE) if small else (WRITES, SHARE)
    writing = Part("optimizer", w, *writes, (reading * writes[0] + writes[1]) / unit)
    growth = min(GROWTH, DEMOS * (_example_tokens(task) + MARKUP)) if small else GROWTH
    malformed = sum(r.outcome == "malformed" for r in probes.rollouts)
    if malformed <= FORMLESS * len(probes.rollouts):
        return (Part("task", 1 - w, asked + growth, said, 1.0), writing)
    short = min(said, _target_tokens(task))
    seed, others = SEED_SHARE * (1 - w), (1 - SEED_SHARE) * (1 - w)
    return (
        Part("task", seed, asked, said, 1.0),
        Part("task", others, asked + growth, short, (reading * new + short) / unit),
        writing,
    )


def _example_tokens(task: Task) -> float:
    sizes = [sum(map(len, e.inputs.values())) + len(e.target) for e in task.train]
    return sum(sizes) / max(1, len(sizes)) / 4


def _target_tokens(task: Task) -> float:
    """With the token that ends an answer."""
    sizes = [len(e.target.encode("utf-8", "replace")) for e in task.train]
    return 1 + sum(sizes) / max(1, len(sizes)) / 4


def told(kinds: Sequence[Part]) -> str:
    """Say what is taken for granted."""
    answers, writing = [kind for kind in kinds if kind.role == "task"], kinds[-1]
    last = answers[-1]
    form = (
        " Most answers of the seed prompt have not the form that is asked for; those of others "
        f"are taken to have {last.output_tokens:.0f} tokens."
        if len(answers) > 1
        else ""
    )
    return (
        f"{100 * writing.share:.0f} calls of 100 are taken to be the optimizer model's, of "
        f"{writing.input_tokens:,.0f} tokens in and {writing.output_tokens:,.0f} out, and a call "
        f"of the task model to read {last.input_tokens:,.0f}, as prompts grow.{form}"
    )
