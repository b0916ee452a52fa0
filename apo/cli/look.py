"""`apo runs` and `apo show`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o

if TYPE_CHECKING:
    from apo.runs import RunFolder


def runs(json: o.Json = False) -> None:
    """List the runs in this folder, the newest first.

    Example: `apo runs`
    """
    from rich.table import Table

    from apo.cli.console import console, home, percent, print_json, say
    from apo.errors import RunError
    from apo.runs import list_runs

    rows: list[dict[str, Any]] = []
    for folder in list_runs(home()):
        try:
            rows.append(_row(folder))
        except RunError as error:  # One that is damaged must not hide the others.
            say(str(error), "yellow")
    if json:
        print_json(rows)
        return
    if not rows:
        say(f"No runs in {home()}. Start one: apo optimize support-tickets")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("run", no_wrap=True)
    for name in ("state", "started", "seed", "best", "verdict", "calls"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for row in rows:
        verdict = {True: "favourable", False: "not proven", None: ""}[row["favourable"]]
        verdict = "a constant does as well" if row["constant"] else verdict
        scores = (percent(row["seed_score"]), percent(row["best_score"]))
        started = row["created"][5:16].replace("T", " ")
        calls = "" if row["calls"] is None else str(row["calls"])
        table.add_row(row["run_id"], row["state"], started, *scores, verdict, calls)
    console.print(table)


def _row(folder: "RunFolder") -> dict[str, Any]:
    from apo.shapes import SETTINGS, require, require_result

    settings, result = folder.settings, folder.result or {}
    require(settings, SETTINGS, str(folder.path / "run.json"))
    if result:
        require_result(result, str(folder.path / "result.json"))
    verdict: dict[str, Any] = result.get("verdict") or {}
    constant: dict[str, Any] = verdict.get("constant") or {"beaten": True}
    return {
        "run_id": folder.id,
        "state": folder.state,
        "created": str(settings.get("created") or ""),
        "task": settings["task"],
        "optimizer": settings["optimizer"]["name"],
        "model": result.get("model") or settings["model"] or "a Python object",
        "seed_score": verdict.get("seed_score"),
        "best_score": verdict.get("best_score"),
        "favourable": verdict.get("favourable"),
        "constant": bool(verdict.get("favourable")) and not constant["beaten"],
        "calls": result.get("spent", {}).get("calls"),
    }


def show(
    run: o.RunName,
    candidates: Annotated[
        int, typer.Option("--candidates", help="How many of the best candidates to list.")
    ] = 10,
    flips: Annotated[
        bool, typer.Option("--flips", help="Test examples won and lost, by label and slice.")
    ] = False,
    front: Annotated[
        bool, typer.Option("--front", help="Candidates by score, tokens, cost and latency.")
    ] = False,
    objective: Annotated[
        list[str],
        typer.Option("--objective", help="Of the front: score, tokens, output, cost, latency."),
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    example: Annotated[
        str, typer.Option("--example", metavar="ID|TEXT", help="All answers to one example.")
    ] = "",
    json: o.Json = False,
) -> None:
    """Show a run: verdict, scores, the best candidates, what changed from seed to best.

    Example: `apo show last --flips`
    """
    from apo.cli.console import home, print_json, say
    from apo.cli.folds import report_any
    from apo.cli.results import parts_of, tell_vetoes
    from apo.errors import TrustError
    from apo.guards.suspects import suspects
    from apo.refusals import told as told_refusals
    from apo.runs import find_run
    from apo.summary import summary

    folder = find_run(run, home())
    document = summary(folder)
    wanted: dict[str, str | bool] = {
        "flips": flips,
        "front": front or bool(objective),
        "example": example,
    }
    parts = parts_of(folder, wanted, objective)
    if json:
        print_json({**document, **{name: part for name, (part, _) in parts.items()}})
        return
    if parts:
        for _, tell in parts.values():
            tell()
        return
    say(
        f"{folder.id} · {document['state']} · {document['task']} · {document['optimizer']} · "
        f"{document['model']}",
        "bold",
    )
    if folder.result is not None:
        report_any(document)
    else:
        say(f"There is no result yet. Go on with: apo resume {folder.id}", "yellow")
        if line := told_refusals(document["refused"]):
            say(line)
    _list(document["candidates"][:candidates])
    tell_vetoes([(row["id"], row["value"], row["broken"]) for row in document["candidates"]])
    _diff(document)
    try:
        told = [str(suspect) for suspect in suspects(folder)]
    except TrustError as error:
        say(f"Its targets were not looked over, as its task is not trusted here. {error}", "yellow")
        told = []
    if told:
        say("Targets that may be wrong, or that all prompts lack the same rule for:", "bold")
        for line in told[:10]:
            say(line)


def _list(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from apo.cli.console import console, percent
    from apo.prompt import Prompt

    table = Table(box=None, pad_edge=False, title="candidates", title_justify="left", expand=True)
    for name in ("score", "measured on", "operator", "characters"):
        table.add_column(name, no_wrap=True)
    table.add_column("instruction", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        text = row["prompt"]["instruction"]
        n_demos = len(row["prompt"]["demos"])
        text = f"[{n_demos} demos] {text}" if n_demos else text
        where = (
            "vetoed"
            if row["broken"]
            else "validation"
            if row["whole"]
            else f"{row['n']} examples"
            if row["n"]
            else "nothing"
        )
        length = f"{len(Prompt.from_dict(row['prompt']).text()):,}"
        figures = (percent(row["value"]), where, row["operator"], length)
        table.add_row(*figures, Text(text.replace("\n", " ⏎ ")))
    console.print(table)


def _diff(document: dict[str, Any]) -> None:
    from rich.panel import Panel
    from rich.text import Text

    from apo.cli.console import console
    from apo.prompt import Prompt

    if not document.get("seed_prompt") or not document.get("best_prompt"):
        return
    seed, best = (Prompt.from_dict(document[name]) for name in ("seed_prompt", "best_prompt"))
    changes = seed.diff(best)
    if changes:
        console.print(Panel(Text(changes), title="from seed to best", title_align="left"))
