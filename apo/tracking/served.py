"""Experiments that an MLflow server made: only it can keep files in them."""

from contextlib import closing

from apo.errors import SettingsError
from apo.tracking.environment import database_path, is_server, public_uri

ADDRESS = "apo.server"
"""Tag of such an experiment: where the server was reached when apo logged to it."""
SCHEME = "mlflow-artifacts:"
"""Begins the place of files that a server keeps."""
_QUERY = """
SELECT experiments.artifact_location, tags.value FROM experiments LEFT JOIN experiment_tags AS tags
ON tags.experiment_id = experiments.experiment_id AND tags.key = :tag WHERE experiments.name = :name
"""


def check_place(uri: str, experiment: str) -> None:
    """Make sure, before anything is paid, that a database named as a tracking URI can be logged to.

    A database that cannot be reached now may be there later, so nothing is said of it.

    Raises:
        SettingsError: an MLflow server made the experiment; the text says where to log instead.
    """
    path = database_path(uri)
    if is_server(uri) or "://" not in uri or (path is not None and not path.exists()):
        return
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        engine = create_engine(uri)
        try:
            with closing(engine.connect()) as database:
                row = database.execute(text(_QUERY), {"tag": ADDRESS, "name": experiment}).first()
        finally:
            engine.dispose()
    except (ArgumentError, SQLAlchemyError, ImportError):
        return
    if row is not None and str(row[0]).startswith(SCHEME):
        told = served(uri, experiment, row[1])
        raise SettingsError(f"{told[0].upper()}{told[1:]}.")


def served(uri: str, experiment: str, address: str | None) -> str:
    """Say that an experiment is a server's, and where to log."""
    return (
        f"the experiment {experiment!r} in {public_uri(uri)} was made by an MLflow server, and "
        "only that server can keep the files of runs in it: log to it, with --tracking-uri "
        f"{address or 'http://HOST:PORT'} or MLFLOW_TRACKING_URI, or give another --experiment"
    )
