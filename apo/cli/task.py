"""`apo init`, `apo check` and `apo tasks`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes
from apo.cli.headroom import look_at
from apo.cli.values import body as read_body
from apo.errors import SettingsError
from apo.language.catalogue import message, translated

if TYPE_CHECKING:
    from apo.checking.finding import Finding
    from apo.drafting.lists import Lists
    from apo.task import Task


def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new task's folder.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Your file of examples, as with --data.")
    ] = None,
    *,
    data: Annotated[Path | None, typer.Option("--data", help="Your file of examples.")] = None,
    inputs: Annotated[
        list[str], typer.Option("--input", metavar="COLUMN", help="An input column; repeatable.")
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    target: Annotated[
        str, typer.Option("--target", metavar="COLUMN", help="The column of right answers.")
    ] = "",
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="What is asked for, such as summary or reasoning; found out where not said.",
        ),
    ] = "",
    database: Annotated[
        Path | None,
        typer.Option("--database", help="What SQL runs on: a SQLite file, or an .sql script."),
    ] = None,
    lists: Annotated[
        str,
        typer.Option(
            "--lists",
            metavar="any|all",
            help="What is right where a target holds several items; found out where not said.",
        ),
    ] = "",
    encoding: Annotated[
        str, typer.Option("--encoding", help="Of a text file; found out where not said.")
    ] = "",
    delimiter: Annotated[
        str, typer.Option("--delimiter", help="Between cells; tab for a tab. Found out, too.")
    ] = "",
) -> None:
    """Make a task folder from your own file: what is proposed is explained, and yours to edit.

    Example: `apo init complaints --data complaints.csv --input text --target team`
    """
    from apo.cli.console import say, tell, typed
    from apo.drafting.draft import draft_task
    from apo.drafting.format import Wanted
    from apo.drafting.kinds import known_kind
    from apo.drafting.write import write_draft
    from apo.taskfile.settings import task_name

    kinds: dict[str, Lists | None] = {"": None, "any": "any", "all": "all"}
    if lists not in kinds:
        raise SettingsError(f"--lists is {lists!r}; it must be any or all.")
    folder = Path(name)
    given = [path for path in (file, data) if path is not None]
    if len(given) != 1:
        called, known = (folder.stem, name) if folder.is_file() else (name, "FILE.csv")
        raise SettingsError(
            "A task needs a name and one file of examples: "
            f"apo init {typed(called)} --data {typed(known)}"
        )
    wanted = Wanted(
        inputs=inputs,
        target=target or None,
        lists=kinds[lists],
        encoding=encoding or None,
        delimiter={"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter) or None,
        kind=known_kind(kind),
        database=database,
    )
    draft = draft_task(task_name(folder.resolve().name), given[0], wanted)
    write_draft(draft, folder)
    for line in draft.explanations:
        tell(f"• {translated(line)}")
    say(f"Wrote {folder / 'task.yaml'}. Next: apo check {typed(name)}", "bold")


@takes(AskFlags)
def check(
    task: o.TaskName,
    ping: Annotated[
        bool, typer.Option("--ping", help="Make one call to the model, and show what comes back.")
    ] = False,
    headroom: Annotated[
        bool,
        typer.Option(
            "--headroom", help="Make up to 60 calls, and say whether a search is worth its money."
        ),
    ] = False,
    model: o.ModelName = "embedded",
    optimizer_model: o.OptimizerModel = "",
    body: o.Body = [],  # noqa: B006 (typer reads the default, nobody changes it)
    max_answer: o.MaxAnswer = None,
    fresh: o.Fresh = False,
    csv: o.Csv = False,
    *,
    flags: AskFlags,
) -> None:
    """Say all that can be known of a task without spending: data, leakage, labels, scorer, prompt.

    Example: `apo check support-tickets --headroom --model ollama/llama3.2`
    """
    from apo.checking.check import check as check_task
    from apo.checking.groups import column_findings
    from apo.cli.console import home, one_form, print_csv, print_json
    from apo.evaluation.room import with_max_answer
    from apo.taskfile.load import load_task, rows_of

    document = one_form(json=flags.json, csv=csv)
    loaded = with_max_answer(load_task(task, memory=home() / "splits"), max_answer)
    read = rows_of(task)
    findings = check_task(loaded, column_findings(loaded, *read) if read else ())
    if not document:
        _tell(findings)
    sound = not any(finding.level == "error" for finding in findings)
    answered = _ping(loaded, model, read_body(body)) if ping else []
    if headroom and sound:
        answered += look_at(
            task, loaded, model, optimizer_model, read_body(body), flags, fresh=fresh
        )
    if document:
        rows = [{"level": f.level, "text": f.text} for f in [*findings, *answered]]
        print_json(rows) if flags.json else print_csv(rows)
    else:
        _tell(answered)
    if headroom and not sound:
        raise SettingsError("There are errors above: mend them before a look at the headroom.")
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


def _tell(findings: "list[Finding]") -> None:
    from apo.cli.console import tell_pairs

    styles = {
        message("error"): "bold red",
        message("warning"): "yellow",
        message("note"): "cyan",
        message("ok"): "green",
        message("headroom"): "",
    }
    tell_pairs((f"{f.level:<7}", f.text, styles.get(f.level, "")) for f in findings)


def _ping(task: "Task", model: str, body: "dict[str, Any]") -> "list[Finding]":
    """What the model answers to one example, and what is to be said of its calls."""
    import asyncio
    from dataclasses import replace

    from apo.assessment.evaluate import aevaluate
    from apo.calls.progress import Progress
    from apo.checking.finding import Finding
    from apo.storage.journal import Journal

    one = replace(task, validation=task.validation[:1])
    progress, prompt = Progress(), task.seed_prompts[0].with_extra(body)
    with Journal() as journal:
        work = aevaluate(
            one, prompt, split="validation", model=model, journal=journal, progress=progress
        )
        evaluation, spent = asyncio.run(work)
        notes = progress.caller.notes() if progress.caller is not None else ()
    (rollout,) = evaluation.rollouts
    feedback = rollout.score.feedback if rollout.score else rollout.error
    texts = (
        f"{model} answered with {spent.output_tokens} tokens: {rollout.output[:300]!r}",
        message(f"wanted {rollout.example.target!r}: {rollout.outcome}. {feedback}"),
        *notes,
    )
    return [Finding("ping", text) for text in texts]


def tasks(json: o.Json = False, csv: o.Csv = False) -> None:
    """List the built-in tasks, by what they ask for.

    Example: `apo tasks`
    """
    from apo.cli.console import one_form, print_csv, print_json, tell_pairs
    from apo.taskfile.places import builtin_kinds, builtin_tasks, describe

    if one_form(json=json, csv=csv):
        kinds, names = builtin_kinds(), builtin_tasks()
        rows = [{"task": n, "description": describe(n), "kind": kinds[n]} for n in names]
        print_json(names) if json else print_csv(rows)
        return
    tell_pairs((name, f"{kind}: {describe(name)}", "") for name, kind in builtin_kinds().items())
