"""`apo trust`, and the question that a folder of others is asked about."""

import os
import sys
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from apo.errors import TrustError


def trusting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that may use files of others the option --trust."""
    option = Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Allow what the files ask for, this once, without a question; for scripts.",
        ),
    ]
    hints = get_type_hints(command, include_extras=True) | {"trust": option}
    own = [p.replace(kind=p.KEYWORD_ONLY) for p in signature(command).parameters.values()]
    own.append(Parameter("trust", Parameter.KEYWORD_ONLY, default=False))

    def with_trust(**given: Any) -> None:
        if given.pop("trust"):
            from apo.trust import SWITCH

            os.environ[SWITCH] = "1"
        command(**given)

    with_trust.__name__, with_trust.__doc__ = command.__name__, command.__doc__
    with_trust.__annotations__ = hints
    with_trust.__signature__ = Signature(  # type: ignore[attr-defined]
        [p.replace(annotation=hints[p.name]) for p in own]
    )
    return with_trust


def trust(
    what: Annotated[
        str, typer.Argument(metavar="FOLDER|RUN", help="A task, an experiment file, or a run.")
    ],
) -> None:
    """Allow what the files of others ask for: to run code or commands, ask hosts, read elsewhere.

    What is allowed is listed, and remembered until the files change.

    Example: `apo trust ./their-task`
    """
    from apo.cli.console import say, tell
    from apo.trust import SWITCH, grant

    os.environ.pop(SWITCH, None)
    granted = set[str]()
    while True:  # An mlflow.db asks for each of its experiments.
        try:
            _ask_for(what)
        except TrustError as asked:
            if asked.key in granted:
                raise
            granted.add(asked.key)
            tell(f"{asked.subject} may now:")
            for wish in asked.wishes:
                tell(f"- {wish}")
            say(f"Remembered in {grant(asked)}; without that file you are asked again.", "dim")
        else:
            break
    if not granted:
        tell(f"{what} asks for nothing that is not allowed already.")


def _ask_for(what: str) -> None:
    """Take the way that a command would take to the gate.

    Raises:
        TrustError: something is not allowed yet.
    """
    from apo.cli.console import home
    from apo.compare.settings import read_trusted_experiment
    from apo.run.wishes import trusted_settings
    from apo.storage.folder import HOME, RunFolder, find_run, require_home
    from apo.taskfile.load import check_trust

    path = Path(what)
    if (path / "run.json").is_file():
        trusted_settings(RunFolder(path))
    elif path.suffix == ".db" and path.exists():
        _ask_for_places(path.absolute())
    elif path.is_file() and path.name != "task.yaml" and path.suffix in (".yaml", ".yml"):
        read_trusted_experiment(path)
    elif path == HOME or (path / "runs").is_dir():
        require_home(path)
    elif path.exists():
        check_trust(path)
    else:
        trusted_settings(find_run(what, home()))


def _ask_for_places(database: Path) -> None:
    """Ask for where the experiments of an mlflow.db keep files, one after the other."""
    from apo.tracking.places import experiments, place_wishes
    from apo.trust import require

    for name in experiments(database):
        require(database, place_wishes(database, name))


def ask(asked: TrustError) -> bool:
    """Ask on the terminal whether to allow something; where there is none, the answer is no."""
    from apo.cli.console import say
    from apo.trust import grant

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(f"{asked.subject} wants to:", "bold yellow")
    for wish in asked.wishes:
        say(f"- {wish}", "yellow")
    if not typer.confirm("Do you trust it? This is remembered until its files change.", err=True):
        return False
    grant(asked)
    return True
