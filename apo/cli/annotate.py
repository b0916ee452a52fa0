"""`apo annotate`: which unlabelled inputs to label, and their labels added to the task."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes


@takes(AskFlags)
def annotate(
    task: o.TaskName,
    inputs: Annotated[
        str, typer.Argument(metavar="FILE", help="Data with the task's inputs, without labels.")
    ],
    add: Annotated[
        bool, typer.Option("--add", help="Add the rows of FILE that have a label; ask no model.")
    ] = False,
    prompt: Annotated[
        list[str],
        typer.Option(
            "--prompt",
            metavar="FILE|RUN[:ID]",
            help="A prompt that answers; by default the best ones of the task's last run.",
        ),
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    prompts: Annotated[int, typer.Option("--prompts", help="How many of the run.")] = 5,
    top: Annotated[int, typer.Option("--top", help="Inputs to show, or to ask about.")] = 20,
    ask: Annotated[
        bool | None,
        typer.Option("--ask/--no-ask", help="Ask for labels here; by default on a terminal."),
    ] = None,
    out: Annotated[
        str, typer.Option("--out", help="CSV file with these inputs and an empty label column.")
    ] = "",
    model: o.ModelName = "",
    max_calls: o.MaxCalls = None,
    fresh: o.Fresh = False,
    *,
    flags: AskFlags,
) -> None:
    """Rank unlabelled inputs by how much good prompts disagree, and add the labels you give.

    New rows go to train; validation and test stay as they are. Answers are kept and labelled inputs
    are left out, so the same command goes on where it was stopped.

    Example: `apo annotate complaints new.csv --top 50 --out to_label.csv`
    """
    from functools import partial

    from apo.assessment.annotation import affordable, arank, calls_each
    from apo.cli.annotating import add_labelled, committee, end, unlabelled
    from apo.cli.console import home, print_json, say
    from apo.taskfile.adding import TaskData

    data = TaskData.of(task, home() / "splits")
    loaded = data.load()
    if add:
        return add_labelled(data, Path(inputs), json=flags.json)
    members, name = committee(loaded, prompt, prompts, model)
    new, each = unlabelled(data, Path(inputs)), calls_each(loaded)
    n = affordable(len(new), len(members), each, max_calls)
    if not flags.json:
        say(
            f"{len(members)} prompt{'s' * (len(members) != 1)} on {n} of {len(new)} "
            f"input{'s' * (len(new) != 1)} without a label: "
            f"{len(members) * n * each:,} calls at most; those with kept answers are not made."
        )
    asked = flags.ask(
        partial(arank, loaded, members, [example for _, example in new[:n]], model=name),
        f"{loaded.name} · annotate · {name}",
        max_calls=max_calls,
        fresh=fresh,
        quiet=flags.json,
    )
    ranked, spent = asked.found
    shown = [(new[one.number][0], one) for one in ranked[:top]]
    if flags.json:
        found = {"task": loaded.name, "ranked": [one.to_dict() for _, one in shown]}
        print_json({**found, "spent": spent.to_dict(), "overspent": asked.overspent})
    else:
        here = sys.stdin.isatty() if ask is None else ask
        end(data, shown, out, here=here, spent=spent, notes=asked.kept)
    asked.end()
