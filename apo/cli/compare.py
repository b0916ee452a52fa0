"""`apo compare`."""

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o

if TYPE_CHECKING:
    from apo.compare.runner import Grid
    from apo.compare.settings import Experiment
    from apo.compare.standing import Comparison

NARROW = ("optimizer", "seed", "best", "gain", "rank", "behind", "p", "proven", "chars")
"""Columns of a table on a terminal that is too narrow for all; the report has them all."""


def compare(
    experiment: Annotated[
        str, typer.Argument(metavar="FILE", help="An experiment file; flags replace its keys.")
    ] = "",
    tasks: Annotated[
        list[str],
        typer.Option("--task", "-t", help="A task, or a data folder; repeatable."),
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    optimizers: Annotated[
        list[str],
        typer.Option("--optimizer", "-o", help="Name or file.py:Name; repeatable. Or: all."),
    ] = [],  # noqa: B006
    models: Annotated[
        list[str], typer.Option("--model", "-m", help="Answers examples; repeatable.")
    ] = [],  # noqa: B006
    optimizer_model: o.OptimizerModel = "",
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="How many seeds; 5 without a file.")
    ] = None,
    max_calls: o.MaxCalls = None,
    max_tokens: o.MaxTokens = None,
    max_usd: o.MaxUsd = None,
    max_minutes: o.MaxMinutes = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", help="Most calls at once of one run.")
    ] = None,
    prices: o.Prices = [],  # noqa: B006
    name: Annotated[str, typer.Option("--name", help="Of the comparison and its folder.")] = "",
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Cells at once; by default one for each CPU."),
    ] = None,
    on: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="PLACE",
            help="processes (of this machine), ray (a Ray started for it, or the cluster of "
            "RAY_ADDRESS) or ray:HOST:PORT; ray needs apo\\[ray].",
        ),
    ] = "processes",
    out: Annotated[
        str, typer.Option("--out", help="Folder of the report; by default the comparison's own.")
    ] = "",
    track: o.Track = True,
    tracking_uri: o.TrackingUri = "",
    json: o.Json = False,
    csv: o.Csv = False,
) -> None:
    """Compare optimizers on equal terms: same tasks, seeds, budget and test examples for all.

    Every cell of the grid is a run of its own. The same command again skips what is finished and
    goes on with the rest. A limit is one for each run.

    Example: `apo compare -t support-tickets -t reviews-ko -o ape -o opro --seeds 5`
    """
    from apo.cli.console import home, one_form, print_csv, print_json, say, tell
    from apo.compare.grid import make_cells
    from apo.compare.report import conclude, document, write_report
    from apo.compare.runner import Grid, only_one, run_grid

    quiet = one_form(json=json, csv=csv)
    limits: dict[str, float | None] = {
        "max_calls": max_calls,
        "max_tokens": max_tokens,
        "max_usd": max_usd,
        "max_minutes": max_minutes,
    }
    budget = {key: limit for key, limit in limits.items() if limit is not None}
    flags: dict[str, Any] = {
        "name": name,
        "tasks": tasks,
        "optimizers": "all" if optimizers == ["all"] else optimizers,
        "models": models,
        "optimizer_model": optimizer_model,
        "seeds": seeds,
        "budget": budget,
        "concurrency": concurrency,
        "prices": dict(_price(text) for text in prices),
    }
    wanted = _experiment(experiment, {k: v for k, v in flags.items() if v == 0 or v})
    root = home() / "compare" / wanted.name
    with only_one(root):
        grid = Grid(make_cells(wanted, root), root)
        with _view(grid, wanted, quiet=quiet) as show:
            run_grid(grid, show, on=on, jobs=jobs)
        found, curves = conclude(wanted, grid)
        whole = document(wanted, grid, found, curves)
        files = write_report(Path(out) if out else root, whole, found, curves)
        tracked = None
        if track and curves:
            from apo.compare.logbook import log

            if not quiet:
                say("Logging to MLflow.")
            tracked = log(wanted, found, curves, files, tracking_uri or None)
    if csv:
        print_csv(found.rows())
    elif json:
        print_json({**whole, "mlflow": tracked.to_dict() if tracked else {}})
    else:
        _tell(grid, found, files[0].parent)
        if tracked is not None:
            told = f"MLflow: run {tracked.run_id} at {tracked.url or tracked.tracking_uri}"
            say(tracked.problem, "yellow") if tracked.problem else tell(told)
    if grid.stopping:
        raise typer.Exit(130)
    if grid.count("finished") < len(grid.cells):
        raise typer.Exit(1)


def _experiment(file: str, flags: dict[str, Any]) -> "Experiment":
    from apo.compare.settings import mark_models, parse_experiment, read_trusted_experiment
    from apo.errors import SettingsError

    read = read_trusted_experiment(Path(file)) if file else {}
    values = {"name": "comparison", **read, **flags}
    if not (values.get("tasks") and values.get("optimizers")):
        raise SettingsError(
            "Nothing to compare: give an experiment file, or tasks and optimizers, such as "
            "apo compare -t support-tickets -o ape -o opro."
        )
    experiment = parse_experiment(values, file or "apo compare")
    return mark_models(experiment, {k: v for k, v in read.items() if k not in flags})


def _price(text: str) -> tuple[str, str]:
    from apo.models.prices import parse_price

    parse_price(text)
    name, _, numbers = text.rpartition("=")
    return name.strip(), numbers


class _view:  # noqa: N801 (used like the context managers of contextlib)
    """The grid as it goes on: a live panel on a terminal, plain lines elsewhere."""

    def __init__(self, grid: "Grid", experiment: "Experiment", *, quiet: bool) -> None:
        from rich.live import Live

        from apo.cli.console import notes

        self._grid, self._quiet = grid, quiet
        self._title = f"{experiment.name}: {len(grid.cells)} cells"
        self._last: deque[str] = deque(maxlen=5)
        self._told: set[str] = set(grid.outcomes)
        self._next = 0.0
        live = notes.is_terminal and not quiet
        self._live = Live(console=notes, transient=True, auto_refresh=False) if live else None

    def __enter__(self) -> "_view":
        if self._live is not None:
            self._live.start()
        if self._grid.earlier and not self._quiet:
            from apo.cli.console import say

            say(f"{self._grid.earlier} of {len(self._grid.cells)} cells were finished before.")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self) -> None:
        """Show what is new."""
        if self._quiet:
            return
        from apo.cli.console import percent, say

        for cell, outcome in self._grid.outcomes.items():
            if cell in self._told:
                continue
            self._told.add(cell)
            if outcome.state == "failed":
                say(f"{cell} failed: {outcome.error}", "red")
            elif outcome.scores is not None:
                seed, best = outcome.scores
                self._last.append(f"{cell}: {percent(seed)} → {percent(best)}")
        if self._live is not None:
            self._live.update(self._panel(), refresh=True)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + 10
            say(f"{self._title} · {self._status()}")

    def _panel(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        grid = self._grid
        bar = ProgressBar(total=len(grid.cells), completed=len(grid.outcomes), width=60)
        lines = [Text(line, style="dim") for line in self._last]
        return Group(Text(self._title, style="bold"), bar, Text(self._status()), *lines)

    def _status(self) -> str:
        from apo.cli.console import clock

        grid = self._grid
        finished, failed = grid.count("finished"), grid.count("failed")
        done = len(grid.outcomes) - grid.earlier
        passed = time.monotonic() - grid.started
        text = f"{finished} finished" + (f", {failed} failed" if failed else "")
        if grid.stopping:
            return f"{text} · stopping: calls under way are paid; Ctrl-C again does not wait"
        if done:
            left = (len(grid.cells) - len(grid.outcomes)) * passed / done
            text += f" · {passed / done:.1f} s a cell · {clock(left)} left"
        return f"{text} · {clock(passed)}"


def _tell(grid: "Grid", found: "Comparison", folder: Path) -> None:
    from rich.table import Table

    from apo.cli.console import results, say, tell, typed
    from apo.compare.table import tables

    for table in tables(found):
        shown = Table(box=None, pad_edge=False, title=table.title, title_justify="left")
        narrow = results.width < table.width
        places = [p for p, name in enumerate(table.headings) if not narrow or name in NARROW]
        for place in places:
            heading = table.headings[place]
            shown.add_column(heading, justify="right" if place else "left", no_wrap=True)
        for row in table.rows:
            shown.add_row(*(row[place] for place in places))
        tell()
        tell(shown)
        tell(table.note, "dim")
    tell()
    for problem in found.problems:
        tell(problem, "yellow")
    for cell, outcome in grid.outcomes.items():
        if outcome.state == "failed":
            tell(f"  {cell}: {outcome.error}", "red")
    if grid.count("finished") < len(grid.cells):
        say("The same command again goes on where this one ended.", "bold")
    tell(f"Report: {folder}")
    say(f"The runs: apo --home {typed(grid.root)} runs")
