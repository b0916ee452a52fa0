"""`apo evaluate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes
from apo.cli.values import body as read_body
from apo.language.catalogue import message, translated

if TYPE_CHECKING:
    from apo.calls.budget import Spent
    from apo.evaluation.evaluation import Evaluation


@takes(AskFlags)
def evaluate(
    task: o.TaskName,
    prompt: Annotated[
        str,
        typer.Option("--prompt", metavar="FILE|RUN[:ID]", help="A prompt file, or a run's prompt."),
    ],
    split: Annotated[str, typer.Option("--split", help="train, validation or test.")] = "test",
    like: Annotated[
        str, typer.Option("--like", metavar="RUN", help="Use the examples of this run.")
    ] = "",
    model: o.ModelName = "",
    judge_model: o.JudgeModel = "",
    max_calls: o.MaxCalls = None,
    body: o.Body = [],  # noqa: B006 (typer reads the default, nobody changes it)
    max_answer: o.MaxAnswer = None,
    fresh: o.Fresh = False,
    *,
    flags: AskFlags,
) -> None:
    """Measure one prompt on one split of a task.

    Answers are kept: what was paid once is not paid again, unless --fresh is given. With a run
    or its candidate (RUN:ID) as the prompt, the run's model and examples are used.

    Example: `apo evaluate support-tickets --prompt prompt.json`
    """
    from functools import partial

    from apo.assessment.evaluate import aevaluate
    from apo.assessment.same_prompt import why_other
    from apo.cli.console import home
    from apo.cli.prompts import prompt_of
    from apo.evaluation.noticed import noticed
    from apo.run.recorded import measured_task
    from apo.run.wishes import trusted_settings
    from apo.storage.folder import find_run
    from apo.taskfile.load import load_task

    loaded = load_task(task, memory=home() / "splits")
    measured, run = prompt_of(prompt, loaded)
    measured = measured.with_extra(read_body(body)).with_max_tokens(max_answer)
    run = find_run(like, home()) if like else run
    if run is not None:
        loaded = measured_task(run, loaded)
    name = model or (run and trusted_settings(run)["model"]) or "embedded"
    asked = flags.ask(
        partial(aevaluate, loaded, measured, split=split, model=name),
        f"{task} · {translated(split)} · {name}",
        judge_model=judge_model,
        max_calls=max_calls,
        fresh=fresh,
        quiet=flags.json,
    )
    evaluation, spent = asked.found
    notes = (*asked.kept, *asked.notes, *noticed(evaluation))
    if run is None:
        notes += why_other(home(), loaded, measured, split, name)
    about = {"task": loaded.name, "split": split, "model": name, "overspent": asked.overspent}
    _tell(about, evaluation, spent, notes, json=flags.json)
    asked.end()


def _count(kind: str, n: int) -> str:
    """How many answers were of a kind, in the user's language: "64 right"."""
    told = {
        "right": message(f"{n} right"),
        "wrong": message(f"{n} wrong"),
        "malformed": message(f"{n} malformed"),
        "error": message(f"{n} error"),
        "refused": message(f"{n} refused"),
    }
    return translated(told.get(kind, f"{n} {kind}"))


def _tell(
    about: dict[str, str],
    evaluation: "Evaluation",
    spent: "Spent",
    notes: tuple[str, ...],
    *,
    json: bool,
) -> None:
    from apo.cli.console import dollars, percent, print_json, tell
    from apo.results.words import in_groups
    from apo.statistics.clusters import n_groups

    figures = {
        **about,
        "prompt_id": evaluation.prompt.id,
        "score": evaluation.value,
        **evaluation.to_dict(),
        "notes": list(notes),
        "spent": spent.to_dict(),
    }
    if json:
        print_json(figures)
        return
    counts = ", ".join(_count(kind, n) for kind, n in evaluation.counts().items())
    counts += "".join(f" ({n} of all were cut)" for n in evaluation.cuts().values())
    n, of = evaluation.n_counted, len(evaluation.rollouts)
    on = f"{n}" if n == of else f"{n} of {of}"
    on += f" {about['split']} examples"
    on += in_groups(n_groups([rollout.example.group for rollout in evaluation.rollouts]))
    tell(f"{percent(evaluation.value)} on {on}: {counts}.", "bold")
    for note in notes:
        tell(note, "yellow")
    n = spent.calls
    tell(f"{n:,} call{'s' * (n != 1)}, {dollars(spent.usd)} (kept answers counted at their price).")
