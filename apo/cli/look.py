"""`apo runs` and `apo show`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o
from apo.language.catalogue import message, translated

if TYPE_CHECKING:
    from apo.storage.folder import RunFolder

COLUMNS = (
    message("run"), message("state"), message("started"), message("seed"), message("best"),
    message("outcome"), message("calls"),
)  # fmt: skip
STATES = (
    message("new"), message("running"), message("finished"), message("estimated"),
    message("interrupted"), message("failed"), message("stopped"),
)  # fmt: skip
"""What a run's folder says of it."""


def runs(json: o.Json = False, csv: o.Csv = False) -> None:
    """List the runs in this folder, the newest first.

    Example: `apo runs`
    """
    from apo.cli.console import home, one_form, percent, print_csv, print_json, say
    from apo.errors import RunError
    from apo.storage.folder import list_runs

    rows: list[dict[str, Any]] = []
    for folder in list_runs(home()):
        try:
            rows.append(_row(folder))
        except RunError as error:  # One that is damaged must not hide the others.
            say(str(error), "yellow")
    if one_form(json=json, csv=csv):
        print_json(rows) if json else print_csv(rows)
        return
    if not rows:
        say(f"No runs in {home()}. Start one: apo optimize support-tickets")
        return
    lines: list[tuple[str, ...]] = []
    for row in rows:
        scores = (percent(row["seed_score"]), percent(row["best_score"]))
        started = row["created"][5:16].replace("T", " ")
        calls = "" if row["calls"] is None else str(row["calls"])
        state, came_out = translated(row["state"]), translated(row["outcome"])
        lines.append((row["run_id"], state, started, *scores, came_out, calls))
    _table(lines)


def _table(lines: list[tuple[str, ...]]) -> None:
    """Write the table of runs; where it is too wide, less important columns are left out."""
    from rich.table import Table
    from rich.text import Text

    from apo.cli.console import tell
    from apo.cli.narrow import fitting, tell_left_out

    rows = [dict(zip(COLUMNS, map(Text, line), strict=True)) for line in lines]
    left_out = fitting(rows, ("calls", "started", "seed", "state", "outcome"))
    table = Table(box=None, pad_edge=False)
    for name in (name for name in COLUMNS if name not in left_out):
        table.add_column(name, no_wrap=name != "run", overflow="fold")
    for row in rows:
        table.add_row(*(cell for name, cell in row.items() if name not in left_out))
    tell(table)
    tell_left_out(left_out)


def _row(folder: "RunFolder") -> dict[str, Any]:
    from apo.results.outcome import outcome
    from apo.storage.shapes import SETTINGS, require, require_result

    settings, result = folder.settings, folder.result or {}
    require(settings, SETTINGS, str(folder.path / "run.json"))
    if result:
        require_result(result, str(folder.path / "result.json"))
    verdict: dict[str, Any] = result.get("verdict") or {}
    found = outcome(result) if result else None
    return {
        "run_id": folder.id,
        "state": folder.state,
        "created": str(settings.get("created") or ""),
        "task": settings["task"],
        "optimizer": settings["optimizer"]["name"],
        "model": result.get("model") or settings["model"] or "a Python object",
        "seed_score": verdict.get("seed_score"),
        "best_score": verdict.get("best_score"),
        "favourable": found and found.favourable,
        "outcome": found.kind if found else "",
        "reason": found.reason if found else "",
        "calls": result.get("spent", {}).get("calls"),
    }


def show(
    run: o.RunOrCandidate,
    candidates: Annotated[
        int, typer.Option("--candidates", help="How many of the best candidates to list.")
    ] = 10,
    flips: Annotated[
        bool, typer.Option("--flips", help="Test examples won and lost, by label and slice.")
    ] = False,
    failures: Annotated[
        bool, typer.Option("--failures", help="What the best prompt's wrong answers share.")
    ] = False,
    front: Annotated[
        bool, typer.Option("--front", help="Candidates by score, tokens, cost and latency.")
    ] = False,
    objective: Annotated[
        list[str],
        typer.Option("--objective", help="Of the front: score, tokens, output, cost, latency."),
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    lineage: Annotated[
        bool, typer.Option("--lineage", help="From the seed prompt to the best one, or to ID.")
    ] = False,
    example: Annotated[
        str, typer.Option("--example", metavar="ID|TEXT", help="All answers to one example.")
    ] = "",
    json: o.Json = False,
    csv: o.Csv = False,
) -> None:
    """Show a run: verdict, scores, the best candidates, what changed from seed to best.

    RUN:ID shows one candidate of it whole. The table of --csv is that of the candidates, or of the
    one part that is asked for.

    Example: `apo show last --flips`
    """
    from apo.cli.candidates import lineage_of, tell_candidate, tell_lineage
    from apo.cli.console import home, one_form, print_csv, print_json
    from apo.cli.failures import failures_of
    from apo.cli.results import parts_of, rows_of
    from apo.errors import SettingsError
    from apo.results.outcome import outcome
    from apo.storage.lineage import find_named
    from apo.storage.summary import summary, winner

    folder, candidate = find_named(run, home())
    document = summary(folder)
    document["outcome"] = None if folder.result is None else outcome(document).to_dict()
    if candidate is not None and (flips or front or objective or example):
        raise SettingsError(
            f"--flips, --front, --objective and --example are of a whole run: {folder.id}."
        )
    wanted: dict[str, str | bool] = {
        "flips": flips,
        "front": front or bool(objective),
        "example": example,
    }
    parts = parts_of(folder, wanted, objective)
    if failures:
        parts["failures"] = failures_of(folder, document, candidate)
    elif candidate is not None:
        parts["candidate"] = (candidate, lambda: tell_candidate(candidate, document))
    if lineage:
        last = candidate["id"] if candidate is not None else winner(document)
        tree = (lineage_of(document, last), lambda: tell_lineage(document, last))
        parts = {**parts, "lineage": tree} if candidate is None else {"lineage": tree}
    asked = {name: part for name, (part, _) in parts.items()}
    if one_form(json=json, csv=csv):
        print_json({**document, **asked}) if json else print_csv(rows_of(asked, document))
    elif parts:
        for _, write in parts.values():
            write()
    else:
        _tell_whole(folder, document, candidates)


def _tell_whole(folder: "RunFolder", document: dict[str, Any], n: int) -> None:
    """The run itself: its verdict or where it stands, its best candidates, and what changed."""
    from rich.text import Text

    from apo.cli.candidates import tell_candidates
    from apo.cli.console import say, tell
    from apo.cli.folds import report_any
    from apo.cli.results import tell_vetoes
    from apo.storage.refusals import told as told_refusals
    from apo.storage.refusals import told_replies

    state, about = translated(document["state"]), [document["task"], document["optimizer"]]
    tell(Text(" · ".join([folder.id, state, *about, document["model"]]), "bold"))
    if folder.result is not None:
        report_any(document)
    else:
        say(f"There is no result yet. {folder.way_on}", "yellow")
        for line in (told_replies(document["refused"]), told_refusals(document["refused"])):
            tell(line) if line else None
        for note in document["notes"]:
            tell(note, "yellow")
    tell_candidates(document, n)
    tell_vetoes([(row["id"], row["value"], row["broken"]) for row in document["candidates"]])
    _diff(document)
    _tell_suspects(folder)


def _tell_suspects(folder: "RunFolder") -> None:
    """Targets that may be wrong, where the run's task may be used."""
    from apo.checking.suspects import suspects
    from apo.cli.console import say, tell
    from apo.errors import TrustError

    try:
        told = [str(suspect) for suspect in suspects(folder)]
    except TrustError as error:
        say(f"Its targets were not looked over, as its task is not trusted here. {error}", "yellow")
        return
    if told:
        tell("Targets that may be wrong, or that all prompts lack the same rule for:", "bold")
        for line in told[:10]:
            tell(line)


def _diff(document: dict[str, Any]) -> None:
    from rich.text import Text

    from apo.cli.console import tell_framed
    from apo.cli.prompts import cut
    from apo.prompts.prompt import Prompt

    if not document.get("seed_prompt") or not document.get("best_prompt"):
        return
    seed, best = (Prompt.from_dict(document[name]) for name in ("seed_prompt", "best_prompt"))
    changes = seed.diff(best)
    if changes:
        shown = cut(Text(changes), f"apo export {document['run_id']} --best")
        tell_framed(shown, "from seed to best")
