"""`apo compare`."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o
from apo.cli.flags import takes
from apo.errors import SettingsError

if TYPE_CHECKING:
    from apo.compare.runner import Grid
    from apo.compare.settings import Experiment
    from apo.compare.spending import Shared


@dataclass(frozen=True, kw_only=True)
class CompareFlags:
    """The flags of `apo compare`, as they were typed."""

    experiment: Annotated[
        str, typer.Argument(metavar="FILE", help="An experiment file; flags replace its keys.")
    ] = ""
    tasks: Annotated[
        list[str],
        typer.Option("--task", "-t", help="A task, or a data folder; repeatable."),
    ] = field(default_factory=list[str])
    optimizers: Annotated[
        list[str],
        typer.Option("--optimizer", "-o", help="Name or file.py:Name; repeatable. Or: all."),
    ] = field(default_factory=list[str])
    models: Annotated[
        list[str], typer.Option("--model", "-m", help="Answers examples; repeatable.")
    ] = field(default_factory=list[str])
    optimizer_model: o.OptimizerModel = ""
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="How many seeds; 5 without a file.")
    ] = None
    max_calls: o.MaxCalls = None
    max_tokens: o.MaxTokens = None
    max_usd: o.MaxUsd = None
    max_minutes: o.MaxMinutes = None
    grid_max_calls: Annotated[
        int | None, typer.Option("--grid-max-calls", help="Most calls of all runs together.")
    ] = None
    grid_max_usd: Annotated[
        float | None, typer.Option("--grid-max-usd", help="Most US dollars of all runs together.")
    ] = None
    grid_max_minutes: Annotated[
        float | None,
        typer.Option("--grid-max-minutes", help="Minutes after which this command ends."),
    ] = None
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Start without asking, however much it may cost.")
    ] = False
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", help="Most calls at once of one run.")
    ] = None
    max_answer: o.MaxAnswer = None
    prices: o.Prices = field(default_factory=list[str])
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Take answers that other cells here paid for.")
    ] = False
    answers: Annotated[
        str,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="Take answers that --keep-answers wrote, and need no model for them.",
        ),
    ] = ""
    keep_answers: Annotated[
        str,
        typer.Option(
            "--keep-answers", metavar="FILE.xz", help="Add all answers to one file at the end."
        ),
    ] = ""
    name: Annotated[str, typer.Option("--name", help="Of the comparison and its folder.")] = ""
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Cells at once; by default one for each CPU."),
    ] = None
    on: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="PLACE",
            help="processes (of this machine), ray (a Ray started for it, or the cluster of "
            "RAY_ADDRESS) or ray:HOST:PORT; ray needs apo\\[ray].",
        ),
    ] = "processes"
    out: Annotated[
        str, typer.Option("--out", help="Folder of the report; by default the comparison's own.")
    ] = ""
    track: o.Track = True
    tracking_uri: o.TrackingUri = ""
    json: o.Json = False
    csv: o.Csv = False

    def wanted(self) -> "Experiment":
        """The experiment of the file and the flags.

        Raises:
            SettingsError: it cannot be read, or says nothing to compare.
            TrustError: the file wants what is not allowed yet.
        """
        names = ("max_calls", "max_tokens", "max_usd", "max_minutes")
        limits = {name: getattr(self, name) for name in names}
        given: dict[str, Any] = {
            "name": self.name,
            "tasks": self.tasks,
            "optimizers": "all" if self.optimizers == ["all"] else self.optimizers,
            "models": self.models,
            "optimizer_model": self.optimizer_model,
            "seeds": self.seeds,
            "budget": {key: limit for key, limit in limits.items() if limit is not None},
            "concurrency": self.concurrency,
            "max_answer": self.max_answer,
            "prices": dict(_price(text) for text in self.prices),
        }
        return _experiment(self.experiment, {k: v for k, v in given.items() if v == 0 or v})

    def shared(self) -> "Shared":
        """The limits over all cells.

        Raises:
            SettingsError: one is not above 0.
        """
        from apo.compare.spending import Shared

        return Shared(
            max_calls=self.grid_max_calls,
            max_usd=self.grid_max_usd,
            max_minutes=self.grid_max_minutes,
        )


@takes(CompareFlags)
def compare(flags: CompareFlags) -> None:
    """Compare optimizers on equal terms: same tasks, seeds, budget and test examples for all.

    Every cell of the grid is a run of its own. The same command again skips what is finished and
    goes on with the rest. A limit such as --max-usd is one for each run, --grid-max-usd for all.

    Example: `apo compare -t support-tickets -t reviews-ko -o ape -o opro --seeds 5`
    """
    from apo.cli.console import home, one_form, say
    from apo.cli.grid_view import view
    from apo.compare.answers import keep_answers, kept_answers, take_answers
    from apo.compare.grid import make_cells
    from apo.compare.runner import Grid, only_one, run_grid

    quiet, shared = one_form(json=flags.json, csv=flags.csv), flags.shared()
    wanted = flags.wanted()
    root = home() / "compare" / wanted.name
    if flags.track:
        from apo.compare.logbook import check_place

        check_place(wanted, flags.tracking_uri or None)
    if flags.keep_answers:
        kept_answers(Path(flags.keep_answers))  # A file of another kind is refused before the work.
    with only_one(root):
        if flags.answers:
            take_answers(Path(flags.answers), root)
        reuse = flags.reuse or bool(flags.answers)
        grid = Grid(make_cells(wanted, root, reuse=reuse), root)
        _tell_sum(grid, shared, yes=flags.yes, quiet=quiet)
        if grid.todo and flags.on.startswith("ray") and not quiet:
            say("Starting Ray, or connecting to it.")
        with view(grid, wanted, quiet=quiet) as show:
            run_grid(grid, show, on=flags.on, jobs=flags.jobs, shared=shared)
        if flags.keep_answers:
            keep_answers(grid.journals(), Path(flags.keep_answers))
        _conclude(wanted, grid, flags, quiet=quiet)
    if grid.stopping:
        raise typer.Exit(130)
    if grid.count("finished") < len(grid.cells):
        raise typer.Exit(1)


def _tell_sum(grid: "Grid", shared: "Shared", *, yes: bool, quiet: bool) -> None:
    """Tell what the cells may spend in all, and ask where that is much.

    Raises:
        SettingsError: it is much, and nobody can be asked.
    """
    from apo.cli.console import say
    from apo.compare.spending import add_up

    if not grid.todo:
        return
    found = add_up(grid.cells, grid.spent(), grid.todo, shared)
    asks = found.large and not yes
    if asks and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SettingsError(
            f"{found} Nobody can be asked here whether to spend that: give --yes, or a limit over "
            "all cells, such as --grid-max-usd."
        )
    if not quiet or asks:
        say(str(found))
    if asks and not typer.confirm("Start?", err=True):
        raise typer.Exit(1)


def _conclude(wanted: "Experiment", grid: "Grid", flags: CompareFlags, *, quiet: bool) -> None:
    """Write the report, log it, and tell it."""
    from apo.cli.console import print_csv, print_json, say, tell
    from apo.cli.grid_view import tell_grid
    from apo.compare.report import conclude, document, write_report

    found, curves = conclude(wanted, grid)
    whole = document(wanted, grid, found, curves)
    files = write_report(Path(flags.out) if flags.out else grid.root, whole, found, curves)
    tracked = None
    if flags.track and curves:
        from apo.compare.logbook import log

        if not quiet:
            say("Logging to MLflow.")
        tracked = log(wanted, found, curves, files, flags.tracking_uri or None)
    if flags.csv:
        print_csv(found.rows())
    elif flags.json:
        print_json({**whole, "mlflow": tracked.to_dict() if tracked else {}})
    else:
        tell_grid(grid, found, files[0].parent)
        if tracked is not None:
            told = f"MLflow: run {tracked.run_id} at {tracked.url or tracked.tracking_uri}"
            say(tracked.problem, "yellow") if tracked.problem else tell(told)


def _experiment(file: str, flags: dict[str, Any]) -> "Experiment":
    from apo.compare.settings import mark_models, parse_experiment, read_trusted_experiment

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
