"""Trials of solvers with simulated readers and the embedded model, and how they are measured."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from apo import Model, Prompt, Request, Task
from apo.assessment.evaluate import aevaluate
from apo.programs.solvers import SOLVERS, make_solver
from apo.scorers.solution import run_solution
from apo.storage.journal import Journal
from apo.taskfile.load import load_task
from experiments.benchmarks import solver_readers as r
from experiments.benchmarks.trials import Reader, gain, plain, weakness

Run = Callable[[str], Awaitable[str]]
PROMPT = Prompt("Give the answer.", template="Input: {{input}}")
DRAWS: Mapping[str, Any] = {"reason": False, "temperature": 0.7}


@dataclass(frozen=True)
class Trial:
    """A solver on a task, with the model that answers.

    Attributes:
        solver: its name.
        about: what is told of the trial.
        task: with the prompt that is sent as it is and by the solver.
        model: answers.
        settings: of the solver.
    """

    solver: str
    about: str
    task: Task
    model: Model | str = "embedded"
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Found:
    """What a trial has found.

    Attributes:
        before: share of right answers with the prompt sent as it is.
        points: what the solver gains.
        told: the points with their interval.
        calls: of the solver, for an example.
    """

    before: float
    points: float
    told: str
    calls: float


class Where(NamedTuple):
    """A reader, and what it reads; told by the reader's docstring where it has no words."""

    reader: Callable[[Request], str]
    rows: r.Rows
    about: str = ""
    prompt: Prompt | None = None
    settings: Mapping[str, Any] = MappingProxyType({})


async def measured(trial: Trial, journal: Journal | None = None, run: Run = run_solution) -> Found:
    """The prompt as it is against the prompt by the solver, on the test rows."""
    task, [prompt, *_] = trial.task, trial.task.seed_prompts
    korean = task.language.startswith("ko")
    program = make_solver(trial.solver, trial.settings, korean=korean, run=run)
    solved = replace(task, program=program)
    return await measured_pair((task, prompt), (solved, prompt), trial.model, journal)


async def measured_pair(
    one: tuple[Task, Prompt],
    other: tuple[Task, Prompt],
    model: Model | str,
    journal: Journal | None,
) -> Found:
    """Two ways to answer the same test rows, each a prompt and the task that says how it is run."""
    before, _ = await aevaluate(*one, model=model, journal=journal)
    after, _ = await aevaluate(*other, model=model, journal=journal)
    calls = sum(len(rollout.trace) or 1 for rollout in after.rollouts)
    points = 100 * (after.value - before.value)
    return Found(before.value, points, gain(before, after), calls / len(after.rollouts))


def simulated() -> dict[str, tuple[Trial, Trial, Trial]]:
    """For each solver where it should help, where it has nothing to do, and where it harms."""

    def three(
        solver: str, helps: Where, idle: Where, harms: Where, prompt: Prompt = PROMPT, **given: Any
    ) -> tuple[Trial, Trial, Trial]:
        one, two, other = (
            Trial(solver, where.about or weakness(where.reader),
                  plain(where.rows, where.prompt or prompt), Reader(says=where.reader),
                  {**given, **where.settings})
            for where in (helps, idle, harms)
        )  # fmt: skip
        return one, two, other

    warm, tight = PROMPT.at_temperature(0.7), PROMPT.with_max_tokens(6)
    last_year = {"documents": r.OLD_HANDBOOK}
    trials = [
        three("chain-of-thought", Where(r.hasty, r.STEPS), Where(r.hasty, r.STEP, "one step"),
              Where(r.cut_short, r.STEPS, prompt=tight)),
        three("self-consistency", Where(r.noisy, r.WORDS), Where(r.steady, r.WORDS),
              Where(r.misled, r.WORDS), warm, **DRAWS),
        three("generated-knowledge", Where(r.forgetful, r.ASKED),
              Where(r.forgetful, r.TOLD, "the input says it"), Where(r.inventive, r.TOLD)),
        three("decomposition", Where(r.by_parts, r.PARTS),
              Where(r.by_parts, r.ONE_PART, "one part"), Where(r.at_the_end, r.ONE_PART)),
        three("react", Where(r.stranger, r.NIGHTS),
              Where(r.stranger, r.NIGHT, "the input says it"),
              Where(r.trusting, r.NIGHTS, settings=last_year), documents=r.HANDBOOK),
        three("program-aided", Where(r.no_counter, r.LETTERS),
              Where(r.repeater, r.WORDS[: r.N]), Where(r.judge, r.VERDICTS)),
    ]  # fmt: skip
    return {of_one[0].solver: of_one for of_one in trials}


def embedded() -> list[Trial]:
    """The embedded model on support tickets: it votes, and neither reasons nor uses tools."""
    task = load_task("support-tickets")
    warm = replace(task, seed_prompts=(task.seed_prompts[0].at_temperature(1.0),))
    draws = {**DRAWS, "temperature": 1.0}
    votes = Trial("self-consistency", "tickets, drawn at 1.0", warm, settings=draws)
    cold = Trial("self-consistency", "tickets, against the likeliest answer", task, settings=draws)
    rest = [name for name in SOLVERS if name != votes.solver]
    return [votes, cold, *(Trial(name, "tickets", task) for name in rest)]
