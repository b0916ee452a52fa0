"""`apo ui` and `apo sync`."""

from typing import Annotated

import typer

from apo.cli import options as o


def ui(
    port: Annotated[int, typer.Option("--port", "-p", help="Port on this machine.")] = 5000,
    tracking_uri: o.TrackingUri = "",
) -> None:
    """Open the MLflow UI on the runs of this folder.

    Example: `apo ui --port 5001`
    """
    import os
    import subprocess

    from apo.cli.console import say
    from apo.tracking import tracking_uri as default_uri
    from apo.tracking import ui_command

    uri = tracking_uri or default_uri()
    command, environment = ui_command(uri, port)
    say(
        f"MLflow on http://127.0.0.1:{port} (store: {uri}). It takes a while to start; "
        "Ctrl-C ends it."
    )
    raise typer.Exit(subprocess.call(command, env={**os.environ, **environment}))  # noqa: S603 (our own command)


def sync(
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="A run's id; by default all not yet logged.")
    ] = "",
    tracking_uri: o.TrackingUri = "",
) -> None:
    """Log to MLflow what could not be logged while a run went on.

    Example: `apo sync`
    """
    from apo.cli.console import home, say
    from apo.runs import find_run, list_runs
    from apo.tracking import sync as sync_run

    folders = [find_run(run, home())] if run else list(list_runs(home()))
    pending = [f for f in folders if run or not _logged(f.result)]
    if not pending:
        say("Everything is logged.")
    failed = False
    for folder in pending:
        tracked = sync_run(folder, uri=tracking_uri or None)
        failed = failed or not tracked.complete
        say(f"{folder.id}: {tracked.problem or f'complete, MLflow run {tracked.run_id}'}")
        if folder.result is not None:
            folder.write("result.json", {**folder.result, "mlflow": tracked.to_dict()})
    if failed:
        raise typer.Exit(1)


def _logged(result: dict[str, object] | None) -> bool:
    mlflow = (result or {}).get("mlflow")
    return isinstance(mlflow, dict) and bool(mlflow.get("complete"))
