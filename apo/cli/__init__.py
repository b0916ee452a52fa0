"""The command line `apo`.

Commands import what they need when they run, so that help and completion come at once. Results go
to standard output, progress and notes to standard error (`apo.cli.console`).

Doors: none but this one.
Rests on: assessment, audit, bridges, calls, checking, compare, data, display, drafting, errors,
evaluation, failures, files, guards, language, lint, models, production, programs, prompts,
prompts.forms, reading, report, results, run, search, secrecy, statistics, storage, task,
taskfile, tracking, trust.
"""

import os
import sys
from collections.abc import Callable

import typer

from apo.cli.ablate import ablate
from apo.cli.annotate import annotate
from apo.cli.attempt import try_
from apo.cli.audit import audit
from apo.cli.compare import compare
from apo.cli.export import export
from apo.cli.gate import gate
from apo.cli.improve import feedback, improve
from apo.cli.judge import judge
from apo.cli.late import LateCommand, late
from apo.cli.lint import lint, tokens
from apo.cli.look import runs, show
from apo.cli.measure import evaluate
from apo.cli.methods import optimizers
from apo.cli.mlflow import sync, ui
from apo.cli.page import report
from apo.cli.run import estimate, optimize, resume
from apo.cli.speaking import speak, translate_help
from apo.cli.suggest import suggest
from apo.cli.task import check, init, tasks
from apo.cli.transfer import transfer
from apo.cli.trust import ask, trust
from apo.cli.watching import watch

app = typer.Typer(
    name="apo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Search for a better prompt within a budget, and prove the gain on untouched data.\n\n"
    "Start with `apo optimize support-tickets`: it runs offline, with the embedded model.",
)

_PANELS: dict[str, list[Callable[..., None]]] = {
    "Your task": [init, check, annotate, tasks, trust],
    "Your prompt": [lint, tokens],
    "Optimize": [optimizers, estimate, optimize, resume, watch, suggest],
    "Experiments": [compare],
    "Results": [runs, show, report, try_, export, evaluate, gate, transfer, ablate, audit, judge],
    "From use": [feedback, improve],
    "MLflow": [ui, sync],
}
_WITHOUT_FILES = (init, tasks, trust, optimizers, runs, report, watch)
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        _late = late(_command, asks=_command not in _WITHOUT_FILES)
        app.command(_command.__name__.rstrip("_"), cls=LateCommand, rich_help_panel=_panel)(_late)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"apo {version('apo')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
    home: str = typer.Option(
        "", "--home", help="Folder that holds the runs; by default .apo, or APO_HOME."
    ),
) -> None:
    from apo.cli.console import listen

    listen()
    _require_place()
    if home:
        os.environ["APO_HOME"] = home


def _require_place() -> None:
    """Paths are meant from the working directory, which somebody may have deleted since.

    Raises:
        SettingsError: it is not there any more.
    """
    from apo.errors import SettingsError

    try:
        os.getcwd()
    except FileNotFoundError:
        raise SettingsError(
            "The working directory is not there any more. Change to a folder that is: `cd ~`."
        ) from None


def main() -> None:
    """Run the command line; errors that apo raises on purpose are told without a traceback.

    Where files want something that is not allowed, the terminal is asked, and the command run anew.
    All is told in the language of the environment where there is a catalogue of it.
    """
    from apo.errors import ApoError, TrustError

    command = typer.main.get_command(app)
    if speak():
        translate_help(command)
    try:
        command()
    except ApoError as error:
        if isinstance(error, TrustError) and ask(error):
            return main()
        from apo.cli.console import fail, print_json

        if "--json" in sys.argv:
            told = {"type": type(error).__name__, "message": str(error), "run_id": error.run_id}
            print_json({"error": told})
        sys.exit(fail(error))
    except KeyboardInterrupt:
        sys.exit(130)
