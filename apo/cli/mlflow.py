"""`apo ui` and `apo sync`."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from apo.cli import options as o

if TYPE_CHECKING:
    from apo.storage.folder import RunFolder


def ui(
    port: Annotated[int, typer.Option("--port", "-p", help="Port on this machine.")] = 5000,
    uri: o.TrackingUri = "",
) -> None:
    """Open the MLflow UI on the runs of this folder.

    Example: `apo ui --port 5001`
    """
    import socket

    from apo.cli.console import home, say
    from apo.errors import SettingsError
    from apo.storage.folder import list_runs
    from apo.tracking import run_url, tracking_uri, ui_command

    command, environment = ui_command(uri or tracking_uri(), port)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SettingsError(f"Port {port} is taken by another server; give another --port.")
    base = f"http://127.0.0.1:{port}"
    logged = [f.read("mlflow.json") for f in list_runs(home()) if (f.path / "mlflow.json").exists()]
    page = run_url(base, logged[0]["experiment_id"]) if logged else base
    say(f"Starting; soon at {page}", "bold")
    say("Ctrl-C ends the server.")
    # In the place of this process, so that a signal to it reaches the server.
    os.execve(command[0], command, environment)  # noqa: S606 (our own command)


def sync(
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="A run's id; by default all not yet logged.")
    ] = "",
    tracking_uri: o.TrackingUri = "",
    failures: Annotated[
        bool,
        typer.Option("--failures", help="Log failed test rows as traces, too (up to 50 a run)."),
    ] = False,
) -> None:
    """Log to MLflow what could not be logged while a run went on.

    It goes where the run was to be logged; --tracking-uri sends it elsewhere.

    Example: `apo sync`
    """
    from apo.cli.console import home, tell
    from apo.errors import SettingsError
    from apo.run.wishes import sync_wishes
    from apo.storage.folder import find_run, list_runs
    from apo.tracking import sync as sync_run
    from apo.trust import require

    if failures and not run:
        raise SettingsError("--failures needs a run: apo sync last --failures.")
    folders = [find_run(run, home())] if run else list(list_runs(home()))
    pending = [folder for folder in folders if run or not _logged(folder)]
    if not pending:
        tell("Everything is logged.")
    failed = False
    for folder in pending:
        if not tracking_uri:
            require(folder.path, sync_wishes(folder))
        tracked = sync_run(folder, uri=tracking_uri or None)
        failed = failed or not tracked.complete
        tell(f"{folder.id}: {tracked.problem or f'complete, MLflow run {tracked.run_id}'}")
        if failures:
            from apo.tracking.failures import log_failures

            tell(f"Failed test rows that are traces of that run: {log_failures(folder, tracked)}.")
        if folder.result is not None:
            folder.write("result.json", {**folder.result, "mlflow": tracked.to_dict()})
    if failed:
        raise typer.Exit(1)


def _logged(folder: "RunFolder") -> bool:
    if not folder.journal_path.exists() or not folder.settings["options"]["track"]:
        return True
    logged = (folder.path / "mlflow.json").exists()
    return logged and bool(folder.read("mlflow.json").get("complete"))
