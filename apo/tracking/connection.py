"""Reaching MLflow: the database, if it is a file of our own, and the experiment."""

import logging
import os
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException

from apo.errors import RunError
from apo.tracking.environment import database_path, is_server, public_uri
from apo.tracking.places import default_place, require_place
from apo.tracking.served import ADDRESS, SCHEME, served

LOCK = 3_170_041
"""The advisory lock of PostgreSQL under which MLflow's tables are made."""


def connect(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """Reach the store, and find the experiment or make it.

    Args:
        uri: the tracking URI.
        experiment: name of the experiment.

    Returns:
        A client, and the experiment's id.

    Raises:
        MlflowException: the store cannot be reached.
        RunError: the experiment was deleted, or is a server's and its database was named.
        TrustError: files would go elsewhere, and the user has not allowed it.
    """
    _quiet_libraries()
    require_place(uri, experiment)
    path = database_path(uri)
    if path is not None and not path.exists():
        _make_database(path)
    with nullcontext() if path is not None or is_server(uri) else _alone(uri):
        client = MlflowClient(tracking_uri=uri)  # Makes MLflow's tables where there are none.
        found = client.get_experiment_by_name(experiment)
    if found is None:
        # Beside the database; MLflow would put the files in the working directory.
        folder = None if path is None else default_place(path, experiment).as_uri()
        try:
            client.create_experiment(experiment, artifact_location=folder)
        except MlflowException:  # Another run may have made it in the meantime.
            if client.get_experiment_by_name(experiment) is None:
                raise
        found = client.get_experiment_by_name(experiment)
        if found is None:
            raise RunError(f"the experiment {experiment!r} was made, and is not there")
    if found.lifecycle_stage == "deleted":
        raise RunError(
            f"the experiment {experiment!r} was deleted at {public_uri(uri)}; restore it there "
            f"(mlflow experiments restore -x {found.experiment_id}) or give another name"
        )
    _check_server(client, uri, found)
    return client, str(found.experiment_id)


def _check_server(client: MlflowClient, uri: str, found: Experiment) -> None:
    """Note where the server of an experiment is; tell whoever comes to its database instead."""
    if not str(found.artifact_location).startswith(SCHEME):
        return
    address = found.tags.get(ADDRESS)
    if not is_server(uri):
        raise RunError(served(uri, found.name, address))
    if address is None:
        client.set_experiment_tag(found.experiment_id, ADDRESS, public_uri(uri))


def _quiet_libraries() -> None:
    """Keep notes on tables made and requests tried again off the user's terminal."""
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _alone(uri: str) -> Generator[None]:
    """Reach a database, or raise at once what is wrong; MLflow would try for two minutes.

    On PostgreSQL nobody else does so meanwhile: two that make MLflow's tables at once both fail.
    """
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import ArgumentError

    try:
        engine = create_engine(uri)
    except ArgumentError:  # No database: MLflow says what it takes instead.
        yield
        return
    except ModuleNotFoundError as error:
        raise RunError(_driver(uri, error.name or "")) from error
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
                connection.commit()  # The lock is the session's; no transaction is left open.
            yield
    finally:
        engine.dispose()


def _driver(uri: str, package: str) -> str:
    """What to install, and write, where a database's driver is missing."""
    told = f"{public_uri(uri)} takes the package {package}, which is not installed"
    if uri.startswith("postgresql"):
        return f"{told}: pip install 'apo[postgresql]', and write postgresql+psycopg://USER@HOST/DB"
    return f"{told}: pip install {package}"


def _make_database(path: Path) -> None:
    """Make MLflow's tables elsewhere, and put the file in its place when they are whole.

    That takes MLflow seconds, and where it is killed meanwhile nobody can go on with what is there.
    The file is a write-ahead one, which MLflow keeps: logging then costs half.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = Path(folder, "mlflow.db")
        MlflowClient(tracking_uri=f"sqlite:///{made.as_posix()}").search_experiments(max_results=1)
        with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=WAL")
    try:
        os.link(part, path)  # Another run may have made it in the meantime.
    except FileExistsError:
        pass
    except OSError:  # A file system without links.
        if not path.exists():
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def find_runs(client: MlflowClient, experiment_id: str, condition: str) -> list[Run]:
    """All runs of an experiment that meet a condition, the oldest first."""
    runs: list[Run] = []
    token: str | None = None
    while True:
        page: Any = client.search_runs(
            [experiment_id],
            condition,
            max_results=1000,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        runs += page
        token = page.token or None
        if token is None:
            return runs


def hide_runs(client: MlflowClient, runs: Iterable[Run]) -> None:
    """Hide doubles: a request that was tried again may have been served twice."""
    for run in runs:
        client.delete_run(run.info.run_id)
