"""`apo feedback` and `apo improve`."""

from typing import TYPE_CHECKING, Annotated

import typer

from apo.cli import options as o
from apo.cli.flags import RunFlags, takes

if TYPE_CHECKING:
    from apo.production.improving import Round

NOT_PROMOTED = 4
"""Exit code where nothing went wrong, and the deployed prompt stays."""


def feedback(
    task: o.TaskName,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|traces:/EXPERIMENT",
            help="A table with the inputs, the answer, and what was said of it; or MLflow's traces "
            "with their assessments.",
        ),
    ],
    json: o.Json = False,
) -> None:
    """Add what people and judges said of answers to a task's folder, for `apo improve`.

    A table has a column for each input of the task, and of these what there is: answer, thumbs (up
    or down), correction (the right answer), by (person or judge).

    Example: `apo feedback tickets september.csv`
    """
    from pathlib import Path

    from apo.cli.console import home, print_json, say, tell
    from apo.data.rows import read_rows
    from apo.production.feedback import read_feedback
    from apo.production.kept import FILE, keep_feedback, kept_feedback, told_disagreeing
    from apo.production.targets import told_strange, wanted_targets
    from apo.production.traces import SCHEME, trace_feedback
    from apo.taskfile.load import load_task
    from apo.taskfile.places import own_path
    from apo.taskfile.yaml_file import read_task_file

    path = own_path(task)
    loaded = load_task(task, memory=home() / "splits")
    fields = loaded.input_fields
    if source.startswith(SCHEME):
        said, notes = trace_feedback(source, fields)
    else:
        target = read_task_file(path).target
        said, notes = read_feedback(read_rows(Path(source)), fields, target)
    added = keep_feedback(path.parent, said)
    notes += [*told_strange(said, loaded), *told_disagreeing(kept_feedback(path.parent))]
    usable = sum(bool(wanted_targets(one, loaded)) for one in said)
    if json:
        print_json({"read": len(said), "added": added, "with_answer": usable, "notes": notes})
        return
    tell(f"{added} new of {len(said)}, {usable} of them with a right answer.", "bold")
    for note in notes:
        say(note, "yellow")
    say(f"Kept in {path.parent / FILE}. Next: apo improve PROMPT {task}")


@takes(RunFlags)
def improve(
    deployed: Annotated[
        str,
        typer.Argument(
            metavar="PROMPT",
            help="The deployed prompt: a file, a run, or prompts:/NAME@ALIAS in MLflow's registry.",
        ),
    ],
    flags: RunFlags,
    may_lose: Annotated[
        bool,
        typer.Option(
            "--may-lose", help="Rows that the deployed prompt gets right may get lost, too."
        ),
    ] = False,
) -> None:
    """Improve a deployed prompt by feedback, and promote the new one if it is proven better.

    Feedback becomes rows of train, validation and test; the task's own rows must pass. A prompt of
    MLflow's registry gets its next version, and its alias, only with a favourable verdict; else the
    command ends with code 4 and nothing changes there.

    Example: `apo improve prompts:/tickets@champion tickets --model openai/gpt-5-mini --max-usd 1`
    """
    from dataclasses import replace

    from apo.calls.progress import Progress
    from apo.cli.console import home, print_json, say
    from apo.cli.folds import report_any
    from apo.cli.live import watch
    from apo.cli.prompts import prompt_of
    from apo.cli.review import reviewer
    from apo.errors import SettingsError
    from apo.production.improving import settle_round, write_round
    from apo.results.outcome import outcome
    from apo.run.optimize import aoptimize
    from apo.taskfile.load import load_task
    from apo.tracking.registered import SCHEME, pinned

    if flags.prompt or flags.folds is not None:
        raise SettingsError(
            "apo improve starts from the deployed PROMPT, without --prompt, --folds."
        )
    progress = Progress()
    asks = reviewer(progress) if flags.review else None
    prompt, _ = prompt_of(deployed, load_task(flags.task, memory=home() / "splits"))
    before = pinned(deployed) if deployed.startswith(SCHEME) else ""
    made = write_round(flags.task, prompt, memory=home() / "splits", may_lose=may_lose)
    if not flags.json:
        _tell_round(made, may_lose)
    given = replace(flags, task=str(made.path)).arguments(home())
    title = f"{flags.task} · improve · {flags.optimizer} · {flags.model}"
    document = watch(
        aoptimize(**given, progress=progress, reviewer=asks), progress, title, quiet=flags.json
    ).to_dict()
    promoted = _promoted(deployed, before, progress.run_id) if outcome(document).favourable else ""
    if promoted:
        settle_round(made.path.parent)
    if flags.json:
        print_json({**document, "promoted": promoted, "rows_of_feedback": made.n_new})
    else:
        report_any(document)
        told = f"Promoted: {promoted}" if promoted else "Nothing is promoted."
        say(told, "green" if promoted else "yellow")
    if document.get("overspent"):
        raise typer.Exit(3)
    raise typer.Exit(0 if promoted else NOT_PROMOTED)


def _tell_round(made: "Round", may_lose: bool) -> None:
    from apo.cli.console import say

    kept = "may be lost" if may_lose else "must pass"
    say(f"New rows of feedback: {made.n_new}. Rows that {kept}: {made.n_old}. ({made.path})")
    for note in made.notes:
        say(note, "yellow")


def _promoted(deployed: str, before: str, run: str) -> str:
    """Make the winner the next version, with the alias; say how to take it in place of a file.

    A tracked run has left its winner there already, where the task's own name is deployed.
    """
    from apo.cli.console import home
    from apo.prompts.prompt import Prompt
    from apo.results.provenance import provenance_of
    from apo.storage.folder import find_run
    from apo.tracking.registered import (
        CHAMPION,
        SCHEME,
        address_of,
        latest_of,
        promote,
        register_next,
    )

    folder = find_run(run, home())
    if not deployed.startswith(SCHEME):
        return f"apo export {run} --out FILE"
    address = address_of(deployed)
    best = Prompt.from_dict(folder.need_result()["best_prompt"])
    version = latest_of(address.name, best)
    if version in ("", before):
        version = register_next(f"{SCHEME}{address.name}", best, provenance_of(folder, best))
    promote(version, address.alias or CHAMPION, before)
    return f"{version} ({address.alias or CHAMPION})"
